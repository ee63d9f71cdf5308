"""When a script runs by itself."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.parts.keyed import Keyed
from ui.panel.refresh import Refresh
from ui.panel.scripting import words
from ui.panel.scripting.deployment_form import ask_deployment

Deployment = dict[str, Any]
Act = Callable[[Deployment], Awaitable[None]]


class Deployments:
    def __init__(self, script: str) -> None:
        self._script = script
        self._paused = parts.banner("warn", "pause_circle", "All deployments are paused: nothing runs by itself until they are resumed.")
        self._none = parts.text("It runs only when somebody runs it.", "p").classes("pa-muted")
        self._rows: Keyed[Deployment] = Keyed(ui.element("ul").classes("pa-list"), lambda: _Row(self._change, self._remove))
        parts.action("Deploy it", self._add, icon="schedule")
        self._refresh = Refresh(self._ask, self._show)
        here.follow(["script/+/state"], self._refresh.soon)

    async def load(self) -> None:
        """Raises Failed."""
        await self._refresh.now()

    async def _ask(self) -> Any:
        return await here.ask("deployment/list", script=self._script)

    def _show(self, found: dict[str, Any]) -> None:
        self._paused.set_visibility(found["paused"])
        self._none.set_visibility(not found["deployments"])
        self._rows.show({one["id"]: one for one in found["deployments"]})

    async def _add(self) -> None:
        if await ask_deployment(self._script, None):
            await self.load()

    async def _change(self, one: Deployment) -> None:
        if await ask_deployment(self._script, one):
            await self.load()

    async def _remove(self, one: Deployment) -> None:
        question = f"It no longer runs {words.every(one)}. A run that is under way goes on; the history stays."
        if await parts.confirm("Undeploy it?", question, "Undeploy"):
            await here.ask("deployment/remove", id=one["id"])
            await self.load()


class _Row(Element):
    def __init__(self, change: Act, remove: Act) -> None:
        super().__init__("li")
        self.classes("pa-list-row pa-run")
        self._one: Deployment = {}
        with self:
            with ui.element("div").classes("pa-stack pa-tight pa-grow"):
                with parts.row():
                    self._every = parts.text("").classes("pa-strong")
                    self._off = parts.pill("switched off", "mute")
                self._turns = parts.area()
                self._rules = parts.text("").classes("pa-muted pa-small")
            with parts.row():
                parts.action("Change", lambda: change(self._one), kind="quiet")
                parts.action("Undeploy", lambda: remove(self._one), kind="quiet")

    def show(self, one: Deployment) -> None:
        self._one = one
        self._every.set(words.every(one))
        self._off.set_visibility(not one["enabled"])
        self._turns.show(tuple(one["next_at"]), lambda: _turns(one["next_at"]))
        self._rules.set(_rules(one))


def _turns(moments: list[str]) -> None:
    with parts.row().classes("pa-small"):
        parts.text("Next:" if moments else "No turn is planned.").classes("pa-muted")
        for at in moments:
            parts.when(at, "turn")


def _rules(one: Deployment) -> str:
    told = [words.OVERLAPS[one["overlap"]].lower() + " while it runs", f"missed turns: {words.CATCH_UPS[one['catch_up']].lower()}"]
    if one["arguments"]:
        told.append(f"arguments: {shlex.join(one['arguments'])}")
    return " · ".join(told)
