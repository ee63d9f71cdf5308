"""The front of the device: the lamp as it is now, and the button, to be pressed and held as the real one."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.lamp_words import LOOKS, MEANS
from ui.panel import here, parts, visible

_STEPS = (("sync", "Short press", "Sync now"), ("pause", "Hold 3 s", "Pause or resume"), ("shutdown", "Hold 10 s", "Shut down"))
_NAMES = [name for name, _, _ in _STEPS]
_DOES = {name: does for name, _, does in _STEPS}


class Device:
    """Members see the lamp; the button is for admins, for it pauses everybody's transfers."""

    def __init__(self) -> None:
        self._admin = here.person().admin
        self._moves = asyncio.Lock()  # what was begun first is asked first: a release must not overtake its press
        with ui.element("div").classes("pa-device"):
            with ui.element("div").classes("pa-device-part"):
                self._lamp = parts.lamp(big=True)
                parts.text("Lamp")
            with ui.element("div").classes("pa-device-part"):
                self._button = self._press_button()
                parts.text("Button")
        with ui.element("div").classes("pa-stack").props('role="status" aria-live="polite"'):
            self._says = parts.text("", "p").classes("pa-strong")
            self._why = parts.prose("", "p").classes("pa-muted")
        self._steps = self._step_marks() if self._admin else {}
        self._note = parts.text("", "p").classes("pa-muted pa-small")

    def _press_button(self) -> ui.element:
        button = ui.element("button").classes("pa-press").props('type="button" aria-label="The button: press, or hold"')
        if self._admin:
            button.on("press", self._down, args=[])
            button.on("letgo", self._up, args=[])
        else:
            button.props("disabled")
        return button

    def _step_marks(self) -> dict[str, ui.element]:
        marks = {}
        with ui.element("ol").classes("pa-steps").props('aria-label="What the button does"'):
            for name, how, does in _STEPS:
                with ui.element("li").classes("pa-step") as marks[name]:
                    parts.text(how)
                    parts.text(does).classes("pa-step-does")
        return marks

    async def _down(self) -> None:
        async with self._moves:
            await parts.said(lambda: here.ask("frontpanel/hold"))

    async def _up(self) -> None:
        async with self._moves:
            try:
                await here.ask("frontpanel/let-go")
            except Failed as error:
                if error.code != "away":  # then the press has said so already
                    parts.toast(parts.sentence(error), bad=True)

    def show(self, state: dict[str, Any] | None, *, can_shut_down: bool) -> None:
        """``frontpanel/state``; None while nobody knows."""
        self._lamp.show(state)
        self._says.set(_headline(state))
        self._why.show(_reason(state))
        self._note.set(_note(state, admin=self._admin))
        step = state["button_step"] if state else None
        reached = _NAMES[: _NAMES.index(step) + 1] if step else []
        for name, mark in self._steps.items():
            mark.set_visibility(name != "shutdown" or can_shut_down)
            _flag(mark, "data-reached", on=name in reached)
        _flag(self._button, "data-down", on=bool(state and state["button_pressed"]))


def _flag(element: ui.element, name: str, *, on: bool) -> None:
    if on != (name in element.props):
        if on:
            element.props[name] = "yes"
        else:
            del element.props[name]
        element.update()


def _headline(state: dict[str, Any] | None) -> str:
    if state is None:
        return "Nothing is known of the lamp at the moment."
    if state["button_pressed"]:
        does = _DOES.get(state["button_step"])
        return f"Held. Let go now for: {does}." if does else "Held for too long: letting go does nothing."
    return parts.sentence_of(f"{LOOKS[state['lamp']]}: {MEANS[state['lamp']]}")


def _reason(state: dict[str, Any] | None) -> str:
    reason = visible.lamp_reason(here.person(), state)
    return parts.sentence_of(reason) if state and reason not in {"", MEANS[state["lamp"]]} else ""


def _note(state: dict[str, Any] | None, *, admin: bool) -> str:
    if state is None:
        return ""
    if state["error"]:
        return parts.sentence_of(state["error"]) if admin else "The lamp on the device does not work at the moment."
    if state["simulated"]:
        return "Simulated: this computer has no lamp and no button, so they are here only."
    return "This is the lamp on the device; the button here does the same as the one there."
