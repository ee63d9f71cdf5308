"""What was moved, or failed to, as the ledgers tell it."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.parts.keyed import Keyed
from ui.panel.refresh import Refresh
from ui.panel.transfers.happenings import Item, ItemLine, of_happening

_STEP, _MOST = 15, 200
_PAUSE_S = 2.0


class History:
    """The newest first; more on demand. Members get their own."""

    def __init__(self) -> None:
        self._limit = _STEP
        self._none = parts.text("Nothing was moved yet.", "p").classes("pa-muted")
        self._list = ui.element("ol").classes("pa-list pa-recent")
        self._lines: Keyed[Item] = Keyed(self._list, ItemLine)
        self._more = parts.action("Show more", self._show_more, icon="expand_more", kind="quiet")
        self._more.set_visibility(False)
        self._refresh = Refresh(lambda: here.ask("transfer/history", limit=self._limit), self._show, _PAUSE_S)
        self.soon = self._refresh.soon

    async def _show_more(self) -> None:
        self._limit = min(_MOST, self._limit + 2 * _STEP)
        await self._refresh.now()

    def _show(self, page: dict[str, Any]) -> None:
        items = [of_happening(one) for one in page["happenings"]]
        self._lines.show({item: item for item in items})
        self._none.set_visibility(not items)
        self._more.set_visibility(page["more"] and self._limit < _MOST)
