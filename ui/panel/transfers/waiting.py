"""The queue: what waits, why and until when, and in which order its turn comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.button import Button

from ui.panel import here, parts
from ui.panel.parts.keyed import Keyed
from ui.panel.refresh import Refresh
from ui.words import count, size

_A_PAGE = 25
_WAYS = {"up": ("arrow_upward", "Goes up"), "down": ("arrow_downward", "Comes back here")}
Act = Callable[..., Awaitable[None]]


class Waiting:
    """A page of the queue, as the appliance answers it: members get their own."""

    def __init__(self) -> None:
        self._offset = 0
        self._total = 0
        with ui.element("div").classes("pa-row pa-between"):
            self._count = parts.text("").classes("pa-muted").props('role="status"')
        self._none = parts.empty("done_all", "Nothing waits", "All that was handed in is where it should be, or on its way.")
        self._list = ui.element("ol").classes("pa-list pa-queue").props('aria-label="Waiting transfers"')
        self._lines: Keyed[dict[str, Any]] = Keyed(self._list, lambda: _Line(self._act))
        self._pages()
        self._refresh = Refresh(self._ask, self._show)
        self.soon = self._refresh.soon
        self._none.set_visibility(False)

    def _pages(self) -> None:
        with parts.row() as self._pager:
            self._back = parts.action("Earlier in the queue", lambda: self._turn(-_A_PAGE), icon="chevron_left", kind="quiet")
            self._on = parts.action("Later in the queue", lambda: self._turn(_A_PAGE), icon="chevron_right", kind="quiet")
        self._pager.set_visibility(False)

    async def _ask(self) -> Any:
        return await here.ask("transfer/list", limit=_A_PAGE, offset=self._offset or None)

    async def _turn(self, by: int) -> None:
        self._offset = max(0, self._offset + by)
        await self._refresh.now()

    async def _act(self, verb: str, **parameters: Any) -> None:
        """Its effect is on the page when the button is free again."""
        await here.ask(verb, **parameters)
        await self._refresh.now()

    def _show(self, page: dict[str, Any]) -> None:
        self._total = page["waiting_total"]
        if self._offset and self._offset >= self._total:
            self._offset = 0
            self._refresh.soon()
            return
        self._count.set(_in_words(page, self._offset))
        self._lines.show({(one["archive_id"], one["direction"]): one for one in page["waiting"]})
        self._none.set_visibility(not self._total)
        self._pager.set_visibility(self._total > _A_PAGE)
        self._back.set_enabled(self._offset > 0)
        self._on.set_enabled(self._offset + _A_PAGE < self._total)


def _in_words(page: dict[str, Any], offset: int) -> str:
    total, here_now = page["waiting_total"], len(page["waiting"])
    if not total:
        return ""
    which = f", {offset + 1:,} to {offset + here_now:,} shown" if here_now < total else ""
    return f"{count(total, 'archive')} in the queue{which}"


class _Line(Element):
    def __init__(self, act: Act) -> None:
        super().__init__("li")
        self.classes("pa-queue-line")
        self._act = act
        self._archive_id = ""
        self._position: int | None = None
        with self:
            self._icon = ui.icon("arrow_upward").classes("pa-icon").props('aria-hidden="true"')
            with ui.element("div").classes("pa-queue-words"):
                self._words()
            with ui.element("div").classes("pa-queue-buttons"):
                self._buttons()

    def _words(self) -> None:
        with ui.element("div").classes("pa-row pa-nowrap"):
            self._way = parts.text("").classes("pa-hidden-text")
            self._title = parts.link("", "").classes("pa-strong pa-ellipsis")
            self._pill = parts.pill("", "busy")
        with ui.element("p").classes("pa-small pa-muted pa-wrap"):
            self._rest = parts.text("").classes("pa-num")
            self._why = parts.prose("", "span")
            self._until = parts.when(None, none="")

    def _buttons(self) -> None:
        self._retry = parts.action("Try now", lambda: self._do("transfer/retry"), icon="refresh", kind="quiet")
        if not here.person().admin:
            return
        self._front = _icon_button("vertical_align_top", "To the front", lambda: self._do("transfer/first"))
        self._up = _icon_button("keyboard_arrow_up", "One place up", lambda: self._move(-1))
        self._down = _icon_button("keyboard_arrow_down", "One place down", lambda: self._move(1))
        self._usual = _icon_button("restart_alt", "Back to the usual order", lambda: self._do("transfer/usual"))

    async def _do(self, verb: str) -> None:
        await self._act(verb, archive=self._archive_id)

    async def _move(self, by: int) -> None:
        await self._act("transfer/first", archive=self._archive_id, position=max(0, (self._position or 0) + by))

    def show(self, waiting: dict[str, Any]) -> None:
        self._archive_id, self._position = waiting["archive_id"], waiting["position"]
        icon, way = _WAYS[waiting["direction"]]
        if self._icon.name != icon:
            self._icon.name = icon
        self._way.set(way)
        self._title.set(waiting["title"])
        self._title.lead_to(f"/archives/{quote(self._archive_id, safe='')}")
        self._rest.set(f"{count(waiting['batches'], 'batch')}, {size(waiting['bytes'])}")
        self._why.show(_why(waiting))
        self._until.show(waiting["next_try_at"])
        self._show_place(waiting)

    def _show_place(self, waiting: dict[str, Any]) -> None:
        is_by_hand, moves = self._position is not None, waiting["moving"]
        self._pill.show(*(("Moving", "busy") if moves else (f"Number {(self._position or 0) + 1} by hand", "mute")))
        self._pill.set_visibility(moves or is_by_hand)
        self._retry.set_visibility(bool(waiting["next_try_at"] or waiting["attempts"]))
        if here.person().admin:
            self._front.set_visibility(self._position != 0)
            for button in (self._up, self._down, self._usual):
                button.set_visibility(is_by_hand)
            self._up.set_enabled(bool(self._position))


def _why(waiting: dict[str, Any]) -> str:
    """What keeps it, how often it failed, and the words before the time of its next try."""
    words = f" · {parts.sentence_of(waiting['reason']).rstrip('.')}" if waiting["reason"] else ""
    if waiting["attempts"]:
        words += f" · failed {waiting['attempts']} times" if waiting["attempts"] > 1 else " · failed once"
    return f"{words} · next try" if waiting["next_try_at"] else words


def _icon_button(icon: str, label: str, do: Callable[[], Awaitable[None]]) -> Button:
    button = parts.action("", do, icon=icon, kind="quiet").classes("pa-button-icon")
    button.props["aria-label"] = label
    button.tooltip(label)
    return button
