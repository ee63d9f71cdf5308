"""One script: run, watch, deploy, look back, delete."""

from __future__ import annotations

from nicegui import ui

from ui.panel.frame import page
from ui.panel.scripting.detail import Detail
from ui.panel.scripting.finding import found_script, none_such
from ui.panel.scripting.look import dress


@page("/scripts/{script_id}", title="Script", heading=False, admin=True)
async def script_page(script_id: str) -> None:
    dress()
    script = await found_script(script_id)
    if script is None:
        none_such()
        return
    ui.page_title(f"{script['title']} · PyArchive")
    await Detail(script).load()
