"""Where the copies of an archive are, place by place."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import parts
from ui.panel.archives import words
from ui.panel.parts.basics import Tone
from ui.words import count


class Copies:
    def __init__(self, archive: dict[str, Any]) -> None:
        with parts.card("Where the copies are"):
            self._list = ui.element("ul").classes("pa-list pa-places")
        self._shown: object = None
        self.show(archive)

    def show(self, archive: dict[str, Any]) -> None:
        told = (archive["local"], archive["batches_cached"], archive["wanted_local"], archive["placements"], archive["removed_at"])
        if told == self._shown:
            return
        self._shown = told
        self._list.clear()
        with self._list:
            _place("This appliance", "dns", *_here(archive))
            for one in archive["placements"]:
                _placement(one, archive["batches_total"])
            if not archive["placements"]:
                parts.text("No remote has anything of it yet.", "li").classes("pa-list-row pa-muted")


def _here(archive: dict[str, Any]) -> tuple[str, Tone, str]:
    cached, total = archive["batches_cached"], archive["batches_total"]
    if archive["local"]:
        whole = cached == total
        return ("All of it", "ok", "") if whole else ("Damaged", "bad", f"{cached:,} of {count(total, 'batch')} are right here.")
    if words.is_coming_back(archive):
        return "Coming back", "busy", f"{cached:,} of {count(total, 'batch')} are here again."
    return "Not here", "mute", "Its space was freed. It can be brought back."


def _placement(one: dict[str, Any], total: int) -> None:
    stored = f"{one['batches_stored']:,} of {count(total, 'batch')}"
    match one["rung"]:
        case "proven":
            state: tuple[str, Tone, str] = ("All of it, proven", "ok", "")
        case "remote":
            state = ("All of it", "ok", "Not read back completely yet.")
        case "partial":
            state = (
                "A part",
                "busy",
                f"{stored}{', its description not yet' if one['batches_stored'] == total and not one['manifest_stored'] else ''}.",
            )
        case _:
            state = ("Nothing yet", "mute", "")
    _place(one["connection_name"], "cloud", *state, proven_at=one["proven_at"])


def _place(name: str, icon: str, state: str, tone: Tone, note: str, proven_at: str | None = None) -> None:
    with ui.element("li").classes("pa-list-row"):
        parts.icon(icon)
        with ui.element("div").classes("pa-place-body"):
            parts.text(name).classes("pa-strong pa-ellipsis").props('dir="auto"')
            if proven_at:
                with ui.element("span").classes("pa-small pa-muted"):
                    parts.text("Read back, the oldest batch ")
                    parts.when(proven_at)
            elif note:
                parts.text(note).classes("pa-small pa-muted pa-num")
        parts.pill(state, tone)
