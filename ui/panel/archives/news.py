"""That there are other archives than the list shows: said in one line, so that nothing moves under the reader's finger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import background_tasks, ui

from ui.panel import here, parts, visible
from ui.panel.archives.query import Query
from ui.words import count


class News:
    """``show`` brings the newest. An empty list that would show them shows them by itself."""

    def __init__(self, show: Callable[[], Awaitable[object]]) -> None:
        self._show = show
        self._new: set[str] = set()
        self._by_itself = False
        self._client = ui.context.client
        self._person = here.person()
        with ui.element("div").classes("pa-news").props('role="status" aria-live="polite"') as self._line:
            self._words = parts.text("")
            parts.action("Show", self._clicked, kind="quiet")
        self._line.set_visibility(False)
        here.stream("event", self._heard)

    def start(self, query: Query, shown: int) -> None:
        """From now on what is new is counted."""
        self._new.clear()
        self._by_itself = query.begins_with_the_newest and not shown
        self._line.set_visibility(False)

    async def _clicked(self) -> None:
        await self._show()

    def _heard(self, payloads: list[Any]) -> None:
        events = visible.events(self._person, payloads)
        self._new |= {event["archive_id"] for event in events if event["event"] == "archive_created"}
        if not self._new:
            return
        if self._by_itself:
            background_tasks.create(self._bring())
            return
        self._words.set(count(len(self._new), "new archive"))
        self._line.set_visibility(True)

    async def _bring(self) -> None:
        with self._client:
            await self._show()
