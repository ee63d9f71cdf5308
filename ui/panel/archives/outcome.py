"""What is being done, and what came of it: a place on the page that keeps the words until somebody has read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from nicegui import ui
from nicegui.element import Element

from ui.errors import Failed
from ui.panel import parts
from ui.panel.parts.basics import Tone

Then = tuple[str, Callable[[], Awaitable[object]]]
_ICONS = {"ok": "check_circle", "warn": "warning", "bad": "error", "busy": "autorenew"}


class Outcome:
    """An area that is read out when it changes; nothing stands there before the first act."""

    def __init__(self) -> None:
        self._area = ui.element("div").classes("pa-outcome").props('role="status" aria-live="polite"')

    def clear(self) -> None:
        self._area.clear()

    def busy(self, words: str) -> parts.Bar:
        """The bar is the caller's to move."""
        with self._box("busy", words):
            return parts.bar(words)

    def say(self, tone: Tone, words: str, more: Iterable[str] = (), *, then: Then | None = None) -> None:
        """``then``: a button's label, and what it does."""
        with self._box(tone, words):
            for line in more:
                parts.text(line, "p").props('dir="auto"')
        with self._shown, ui.element("div").classes("pa-outcome-acts"):
            if then:
                parts.action(then[0], then[1])
            parts.action("Close", self._close, kind="quiet")

    def failed(self, error: Failed) -> None:
        self.say("bad", parts.sentence(error))

    async def _close(self) -> None:
        self.clear()

    def _box(self, tone: Tone, words: str) -> Element:
        self._area.clear()
        with self._area, ui.element("div").classes("pa-outcome-box") as self._shown:
            self._shown.props["data-tone"] = tone
            parts.icon(_ICONS[tone])
            with ui.element("div").classes("pa-outcome-body") as body:
                parts.text(words, "p").classes("pa-strong").props('dir="auto"')
        return body
