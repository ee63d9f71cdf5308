"""The lamp of the front panel, as it blinks on the device (static/front-panel.js plays it). What it says stands beside it in words."""

from __future__ import annotations

import json
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.lamp_words import LOOKS

_DARK = "[]"


class Lamp(Element):
    """``show(frontpanel/state)``; None while nobody knows: then it is dark."""

    def __init__(self, *, big: bool = False) -> None:
        super().__init__("span")
        self.classes("pa-lamp pa-lamp-big" if big else "pa-lamp").props('role="img"')
        with self:
            ui.element("span").classes("pa-lamp-glow")
        self.show(None)

    def show(self, state: dict[str, Any] | None) -> None:
        pattern = _pattern(state) if state else _DARK
        label = f"Lamp: {LOOKS.get(state['lamp'], 'unknown')}" if state else "Lamp: unknown"
        if (pattern, label) != (self._props.get("data-pattern"), self._props.get("aria-label")):
            self._props["data-pattern"], self._props["aria-label"] = pattern, label
            self.update()


def lamp(*, big: bool = False) -> Lamp:
    return Lamp(big=big)


def _pattern(state: dict[str, Any]) -> str:
    return json.dumps([[light["level_ratio"], light["for_s"], light["fades"]] for light in state["lamp_pattern"]])
