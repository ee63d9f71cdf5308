"""What an archive is: the facts that do not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.panel import parts
from ui.words import count, size


def card(archive: dict[str, Any]) -> None:
    with parts.card("About the file"), ui.element("dl").classes("pa-facts"):
        _fact("File name", lambda: parts.text(archive["file_name"]).classes("pa-break").props('dir="auto"'))
        _fact("Size", lambda: parts.text(f"{size(archive['size_bytes'])} ({archive['size_bytes']:,} bytes)").classes("pa-num"))
        _fact("Owner", lambda: parts.text(archive["owner"]).classes("pa-break"))
        _fact("Received", lambda: parts.when(archive["created_at"], "moment"))
        _fact("SHA-256", lambda: parts.copied(archive["sha256"], "the SHA-256 of the file"))
        batches = f"{count(archive['batches_total'], 'batch')} of at most {size(archive['batch_bytes'])}"
        _fact("Batches", lambda: parts.text(batches).classes("pa-num"))
        _fact("Archive id", lambda: parts.copied(archive["id"], "the archive's id"))


def _fact(name: str, value: Callable[[], object]) -> None:
    parts.text(name, "dt").classes("pa-muted")
    with ui.element("dd"):
        value()
