"""The appliance's sentences: what they put between backticks is a command, and looks like one."""

from __future__ import annotations

from nicegui.element import Element

from ui.panel.parts.basics import text


class Prose(Element):
    def __init__(self, words: str, tag: str) -> None:
        super().__init__(tag)
        self.classes("pa-prose")
        self._words: str | None = None
        self.show(words)

    def show(self, words: str) -> None:
        if words == self._words:
            return
        self._words = words
        self.clear()
        with self:
            for number, piece in enumerate(words.split("`")):
                if number % 2:
                    text(piece, "code").classes("pa-mono")
                elif piece:
                    text(piece)


def prose(words: str, tag: str = "p") -> Prose:
    return Prose(words, tag)
