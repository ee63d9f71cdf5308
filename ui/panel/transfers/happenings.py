"""What happened, in words: an event, or what a ledger tells."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.words import count

_ICONS = {
    "archive_created": "add_circle", "archive_remote": "verified_user", "archive_released": "eject", "archive_restored": "download_done",
    "archive_removed": "delete", "problem_raised": "error", "problem_cleared": "check_circle",
}  # fmt: skip
_EVENTS = {
    "archive_created": "was taken in", "archive_remote": "is safe on {connection}", "archive_released": "was freed here",
    "archive_restored": "is here again", "archive_removed": "was removed",
}  # fmt: skip
_HAPPENED = {
    "created": ("add_circle", "was taken in"), "stored": ("cloud_upload", "got {batches} stored on {connection}"),
    "described": ("verified_user", "is safe on {connection}"), "withdrawn": ("warning", "has lost {batches} on {connection}"),
    "fetched": ("download", "got {batches} back from {connection}"), "damaged": ("warning", "had {batches} damaged here"),
    "released": ("eject", "was freed here"), "restore_asked": ("download", "is wanted here again"),
    "restore_taken_back": ("block", "is not wanted here any more"), "restored": ("download_done", "is here again"),
    "read_back": ("fact_check", "had {batches} read back from {connection}, and they were right"), "failed": ("error", "failed: {message}"),
    "renamed": ("edit", "was renamed to “{message}”"), "given": ("person", "was given to {message}"), "removed": ("delete", "was removed"),
    "undone": ("undo", "was brought back"), "connection_removed": ("link_off", "is not on {connection} any more"),
}  # fmt: skip


class Item(NamedTuple):
    """``target``: where its title leads; empty for none."""

    at: str
    icon: str
    title: str
    words: str
    target: str


class ItemLine(Element):
    def __init__(self) -> None:
        super().__init__("li")
        self.classes("pa-list-row")
        self._is_built = False

    def show(self, item: Item) -> None:
        """Once: another item has another line."""
        if self._is_built:
            return
        self._is_built = True
        with self:
            parts.icon(item.icon)
            with ui.element("p").classes("pa-grow pa-wrap"):
                if item.title:
                    title = parts.link(item.title, item.target) if item.target else parts.text(item.title)
                    title.classes("pa-strong")
                    parts.text(" ")
                parts.prose(item.words, "span")
            parts.when(item.at).classes("pa-muted pa-small")


def of_event(event: dict[str, Any]) -> Item:
    """Of the stream ``event``."""
    name = event["event"]
    if name in _EVENTS:
        words = _EVENTS[name].format(connection=_connection(event.get("connection_id")))
        return Item(event["at"], _ICONS[name], event.get("title") or "An archive", words, "" if name == "archive_removed" else _to(event))
    lead = "Mended: " if name == "problem_cleared" else ""
    return Item(event["at"], _ICONS.get(name, "info"), "", lead + parts.sentence_of(event.get("message") or name.replace("_", " ")), "")


def of_happening(one: dict[str, Any]) -> Item:
    """Of transfer/history; of archive/history, where all is about one archive: without its title, as a sentence."""
    icon, words = _HAPPENED.get(one["what"], ("info", one["what"].replace("_", " ")))
    given = {
        "connection": one["connection_name"] or "a connection that is gone", "batches": count(one["batches"] or 1, "batch"),
        "message": one["message"] or "failed",
    }  # fmt: skip
    said = words.format(**given)
    return Item(one["at"], icon, one["title"], said, _to(one)) if "title" in one else Item(one["at"], icon, "", parts.sentence_of(said), "")


def _to(one: dict[str, Any]) -> str:
    return f"/archives/{quote(str(one['archive_id']), safe='')}" if one.get("archive_id") else ""


def _connection(connection_id: str | None) -> str:
    state = here.live().get(f"connection/{connection_id}/state")
    return str(state["name"]) if state else "a connection"
