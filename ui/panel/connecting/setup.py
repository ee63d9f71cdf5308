"""From a new connection to one that copies go to: always the step that is due, from what the connection's state says."""

from __future__ import annotations

import asyncio

from nicegui import ui

from ui.panel import parts
from ui.panel.connecting.activating import Activate
from ui.panel.connecting.checking import Check
from ui.panel.connecting.deciding import Decide
from ui.panel.connecting.sign_in import SignIn
from ui.panel.connecting.standing import State, Step, next_step

TITLES: dict[Step, str] = {
    "sign_in": "Sign in to Google",
    "validate": "Check that it works",
    "decide": "Something lies there already",
    "activate": "It works. Start copying?",
}


class Setup:
    """A card with the step that is due; no card where none is. ``begin``: the step begins by itself, as somebody has just asked for it."""

    def __init__(self, state: State, *, begin: bool = False) -> None:
        self._area = parts.area()
        self._begin = begin
        self._sign_in: SignIn | None = None
        self._lock = asyncio.Lock()
        self._step: Step | None = None
        self._state = state

    async def show(self, state: State) -> None:
        self._state = state
        async with self._lock:  # one change after the other
            step = next_step(self._state)
            self._begin = self._begin or (self._step == "sign_in" and step == "validate")
            self._step = step
            self._area.show((step, self._depends_on(step)), self._build)
            if step == "sign_in" and self._sign_in:
                await self._sign_in.show(self._state)

    def _depends_on(self, step: Step) -> object:
        state = self._state
        return {"decide": state["adopting"], "activate": (state["name"], state["free_bytes"] is None)}.get(step)

    def _build(self) -> None:
        step = next_step(self._state)
        if step == "done":
            return
        with parts.card(TITLES[step]) as card:
            card.classes("pa-step-card")
            if step == "sign_in":
                self._sign_in = SignIn(self._state)
                self._at_once(self._sign_in.begin if self._state["sign_in"] == "needed" else None)
            elif step == "validate":
                self._at_once(Check(self._state).run)
            elif step == "decide":
                Decide(self._state)
            else:
                Activate(self._state)

    def _at_once(self, run: object) -> None:
        if self._begin and callable(run):
            ui.timer(0.01, run, once=True)
        self._begin = False
