"""What has to be asked for, asked again when something tells that it may have changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import background_tasks, ui

from ui.errors import Failed

log = logging.getLogger("panel.refresh")
_PAUSE_S = 1.0


class Refresh:
    """Of a page: ``show(await ask())`` in its context, one at a time and at most once a second; ends with the page.

    Where it cannot be asked, what is shown stays: the frame says why, and ``soon`` is called again when all is well.
    """

    def __init__(self, ask: Callable[[], Awaitable[Any]], show: Callable[[Any], None], pause_s: float = _PAUSE_S) -> None:
        self._ask = ask
        self._show = show
        self._pause_s = pause_s
        self._client = ui.context.client
        self._wanted = False
        self._runs = False
        self._ended = False
        self._client.on_delete(self._end)

    def _end(self) -> None:
        self._ended = True

    def soon(self) -> None:
        """Safe to call as often as one likes."""
        self._wanted = True
        if not self._runs and not self._ended:
            self._runs = True
            background_tasks.create(self._run(), name="refresh")

    async def now(self) -> None:
        """After an action: its effect is shown when this returns. Raises Failed."""
        self._put(await self._ask())

    async def _run(self) -> None:
        try:
            while self._wanted and not self._ended:
                self._wanted = False
                with self._client:
                    await self._once()
                await asyncio.sleep(self._pause_s)
        finally:
            self._runs = False

    async def _once(self) -> None:
        try:
            self._put(await self._ask())
        except Failed as error:
            log.info("a page keeps what it shows: %s", error)

    def _put(self, answer: Any) -> None:
        if not self._ended:
            with self._client:
                self._show(answer)
