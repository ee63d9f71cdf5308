"""The steps as a list: what is done, what is due, what comes later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from nicegui import ui

from ui.panel import parts

Standing = Literal["done", "due", "later", "open"]
_SAID = {"done": "done", "due": "next", "later": "later", "open": ""}


class WizardStep:
    """``with step.body():`` for what is shown while it is due or open; ``show`` changes how it stands."""

    def __init__(self, number: int, title: str) -> None:
        self._number = str(number)
        with ui.element("li").classes("pa-wizard-step") as self._row:
            self._mark = parts.text(self._number).classes("pa-wizard-mark").props('aria-hidden="true"')
            with ui.element("section").classes("pa-card pa-grow"):
                with parts.row():
                    parts.text(title, "h2").classes("pa-card-title")
                    self._pill = parts.pill("")
                self._note = parts.text("", "p").classes("pa-muted")
                self._body = parts.stack()

    @contextmanager
    def body(self) -> Iterator[None]:
        with self._body:
            yield

    def show(self, standing: Standing, note: str = "", *, open_body: bool | None = None) -> None:
        self._row.props["data-standing"] = standing
        self._mark.set("✓" if standing == "done" else self._number)
        self._pill.show(_SAID[standing], "ok" if standing == "done" else "busy" if standing == "due" else "mute")
        self._pill.set_visibility(bool(_SAID[standing]))
        self._note.set(note)
        self._note.set_visibility(bool(note))
        self._body.set_visibility(standing in {"due", "open"} if open_body is None else open_body)
