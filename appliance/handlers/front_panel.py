"""What is asked of lamp and button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.front_panel.panel import FrontPanel
from appliance.handlers.table import handles
from mqtt import verbs


@dataclass(frozen=True, slots=True)
class FrontPanelVerbs:
    """``frontpanel/…``."""

    front_panel: FrontPanel

    @handles(verbs.FrontPanelPress)
    def press(self, asked: verbs.FrontPanelPress) -> Any:
        return self.front_panel.press(asked.seconds)

    @handles(verbs.FrontPanelHold)
    def hold(self, _asked: verbs.FrontPanelHold) -> Any:
        self.front_panel.hold()
        return {}

    @handles(verbs.FrontPanelLetGo)
    def let_go(self, _asked: verbs.FrontPanelLetGo) -> Any:
        self.front_panel.let_go()
        return {}

    @handles(verbs.FrontPanelHistory)
    def history(self, _asked: verbs.FrontPanelHistory) -> Any:
        return self.front_panel.history()
