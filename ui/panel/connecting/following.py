"""Pages that ask the appliance again when something changes."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from nicegui import background_tasks, ui

from ui.errors import Failed
from ui.panel import here
from ui.panel.connecting.standing import State


def follow(names: Iterable[str], told: Callable[[], Awaitable[None]]) -> None:
    """As ``here.follow``, for what has to ask. A question that fails changes nothing: a banner says what is away, and more will come."""
    client = ui.context.client

    async def run() -> None:
        with client, contextlib.suppress(Failed):
            await told()

    def tell() -> None:
        background_tasks.create(run())

    here.follow(names, tell)


def soon(ask: Callable[[], Awaitable[None]]) -> None:
    """What may come after the page is shown. A question that fails is asked again with the next change."""

    async def run() -> None:
        with contextlib.suppress(Failed):
            await ask()

    ui.timer(0.01, run, once=True)


def connections() -> list[State]:
    """As published, by name."""
    return sorted(here.live().below("connection/").values(), key=lambda state: state["name"].casefold())


def connection(connection_id: str) -> State | None:
    found: Any = here.live().get(f"connection/{connection_id}/state")
    return found if isinstance(found, dict) else None
