"""An archive at one glance: how safe, where, how large, and how far what is under way."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import parts
from ui.panel.archives import words
from ui.panel.archives.row import undo_until
from ui.panel.parts.protection import words_of
from ui.words import size


class Standing:
    def __init__(self, archive: dict[str, Any]) -> None:
        with ui.element("div").classes("pa-standing"):
            with parts.row():
                self._pill = parts.protection(archive)
                self._where = parts.text("")
                parts.text(size(archive["size_bytes"])).classes("pa-num pa-muted")
                self._pinned = parts.pill("Kept here always", "mute")
            with ui.element("div").classes("pa-standing-bar") as self._under_way:
                self._bar = parts.bar("Progress")
                with parts.row().classes("pa-small"):
                    self._movement = parts.text("").classes("pa-num")
                    self._waits = parts.text("").classes("pa-muted")
                    self._until = parts.when(None, "moment", none="").classes("pa-muted")
            self._risk = parts.text("", "p").classes("pa-small pa-muted")
        with ui.element("div").classes("pa-banner").props('data-tone="warn"') as self._removed:
            parts.icon("delete")
            with ui.element("p"):
                parts.text("This archive is in the trash. It can be taken back until ")
                self._undo_until = parts.when(None, "moment", none="")
        self.show(archive)

    def show(self, archive: dict[str, Any]) -> None:
        removed, under_way = archive["removed_at"], words.is_under_way(archive)
        self._pill.show(*(("Removed", "wait") if removed else words_of(archive)))
        self._where.set("" if removed else words.where(archive))
        self._pinned.set_visibility(archive["pinned"])
        self._under_way.set_visibility(under_way)
        self._movement.set_visibility(words.has_begun(archive))
        self._bar.show(archive["progress_ratio"])
        self._movement.set(words.movement(archive))
        wait = words.waits(archive)
        self._waits.set(f"{wait}{', until' if archive['waiting_until_at'] else ''}" if wait else "")
        self._until.show(archive["waiting_until_at"])
        at_risk = archive["at_risk_bytes"]
        self._risk.set(f"{size(at_risk)} of it exist only on this appliance." if at_risk and not removed else "")
        self._removed.set_visibility(bool(removed))
        if removed:
            self._undo_until.show(undo_until(archive))
