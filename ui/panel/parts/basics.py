"""Text, links, icons, cards and lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from nicegui import ui
from nicegui.element import Element

Tone = Literal["ok", "busy", "wait", "warn", "bad", "mute"]
When = Literal["relative", "moment", "date", "time", "turn", "by", "left"]


class Text(Element):
    """An element of plain text; ``set`` changes it, and only then is anything sent."""

    def __init__(self, words: str, tag: str = "span") -> None:
        super().__init__(tag)
        self._words: str | None = None
        self.set(words)

    def set(self, words: str) -> Text:
        if words != self._words:
            self._words = words
            self._text = words  # NiceGUI renders it as a text node
            self.update()
        return self


class Link(Text):
    def __init__(self, words: str, target: str) -> None:
        super().__init__(words, "a")
        self.lead_to(target)

    def lead_to(self, target: str) -> None:
        if self.props.get("href") != target:
            self.props["href"] = target  # a target may hold what the syntax of props would cut at
            self.update()


def text(words: str, tag: str = "span") -> Text:
    return Text(words, tag)


def link(words: str, target: str, *, new_tab: bool = False) -> Link:
    element = Link(words, target)
    if new_tab:
        element.props('target="_blank" rel="noopener"')
    return element


def icon(name: str) -> Element:
    """Decoration: what it says is said beside it in words."""
    return ui.icon(name).classes("pa-icon").props('aria-hidden="true"')


@contextmanager
def card(title: str | None = None, *, level: int = 2) -> Iterator[Element]:
    """A titled surface; what it holds is stacked."""
    with ui.element("section").classes("pa-card") as element:
        if title:
            text(title, f"h{level}").classes("pa-card-title")
        yield element


def grid() -> Element:
    """Cards side by side, as many as there is room for."""
    return ui.element("div").classes("pa-grid")


def row() -> Element:
    """Side by side, wrapping."""
    return ui.element("div").classes("pa-row")


def stack() -> Element:
    return ui.element("div").classes("pa-stack")


class Pill(Text):
    """A short word on how something is, in a colour that only repeats it."""

    def __init__(self, words: str, tone: Tone) -> None:
        super().__init__(words, "span")
        self.classes("pa-pill")
        self.show(words, tone)

    def show(self, words: str, tone: Tone) -> None:
        self.set(words)
        if self._props.get("data-tone") != tone:
            self._props["data-tone"] = tone
            self.update()


def pill(words: str, tone: Tone = "mute") -> Pill:
    return Pill(words, tone)


class Stat(Element):
    """A number with its name above and a note below; the places of all three are kept."""

    def __init__(self, label: str, value: str, note: str = "") -> None:
        super().__init__("div")
        self.classes("pa-stat")
        with self:
            text(label).classes("pa-stat-label")
            self.value = text(value).classes("pa-stat-value")
            self.note = text(note).classes("pa-stat-note")

    def show(self, value: str, note: str = "") -> None:
        self.value.set(value)
        self.note.set(note)


def stat(label: str, value: str, note: str = "") -> Stat:
    return Stat(label, value, note)


class Moment(Text):
    """A time, put into the reader's zone and language in the browser (static/panel.js). ISO 8601 in, or None for none."""

    def __init__(self, at: str | None, style: When, none: str) -> None:
        self._none = none
        super().__init__("", "time")
        self.classes("pa-when")
        self._props["data-style"] = style
        self.show(at)

    def show(self, at: str | None) -> None:
        if at != self._props.get("datetime", ""):
            self._props["datetime"] = at or ""
            self.set(at or self._none)
            self.update()


def when(at: str | None, style: When = "relative", *, none: str = "never") -> Moment:
    moment = Moment(at, style, none)
    if not at:
        moment.set(none)
    return moment


def countdown(at: str) -> Moment:
    """Minutes and seconds that are left until then, counted in the browser."""
    return when(at, "left")


def banner(tone: Tone, icon_name: str, words: str) -> Element:
    with ui.element("div").classes("pa-banner") as element:
        element.props["data-tone"] = tone
        icon(icon_name)
        text(words)
    return element


def empty(icon_name: str, title: str, words: str = "") -> Element:
    """Instead of nothing: what would be here, and how it comes."""
    with ui.element("div").classes("pa-empty") as element:
        icon(icon_name)
        text(title, "h2").classes("pa-empty-title")
        if words:
            text(words, "p").classes("pa-muted")
    return element
