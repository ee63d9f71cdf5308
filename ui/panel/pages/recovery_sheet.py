"""The recovery sheet of a connection: to be printed, and kept where fire and theft do not take it with the appliance."""

from __future__ import annotations

from ui.panel import parts
from ui.panel.connecting import kit
from ui.panel.connecting.look import dress
from ui.panel.frame import page


@page("/connections/{connection_id}/recovery-sheet", title="Recovery sheet", admin=True)
async def recovery_sheet(connection_id: str) -> None:
    dress()
    found = await kit.load(connection_id)
    parts.link("Back to the connection", f"/connections/{found['connection_id']}").classes("pa-no-print")
    kit.Sheet(found)
