"""When a script runs by itself."""

from __future__ import annotations

import shlex
from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.refresh import Refresh
from ui.panel.scripting import words
from ui.panel.scripting.deployment_form import ask_deployment


class Deployments:
    def __init__(self, script: str) -> None:
        self._script = script
        self._paused = parts.banner("warn", "pause_circle", "All deployments are paused: nothing runs by itself until they are resumed.")
        self._rows = ui.element("ul").classes("pa-list")
        parts.action("Deploy it", self._add, icon="schedule")
        self._refresh = Refresh(self._ask, self._show)
        self._key: object = None
        here.follow(["script/+/state"], self._refresh.soon)

    async def load(self) -> None:
        """Raises Failed."""
        await self._refresh.now()

    async def _ask(self) -> Any:
        return await here.ask("deployment/list", script=self._script)

    def _show(self, found: dict[str, Any]) -> None:
        if found == self._key:
            return
        self._key = found
        self._paused.set_visibility(found["paused"])
        self._rows.clear()
        with self._rows:
            for one in found["deployments"]:
                self._row(one)
            if not found["deployments"]:
                parts.text("It runs only when somebody runs it.", "li").classes("pa-muted")

    def _row(self, one: dict[str, Any]) -> None:
        with ui.element("li").classes("pa-list-row pa-run"):
            with ui.element("div").classes("pa-stack pa-tight pa-grow"):
                with parts.row():
                    parts.text(words.every(one)).classes("pa-strong")
                    if not one["enabled"]:
                        parts.pill("switched off", "mute")
                self._next(one["next_at"])
                told = [
                    words.OVERLAPS[one["overlap"]].lower() + " while it runs",
                    f"missed turns: {words.CATCH_UPS[one['catch_up']].lower()}",
                ]
                if one["arguments"]:
                    told.append(f"arguments: {shlex.join(one['arguments'])}")
                parts.text(" · ".join(told)).classes("pa-muted pa-small")
            with parts.row():
                parts.action("Change", lambda: self._change(one), kind="quiet")
                parts.action("Undeploy", lambda: self._remove(one), kind="quiet")

    @staticmethod
    def _next(moments: list[str]) -> None:
        with parts.row().classes("pa-small"):
            parts.text("Next:" if moments else "No turn is planned.").classes("pa-muted")
            for at in moments:
                parts.when(at, "turn")

    async def _add(self) -> None:
        if await ask_deployment(self._script, None):
            await self.load()

    async def _change(self, one: dict[str, Any]) -> None:
        if await ask_deployment(self._script, one):
            await self.load()

    async def _remove(self, one: dict[str, Any]) -> None:
        question = f"It no longer runs {words.every(one)}. A run that is under way goes on; the history stays."
        if await parts.confirm("Undeploy it?", question, "Undeploy"):
            await here.ask("deployment/remove", id=one["id"])
            await self.load()
