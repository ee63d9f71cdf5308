"""One archive: how safe it is and since when, where its copies are, every batch of it, and what can be done with it."""

from __future__ import annotations

import re
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.archives.detail import Detail
from ui.panel.archives.look import dress
from ui.panel.frame import page

_ARCHIVE_ID = re.compile(r"[a-z0-9-]{8,36}")


@page("/archives/{archive_id}", title="Archive", heading=False)
async def archive_page(archive_id: str) -> None:
    dress()
    archive = await _archive(archive_id)
    if archive is None:
        _none_such()
        return
    detail = Detail(archive)
    await detail.load()


async def _archive(archive_id: str) -> dict[str, Any] | None:
    """None: there is none, or it is somebody else's, which looks the same. Raises Failed where that cannot be known now."""
    if not _ARCHIVE_ID.fullmatch(archive_id):  # the appliance takes a title for one too: an address is no title
        return None
    try:
        found: dict[str, Any] = await here.ask("archive/show", archive=archive_id)
    except Failed as error:
        if error.code in {"not_found", "conflict"}:
            return None
        raise
    return found if found["id"] == archive_id else None


def _none_such() -> None:
    ui.context.client.status_code = 404
    ui.page_title("No such archive · PyArchive")
    parts.text("There is no such archive", "h1").classes("pa-title")
    with parts.card():
        parts.empty("search_off", "Nothing is kept under this address", "It may be gone for good, or belong to somebody else.")
        with parts.row().classes("pa-center"):
            parts.go("All archives", "/archives")
