"""A whole and its shares: a bar of several colours, with a legend in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from nicegui import ui
from nicegui.element import Element

from ui.panel.parts.basics import Text, text
from ui.words import size


class Share(NamedTuple):
    name: str
    bytes: int
    kind: Literal["archives", "other", "reserve", "free"]


class Shares(Element):
    def __init__(self, label: str) -> None:
        super().__init__("div")
        self.classes("pa-shares")
        with self:
            self._bar = ui.element("div").classes("pa-shares-bar").props('role="img"')
            self._legend = ui.element("ul").classes("pa-shares-legend")
        self._label = label
        self._names: tuple[str, ...] = ()
        self._fills: list[Element] = []
        self._sizes: list[Text] = []
        self._shown: tuple[object, ...] = ()

    def label(self, words: str) -> None:
        """What the bar says to those who do not see it."""
        if self._bar.props.get("aria-label") != words:
            self._bar.props["aria-label"] = words
            self._bar.update()

    def show(self, shares: Sequence[Share]) -> None:
        """The same names each time."""
        if self._shown == tuple(shares):
            return
        self._shown = tuple(shares)
        if self._names != tuple(one.name for one in shares):
            self._build(shares)
        whole = sum(one.bytes for one in shares) or 1
        for share, fill, words in zip(shares, self._fills, self._sizes, strict=True):
            fill.style(f"width: {100 * share.bytes / whole:.2f}%")
            words.set(size(share.bytes))
        self.label(f"{self._label}: " + ", ".join(f"{one.name} {size(one.bytes)}" for one in shares))

    def _build(self, shares: Sequence[Share]) -> None:
        self._names, self._fills, self._sizes = tuple(one.name for one in shares), [], []
        self._bar.clear()
        self._legend.clear()
        for share in shares:
            with self._bar:
                self._fills.append(ui.element("div").classes(f"pa-share pa-share-{share.kind}"))
            with self._legend, ui.element("li"):
                ui.element("span").classes(f"pa-dot pa-share-{share.kind}").props('aria-hidden="true"')
                text(share.name)
                self._sizes.append(text("").classes("pa-num pa-strong"))


def shares(label: str) -> Shares:
    return Shares(label)
