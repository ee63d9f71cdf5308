"""The versions of a script: what each changed, and the way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.scripting import difference
from ui.panel.scripting.source import Source
from ui.words import size


class Versions:
    """``changed()`` after a roll-back."""

    def __init__(self, script: str, changed: Callable[[], Awaitable[object]]) -> None:
        self._script, self._changed = script, changed
        self._rows = ui.element("ul").classes("pa-list")

    async def load(self) -> None:
        """Raises Failed."""
        found = (await here.ask("script/versions", script=self._script))["versions"]
        self._rows.clear()
        with self._rows:
            for one, before in zip(found, [*found[1:], None], strict=True):
                self._row(one, before, newest=one is found[0])

    def _row(self, one: dict[str, Any], before: dict[str, Any] | None, *, newest: bool) -> None:
        number = one["version"]
        with ui.element("li").classes("pa-list-row pa-run"):
            with ui.element("div").classes("pa-stack pa-tight pa-grow"):
                with parts.row():
                    parts.text(f"Version {number}").classes("pa-strong")
                    parts.when(one["saved_at"], "moment", none="with the appliance")
                    if newest:
                        parts.pill("the newest", "ok")
                parts.text(f"{one['saved_by']} · {size(one['size_bytes'])} · {one['title']}").classes("pa-muted pa-small")
            with parts.row():
                if before:
                    parts.action("What it changed", lambda: self._look(before["version"], number), kind="quiet")
                if not newest:
                    parts.action("Go back to it", lambda: self._go_back(number), kind="quiet")

    async def _look(self, old: int, new: int) -> None:
        await difference.look(f"From version {old} to version {new}", await self._source(old), await self._source(new))

    async def _source(self, version: int | None) -> Source:
        return Source.of_base64((await here.ask("script/show", script=self._script, version=version))["source_base64"])

    async def _go_back(self, version: int) -> None:
        old, now = await self._source(version), await self._source(None)
        words = (
            "It becomes the newest version as it was then, with its title, permission and limits. The others stay. The source changes so:"
        )
        if await parts.confirm(f"Go back to version {version}?", words, "Go back to it", more=lambda: difference.show(now, old)):
            await here.ask("script/roll-back", script=self._script, version=version)
            await self._changed()
