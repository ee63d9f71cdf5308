"""What happened lately."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts, visible
from ui.panel.parts.keyed import Keyed
from ui.panel.transfers.happenings import Item, ItemLine, of_event, of_happening
from ui.words import parsed

_MOST = 8


class Recent:
    """``older``: of transfer/history, from before the panel was started."""

    def __init__(self) -> None:
        self.older: list[dict[str, Any]] = []
        self._none = parts.text("Nothing yet.", "p").classes("pa-muted")
        self._list = ui.element("ol").classes("pa-list pa-recent")
        self._lines: Keyed[Item] = Keyed(self._list, ItemLine)

    def show(self) -> None:
        happened = here.panel().happened
        items = [of_event(one) for one in reversed(visible.events(here.person(), happened.events()))]
        since = parsed(happened.since_at)
        items += [of_happening(one) for one in self.older if parsed(one["at"]) < since]
        self._lines.show({item: item for item in items[:_MOST]})
        self._none.set_visibility(not items)
