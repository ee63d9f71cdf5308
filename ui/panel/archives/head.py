"""The title of an archive, which can be changed where it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from ui.panel import here, parts

_LONGEST = 1024
_LONGEST_IN_TAB = 80


class Head:
    def __init__(self, archive: dict[str, Any], refresh: Callable[[], Awaitable[object]]) -> None:
        self._id = archive["id"]
        self._title = archive["title"]
        self._refresh = refresh
        with ui.element("header").classes("pa-archive-head"):
            parts.link("All archives", "/archives").classes("pa-back pa-small")
            with ui.element("div").classes("pa-title-line") as self._shown:
                self._words = parts.text("", "h1").classes("pa-title pa-title-long").props('dir="auto"')
                self._rename = parts.action("Rename", self._edit, icon="edit", kind="quiet")
            with ui.element("div").classes("pa-title-line") as self._editing:
                self._field = ui.input("Title").props(f'outlined dense maxlength={_LONGEST} dir="auto"').classes("pa-grow")
                self._field.on("keydown.enter", self._save_now).on("keydown.esc", self._leave)
                parts.action("Save", self._save, kind="main")
                parts.action("Cancel", self._cancel, kind="quiet")
        self.show(archive)
        self._leave()

    def show(self, archive: dict[str, Any]) -> None:
        self._title = archive["title"]
        self._words.set(self._title)
        self._rename.set_visibility(not archive["removed_at"])
        short = self._title if len(self._title) <= _LONGEST_IN_TAB else f"{self._title[:_LONGEST_IN_TAB]}…"
        ui.page_title(f"{short} · PyArchive")

    async def _edit(self) -> None:
        self._field.value = self._title
        self._shown.set_visibility(False)
        self._editing.set_visibility(True)
        self._field.run_method("focus")
        self._field.run_method("select")

    async def _save_now(self) -> None:
        await parts.said(self._save)

    async def _save(self) -> None:
        """Raises Failed: the field stays, with what was typed."""
        await here.ask("archive/rename", archive=self._id, title=self._field.value or "")
        await self._refresh()
        self._leave()

    async def _cancel(self) -> None:
        self._leave()

    def _leave(self) -> None:
        self._shown.set_visibility(True)
        self._editing.set_visibility(False)
