"""What happened to an archive, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.words import count

_PER_PAGE, _MOST = 20, 200
Happening = dict[str, Any]


class History:
    def __init__(self, archive_id: str) -> None:
        self._id = archive_id
        self._happenings: list[Happening] = []
        with parts.card("What happened"):
            self._list = ui.element("ol").classes("pa-list pa-history")
            self._older = parts.action("Show older", self._load_older, kind="quiet")
            self._older.set_visibility(False)

    async def load(self) -> None:
        """What is new; what was unfolded stays. Raises Failed."""
        await self._ask(max(_PER_PAGE, min(len(self._happenings), _MOST)))

    async def _load_older(self) -> None:
        await self._ask(min(len(self._happenings) + _PER_PAGE, _MOST))

    async def _ask(self, limit: int) -> None:
        found = await here.ask("archive/history", archive=self._id, limit=limit)
        self._older.set_visibility(found["more"] and limit < _MOST)
        if found["happenings"] == self._happenings:
            return
        self._happenings = found["happenings"]
        self._list.clear()
        with self._list:
            for one in self._happenings:
                _line(one)

    def safe_since(self, names: list[str]) -> str | None:
        """When all of it was on one of these connections, as far as it was asked for."""
        return min((one["at"] for one in self._happenings if one["what"] == "described" and one["connection_name"] in names), default=None)


def _line(one: Happening) -> None:
    with ui.element("li").classes("pa-history-line"):
        parts.icon(_ICONS.get(one["what"], "info"))
        parts.text(told(one)).classes("pa-break").props('dir="auto"')
        parts.when(one["at"]).classes("pa-small pa-muted")


def told(one: Happening) -> str:
    """In words. Pure."""
    say = _WORDS.get(one["what"])
    return say(one) if say else str(one["what"])


def _batches(one: Happening) -> str:
    if one["batch_index"] is not None:
        return f"Batch {one['batch_index']:,}"
    return count(one["batches"] or 0, "batch")


def _is(one: Happening) -> str:
    return "is" if one["batch_index"] is not None or one["batches"] == 1 else "are"


def _name(one: Happening) -> str:
    return one["connection_name"] or "a connection that is gone"


def _failed(one: Happening) -> str:
    way = "fetched from" if one["direction"] == "down" else "sent to"
    return f"{_batches(one)} could not be {way} {_name(one)}: {one['message'] or 'unknown why'}"


_WORDS: dict[str, Callable[[Happening], str]] = {
    "created": lambda _: "Received and checked",
    "stored": lambda one: f"{_batches(one)} stored on {_name(one)}",
    "described": lambda one: f"All of it is on {_name(one)}",
    "withdrawn": lambda one: f"{_batches(one)} on {_name(one)} no longer {'counts' if _is(one) == 'is' else 'count'}, to be stored again",
    "fetched": lambda one: f"{_batches(one)} came back from {_name(one)}",
    "damaged": lambda one: f"{_batches(one)} here {_is(one)} damaged",
    "released": lambda _: "Its space here was freed",
    "restore_asked": lambda _: "Asked back",
    "restore_taken_back": lambda _: "No longer asked back",
    "restored": lambda _: "Back here, whole and checked",
    "read_back": lambda one: f"{_batches(one)} read back from {_name(one)}, all right",
    "failed": _failed,
    "renamed": lambda one: f"Renamed to “{one['message'] or ''}”",
    "given": lambda one: f"Given to {one['message'] or 'somebody else'}",
    "removed": lambda _: "Moved to the trash",
    "undone": lambda _: "Taken back from the trash",
    "connection_removed": lambda one: f"The connection {_name(one)} was removed",
}
_ICONS = {
    "created": "add_circle", "stored": "cloud_upload", "described": "cloud_done", "withdrawn": "cloud_off", "fetched": "cloud_download",
    "damaged": "broken_image", "released": "eject", "restore_asked": "cloud_download", "restored": "home_storage", "read_back": "verified",
    "failed": "error", "renamed": "edit", "given": "person", "removed": "delete", "undone": "undo", "connection_removed": "link_off",
}  # fmt: skip
