"""What the button did lately."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.refresh import Refresh

_SHOWN = 8


class Presses:
    """Asked for again when something was pressed."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._list = ui.element("div").classes("pa-list")
        self._refresh = Refresh(lambda: here.ask("frontpanel/history"), self._take)

    def soon(self) -> None:
        self._refresh.soon()

    def _take(self, history: dict[str, Any]) -> None:
        presses = history["presses"][-_SHOWN:][::-1]
        number = presses[0]["number"] if presses else 0
        if number == self._number:
            return
        self._number = number
        self._list.clear()
        with self._list:
            for press in presses:
                _line(press)
            if not presses:
                parts.text("Nobody has pressed it since the appliance started.", "p").classes("pa-muted")


def _line(press: dict[str, Any]) -> None:
    with ui.element("div").classes("pa-list-row"):
        with ui.element("div").classes("pa-grow pa-wrap"):
            parts.prose(parts.sentence_of(press["result"]), "span")
        if not press["done"]:
            parts.pill("Not done", "warn")
        parts.text(f"{press['held_s']:.1f} s").classes("pa-num pa-muted")
        parts.when(press["at"]).classes("pa-muted")
