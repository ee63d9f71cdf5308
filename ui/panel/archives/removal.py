"""The question before an archive is removed: what goes, from where, and until when it can be taken back."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import parts
from ui.words import count, duration, size

_DAY_S = 86_400


async def ask_removal(preview: dict[str, Any]) -> bool:
    """``preview`` is what ``archive/removal`` answers."""
    return await parts.confirm(
        "Remove this archive?", preview["title"], "Remove", danger=True, more=lambda: _what_goes(preview)
    )  # fmt: skip


def _what_goes(preview: dict[str, Any]) -> None:
    warning = _warning(preview)
    if warning:
        parts.banner("bad", "warning", warning)
    with ui.element("ul").classes("pa-list pa-places"):
        if preview["local_bytes"]:
            _line("dns", "This appliance", f"{size(preview['local_bytes'])}, freed when the time to take it back is over")
        for copy in preview["copies"]:
            _line("cloud", copy["name"], _of_copy(copy, preview["grace_days"]))
    with ui.element("p"):
        parts.text("It goes to the trash first. You can take it back until ")
        parts.when(preview["undo_until_at"], "moment").classes("pa-strong")
        parts.text(".")


def _warning(preview: dict[str, Any]) -> str:
    if preview["only_here"]:
        return "This is the only copy: no remote has all of it. When the time to take it back is over, the file is gone for good."
    if preview["only_on"]:
        name = next((copy["name"] for copy in preview["copies"] if copy["connection_id"] == preview["only_on"]), "a remote")
        return f"The only copy is on {name}. When the time to take it back is over, the file is gone for good."
    return ""


def _of_copy(copy: dict[str, Any], grace_days: float) -> str:
    part = "all of it" if copy["is_whole"] else count(copy["batches_stored"], "batch")
    away = "" if copy["valid"] else "; it cannot be asked at the moment"
    return f"{part}, {size(copy['stored_bytes'])}, moved to its trash {duration(grace_days * _DAY_S)} after that{away}"


def _line(icon: str, name: str, words: str) -> None:
    with ui.element("li").classes("pa-list-row"):
        parts.icon(icon)
        with ui.element("div").classes("pa-place-body"):
            parts.text(name).classes("pa-strong").props('dir="auto"')
            parts.text(words).classes("pa-small pa-muted")
