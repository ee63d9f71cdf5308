"""Runs that are remembered, the newest first; each shows its output in the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.parts.keyed import Keyed
from ui.panel.refresh import Refresh
from ui.panel.scripting import words
from ui.words import count

_PAGE = 20
Look = Callable[[str], Awaitable[object]]


class Runs:
    """``script``: of this one alone. ``look(run_id)`` is what the button of a run does."""

    def __init__(self, look: Look, script: str | None = None, *, nothing: str) -> None:
        self._script = script
        self._shown = _PAGE
        self._total = parts.text("").classes("pa-muted pa-small")
        self._none = parts.text(nothing, "p").classes("pa-muted")
        self._rows: Keyed[dict[str, Any]] = Keyed(ui.element("ul").classes("pa-list"), lambda: _Row(look, with_title=script is None))
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
        self._total.set(count(found["total"], "run") if found["total"] else "")
        self._older.set_visibility(len(found["runs"]) < min(found["total"], 200))
        self._none.set_visibility(not found["runs"])
        self._rows.show({run["run_id"]: run for run in found["runs"]})


class _Row(Element):
    def __init__(self, look: Look, *, with_title: bool) -> None:
        super().__init__("li")
        self.classes("pa-list-row pa-run")
        self._with_title = with_title
        self._run: dict[str, Any] = {}
        with self:
            self._state = parts.pill("")
            self._told = parts.area().classes("pa-stack pa-tight pa-grow")
            parts.action("Output", lambda: look(self._run["run_id"]), kind="quiet")

    def show(self, run: dict[str, Any]) -> None:
        self._run = run
        self._state.show(*words.state(run))
        self._told.show(run["state"], self._tell)

    def _tell(self) -> None:
        run = self._run
        with parts.row():
            if self._with_title:
                parts.text(run["title"]).classes("pa-strong")
            parts.when(run["asked_at"], "moment")
            told = (words.asker(run), words.took(run), f"version {run['version']}" if run["version"] else "")
            parts.text(" · ".join(one for one in told if one)).classes("pa-muted pa-small")
        if words.ending(run):
            parts.text(words.ending(run)).classes("pa-muted pa-small")
