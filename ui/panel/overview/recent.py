"""What happened lately."""

from __future__ import annotations

from collections.abc import Iterator
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
        items = [of_event(one) for one in _once_each(visible.events(here.person(), happened.events()))]
        since = parsed(happened.since_at)
        items += [of_happening(one) for one in self.older if parsed(one["at"]) < since]
        self._lines.show({item: item for item in items[:_MOST]})
        self._none.set_visibility(not items)


def _once_each(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Newest first; of a problem that changes its words only the last ones."""
    told: set[tuple[str, str]] = set()
    for event in reversed(events):
        names = (event.get("code") or "", event.get("about") or "")
        if event["event"] != "problem_raised" or names not in told:
            yield event
        if event["event"] == "problem_raised":
            told.add(names)
