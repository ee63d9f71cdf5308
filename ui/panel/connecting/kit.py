"""The recovery sheet: what belongs on paper, on one page, with a QR code for programs. Nothing on it is secret."""

from __future__ import annotations

import json
from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.connecting.qr import qr
from ui.panel.connecting.standing import KIND_WORDS
from ui.words import count, size

_MACHINE_READABLE = ("appliance_id", "kind", "name", "account", "path", "folder_id", "client_id", "made_at")
FORMAT = "pyarchive-recovery-kit"


def machine_readable(kit: dict[str, Any]) -> str:
    """For the QR code and the file: the facts without the steps."""
    return json.dumps({"format": FORMAT, "version": 1} | {key: kit[key] for key in _MACHINE_READABLE if kit[key]}, ensure_ascii=False)


def address() -> str:
    """Of this panel, as this browser reaches it."""
    return str(ui.context.client.request.base_url).rstrip("/")


class Sheet:
    """In the place where it is made; ``kit`` is what connection/recovery-kit answers."""

    def __init__(self, kit: dict[str, Any]) -> None:
        with parts.row().classes("pa-no-print"):
            parts.print_button("Print, or save as PDF")
            parts.action("Save for programs (JSON)", lambda: _save(kit), icon="download")
        with ui.element("article").classes("pa-sheet"):
            with ui.element("header").classes("pa-sheet-head"):
                ui.element("img").props('src="/static/icon.svg" alt="" width="36" height="36"')
                with ui.element("div"):
                    parts.text("PyArchive recovery sheet", "h2").classes("pa-sheet-title")
                    with parts.text("", "p").classes("pa-muted"):
                        parts.text(f"{kit['name']} · made ")
                        parts.when(kit["made_at"], "date")
            with ui.element("div").classes("pa-sheet-facts"):
                _facts(kit)
                with ui.element("figure"):
                    qr(machine_readable(kit), "QR code with the facts of this sheet for programs", error="l")
                    parts.text("The same for programs", "figcaption").classes("pa-small pa-muted")
            _steps("On a new appliance", kit["steps"])
            parts.text("The panel's page Connections does the same: add it, then “Recover”.", "p").classes("pa-small pa-muted")
            _steps("Without this program", kit["by_hand"])
            _to_keep(kit)


def _facts(kit: dict[str, Any]) -> None:
    facts = {
        "Appliance": kit["appliance_id"],
        "Copies are on": KIND_WORDS[kit["kind"]],
        "Google account": kit["account"],
        "OAuth client": kit["client_id"],
        "Folder's id on Drive": kit["folder_id"],
        "Folder": kit["path"],
        "Whole there": f"{count(kit['archives'], 'archive')}, {size(kit['bytes'])}",
        "Panel": address(),
    }
    with ui.element("dl").classes("pa-terms"):
        for term, words in facts.items():
            if words:
                parts.text(term, "dt")
                parts.text(words, "dd").classes("pa-sheet-fact")


def _steps(title: str, steps: list[str]) -> None:
    parts.text(title, "h3").classes("pa-card-title")
    with ui.element("ol").classes("pa-steps"):
        for step in steps:
            parts.prose(step, "li")


def _to_keep(kit: dict[str, Any]) -> None:
    parts.text("Keep with this sheet, away from the appliance", "h3").classes("pa-card-title")
    lines = ["Where the disk or NAS is, and who may open it"]
    if kit["kind"] == "drive":
        lines = ["Where the OAuth client's JSON file is", "How to get into the Google account (with the second factor's backup codes)"]
    with ui.element("ul").classes("pa-sheet-lines"):
        for line in lines:
            parts.text(f"{line}:", "li")


async def _save(kit: dict[str, Any]) -> None:
    ui.download.content(machine_readable(kit) + "\n", f"pyarchive-recovery-{kit['appliance_id']}.json", "application/json")


async def load(connection_id: str) -> dict[str, Any]:
    """Raises Failed."""
    kit: dict[str, Any] = await here.ask("connection/recovery-kit", connection=connection_id)
    return kit
