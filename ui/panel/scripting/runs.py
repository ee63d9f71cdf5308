"""Runs that are remembered, the newest first; each shows its output in the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.refresh import Refresh
from ui.panel.scripting import words
from ui.words import count

_PAGE = 20
Look = Callable[[str], Awaitable[object]]


class Runs:
    """``script``: of this one alone. ``look(run_id)`` is what the button of a run does."""

    def __init__(self, look: Look, script: str | None = None, *, nothing: str) -> None:
        self._look, self._script, self._nothing = look, script, nothing
        self._shown = _PAGE
        self._key: object = None
        self._total = parts.text("").classes("pa-muted pa-small")
        self._rows = ui.element("ul").classes("pa-list")
        self._older = parts.action("Older runs", self._load_older, kind="quiet")
        self._refresh = Refresh(self._ask, self._show)
        here.follow(["script/+/state"], self._refresh.soon)

    async def load(self) -> None:
        """Raises Failed."""
        await self._refresh.now()

    async def _load_older(self) -> None:
        self._shown = min(self._shown + _PAGE, 200)
        await self.load()

    async def _ask(self) -> Any:
        return await here.ask("script/runs", script=self._script, limit=self._shown)

    def _show(self, found: dict[str, Any]) -> None:
        key = [(run["run_id"], run["state"]) for run in found["runs"]]
        self._total.set(count(found["total"], "run") if found["total"] else "")
        self._older.set_visibility(len(found["runs"]) < min(found["total"], 200))
        if key == self._key:
            return
        self._key = key
        self._rows.clear()
        with self._rows:
            for run in found["runs"]:
                self._row(run)
            if not found["runs"]:
                parts.text(self._nothing, "li").classes("pa-muted")

    def _row(self, run: dict[str, Any]) -> Element:
        with ui.element("li").classes("pa-list-row pa-run") as row:
            parts.pill(*words.state(run))
            with ui.element("div").classes("pa-stack pa-tight pa-grow"):
                with parts.row():
                    if self._script is None:
                        parts.text(run["title"]).classes("pa-strong")
                    parts.when(run["asked_at"], "moment")
                    told = (words.asker(run), words.took(run), f"version {run['version']}" if run["version"] else "")
                    parts.text(" · ".join(one for one in told if one)).classes("pa-muted pa-small")
                if words.ending(run):
                    parts.text(words.ending(run)).classes("pa-muted pa-small")
            parts.action("Output", lambda: self._look(run["run_id"]), kind="quiet")
        return row
