"""How far something has come: the steps that are done, the one that is on, those to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nicegui import ui

from ui.panel.parts.basics import icon, text, when


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """``at``: when it was done, ISO 8601. ``term``: the design's word for it, for whoever compares with logs."""

    title: str
    words: str
    state: Literal["done", "now", "open"]
    term: str = ""
    at: str | None = None


_ICONS = {"done": "check_circle", "now": "pending", "open": "radio_button_unchecked"}
_SPOKEN = {"done": "done", "now": "under way", "open": "not yet"}


class Ladder:
    def __init__(self) -> None:
        self._element = ui.element("ol").classes("pa-ladder")
        self._shown: list[Step] = []

    def show(self, steps: list[Step]) -> None:
        if steps == self._shown:
            return
        self._shown = list(steps)
        self._element.clear()
        with self._element:
            for step in steps:
                _step(step)


def _step(step: Step) -> None:
    with ui.element("li").classes("pa-rung").props(f'data-state="{step.state}"') as element:
        if step.state == "now":
            element.props('aria-current="step"')
        icon(_ICONS[step.state])
        with ui.element("div").classes("pa-rung-body"):
            with ui.element("div").classes("pa-rung-head"):
                text(step.title).classes("pa-strong")
                text(f"({_SPOKEN[step.state]})").classes("pa-hidden-text")
                if step.term:
                    text(step.term).classes("pa-term")
                if step.at:
                    when(step.at, "moment").classes("pa-small pa-muted pa-rung-at")
            text(step.words, "p").classes("pa-small pa-muted")


def ladder() -> Ladder:
    return Ladder()
