"""What came of something, said beside the button that did it; and an area that is built anew when it has to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable

from nicegui.element import Element

from ui.errors import Failed
from ui.panel.parts.actions import sentence
from ui.panel.parts.basics import Tone, text

_NOTHING = object()


class Notice(Element):
    """Empty, it takes no room. Screen readers are told of each change."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("pa-notice").props('role="alert"')
        self._said = ""
        with self:
            self._words = text("", "p")

    def show(self, words: str, tone: Tone = "bad") -> None:
        self._said = words
        self._props["data-tone"] = tone
        self._words.set(words)
        self.update()

    def clear_words(self) -> None:
        self._words.set("")

    async def attempt(self, do: Callable[[], Awaitable[object]], meanwhile: str = "") -> bool:
        """Whether it worked; if not, cause and next step stand here. ``meanwhile`` is said until then; what ``do`` says stays."""
        self.show(meanwhile, "busy")
        try:
            await do()
        except Failed as error:
            self.show(sentence(error))
            return False
        if self._said == meanwhile:
            self.clear_words()
        return True


def notice() -> Notice:
    return Notice()


class Area(Element):
    """Its content is built again only when what it depends on has changed: what somebody types or reads meanwhile stays."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("pa-area")
        self._key: object = _NOTHING

    def show(self, key: Hashable, build: Callable[[], object]) -> None:
        if key != self._key:
            self._key = key
            self.clear()
            with self:
                build()


def area() -> Area:
    return Area()
