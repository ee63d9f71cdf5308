"""One archive in a list: a line on a desk, a card on a phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.archives import words
from ui.panel.parts.protection import words_of
from ui.words import parsed, size

Archive = dict[str, Any]
Undo = Callable[[], Awaitable[object]]
_UNDO_DAYS = 30.0


class Row:
    """``show`` changes what has changed, in place: the height stays."""

    def __init__(self, archive: Archive, *, with_owner: bool, ticked: Callable[[bool], None]) -> None:
        with ui.element("li").classes("pa-archive") as self.element:
            with ui.element("label").classes("pa-archive-tick"):
                self.tick = parts.tick(f"Select {archive['title']}", ticked)
            with ui.element("div").classes("pa-archive-main"):
                self._title = parts.link(archive["title"], f"/archives/{archive['id']}").classes("pa-archive-title").props('dir="auto"')
                with ui.element("div").classes("pa-archive-sub"):
                    self._bar = parts.bar("Progress")
                    self._sub = parts.text("").classes("pa-ellipsis").props('dir="auto"')
            if with_owner:
                self._owner = parts.text(archive["owner"]).classes("pa-archive-owner pa-ellipsis")
            parts.text(size(archive["size_bytes"])).classes("pa-archive-size pa-num")
            parts.when(archive["created_at"], "date").classes("pa-archive-date")
            with ui.element("div").classes("pa-archive-safe"):
                self._pill = parts.protection(archive)
                self._where = parts.text("").classes("pa-archive-where pa-ellipsis")
        self.show(archive)

    def show(self, archive: Archive) -> None:
        under_way = words.is_under_way(archive)
        self._title.set(archive["title"])
        self._pill.show(*words_of(archive))
        self._where.set(words.where(archive))
        self._bar.show(archive["progress_ratio"])
        self._bar.set_visibility(under_way and words.has_begun(archive))
        self._sub.set(_below(archive) if under_way else _name_of_file(archive))


def _below(archive: Archive) -> str:
    return " · ".join(filter(None, (words.movement(archive), words.waits(archive)))) or "Is about to be sent"


def _name_of_file(archive: Archive) -> str:
    """Not twice the same."""
    return "" if archive["file_name"] == archive["title"] else str(archive["file_name"])


class RemovedRow:
    """One that is in the trash: until when it can be taken back, and the button for it."""

    def __init__(self, archive: Archive, *, with_owner: bool, ticked: Callable[[bool], None], undo: Undo) -> None:
        with ui.element("li").classes("pa-archive pa-archive-removed") as self.element:
            with ui.element("label").classes("pa-archive-tick"):
                self.tick = parts.tick(f"Select {archive['title']}", ticked)
            with ui.element("div").classes("pa-archive-main"):
                parts.link(archive["title"], f"/archives/{archive['id']}").classes("pa-archive-title").props('dir="auto"')
                _removed_when(archive)
            if with_owner:
                parts.text(archive["owner"]).classes("pa-archive-owner pa-ellipsis")
            parts.text(size(archive["size_bytes"])).classes("pa-archive-size pa-num")
            parts.action("Take back", undo, icon="undo").classes("pa-archive-undo")

    def show(self, archive: Archive) -> None:
        """What is in the trash does not change."""


def _removed_when(archive: Archive) -> Element:
    with ui.element("div").classes("pa-archive-sub") as line:
        parts.text("Removed")
        parts.when(archive["removed_at"])
        parts.text("· can be taken back until")
        parts.when(undo_until(archive), "date")
    return line


def undo_until(archive: Archive) -> str:
    """The end of the undo time of a removed archive."""
    return (parsed(archive["removed_at"]) + timedelta(days=_undo_days())).isoformat()


def _undo_days() -> float:
    settings = (here.live().get("appliance/settings") or {}).get("settings", [])
    return next((float(one["value"]) for one in settings if one["name"] == "undo_days"), _UNDO_DAYS)
