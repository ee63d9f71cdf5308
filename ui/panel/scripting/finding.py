"""A script by the id in an address."""

from __future__ import annotations

import re
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts

_SCRIPT_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")


async def found_script(script_id: str) -> dict[str, Any] | None:
    """None: there is none. Raises Failed where that cannot be known now."""
    if not _SCRIPT_ID.fullmatch(script_id):
        return None
    try:
        script: dict[str, Any] = await here.ask("script/show", script=script_id)
    except Failed as error:
        if error.code == "not_found":
            return None
        raise
    return script


def none_such() -> None:
    ui.context.client.status_code = 404
    ui.page_title("No such script · PyArchive")
    parts.text("There is no such script", "h1").classes("pa-title")
    with parts.card():
        parts.empty("search_off", "No script has this id", "It may have been deleted, or the address is mistyped.")
        with parts.row().classes("pa-center"):
            parts.go("All scripts", "/scripts")
