"""Something that costs, for changes that come often."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from nicegui import background_tasks, ui

from ui.errors import Failed


class Slowly:
    """``poke`` as often as things change: ``do`` runs at once, then at most every so many seconds, and once more after the last poke.

    It ends with the page. What fails is done again with the next poke.
    """

    def __init__(self, do: Callable[[], Awaitable[object]], every_s: float) -> None:
        self._do = do
        self._every_s = every_s
        self._due = False
        self._runs = False
        self._client = ui.context.client

    def poke(self) -> None:
        self._due = True
        if not self._runs:
            self._runs = True
            background_tasks.create(self._run(), name="a page refreshes")

    async def _run(self) -> None:
        try:
            with self._client:
                while self._due and not self._client.is_deleted:
                    self._due = False
                    with contextlib.suppress(Failed):
                        await self._do()
                    await asyncio.sleep(self._every_s)
        finally:
            self._runs = False
