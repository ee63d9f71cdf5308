"""What happened to an archive, the newest first."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.parts.keyed import Keyed
from ui.panel.transfers.happenings import Item, ItemLine, of_happening

_STEP, _MOST = 15, 200


class History:
    """``load`` asks for it anew; what was unfolded stays."""

    def __init__(self, archive_id: str) -> None:
        self._id = archive_id
        self._limit = _STEP
        self._happenings: list[dict[str, Any]] = []
        with parts.card("What happened"):
            self._list = ui.element("ol").classes("pa-list pa-recent")
            self._lines: Keyed[Item] = Keyed(self._list, ItemLine)
            self._more = parts.action("Show more", self._show_more, icon="expand_more", kind="quiet")
            self._more.set_visibility(False)

    async def load(self) -> None:
        """Raises Failed."""
        found = await here.ask("archive/history", archive=self._id, limit=self._limit)
        self._happenings = found["happenings"]
        items = [of_happening(one) for one in self._happenings]
        self._lines.show({item: item for item in items})
        self._more.set_visibility(found["more"] and self._limit < _MOST)

    async def _show_more(self) -> None:
        self._limit = min(_MOST, self._limit + 2 * _STEP)
        await self.load()

    def safe_since(self, names: list[str]) -> str | None:
        """When all of it was on one of these connections, as far as it was asked for."""
        return min((one["at"] for one in self._happenings if one["what"] == "described" and one["connection_name"] in names), default=None)
