"""Room on the appliance's disk, and on the remotes."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.parts.keyed import Keyed
from ui.panel.parts.shares import Share
from ui.words import size


class DiskSpace:
    """``summary``: the answer of archive/summary for all archives; for members none, who see how much room is left."""

    def __init__(self) -> None:
        self.summary: dict[str, Any] | None = None
        parts.text("This appliance's disk", "h3").classes("pa-small pa-strong")
        self._shares = parts.shares("Room on the appliance's disk")

    def show(self, state: dict[str, Any]) -> None:
        disk = state["disk"]
        free, reserve = max(0, disk["free_bytes"] - disk["reserve_bytes"]), min(disk["free_bytes"], disk["reserve_bytes"])
        used = disk["total_bytes"] - disk["free_bytes"]
        if not here.person().admin:
            self._shares.show([Share("Used", used, "other"), Share("Free", free, "free")])
            return
        local = min(used, self.summary["size_bytes"] - self.summary["released_bytes"]) if self.summary else 0
        self._shares.show(
            [
                Share("Archives", local, "archives"),
                Share("Other files", used - local, "other"),
                Share("Kept in reserve", reserve, "reserve"),
                Share("Free", free, "free"),
            ]
        )


class Connections:
    """Each with how it is; for admins with its room and what is wrong."""

    def __init__(self) -> None:
        self._none = parts.text("There is none yet.", "p").classes("pa-muted")
        self._list = ui.element("ul").classes("pa-list")
        self._lines: Keyed[dict[str, Any]] = Keyed(self._list, _Line)

    def show(self) -> None:
        found = [one for one in here.live().below("connection/").values() if isinstance(one, dict)]
        found.sort(key=lambda one: (not one["active"], one["name"].casefold()))
        self._lines.show({one["id"]: one for one in found})
        self._none.set_visibility(not found)


class _Line(Element):
    def __init__(self) -> None:
        super().__init__("li")
        self.classes("pa-connection")
        with self:
            with ui.element("div").classes("pa-row pa-between pa-nowrap"):
                with ui.element("div").classes("pa-row pa-nowrap"):
                    self._icon = ui.icon("folder").classes("pa-icon").props('aria-hidden="true"')
                    self._name = parts.text("").classes("pa-strong pa-ellipsis")
                self._pill = parts.pill("…")
            self._words = parts.prose("").classes("pa-small pa-muted")
            self._shares = parts.shares("Room on this connection")

    def show(self, connection: dict[str, Any]) -> None:
        name = "add_to_drive" if connection["kind"] == "drive" else "storage"
        if self._icon.name != name:
            self._icon.name = name
        self._name.set(connection["name"])
        self._pill.show(*health(connection))
        admin = here.person().admin
        words = parts.sentence_of(connection["last_error"]) if admin and connection["last_error"] else ""
        self._words.show(words)
        self._words.set_visibility(bool(words))
        self._show_room(connection if admin else {})

    def _show_room(self, connection: dict[str, Any]) -> None:
        used, limit = connection.get("used_bytes"), connection.get("limit_bytes")
        self._shares.set_visibility(used is not None and bool(limit))
        if used is not None and limit:
            self._shares.show([Share("Used", used, "archives"), Share("Free", max(0, limit - used), "free")])
            self._shares.label(f"Room on {connection['name']}: {size(max(0, limit - used))} free of {size(limit)}")


def health(connection: dict[str, Any]) -> tuple[str, parts.Tone]:
    """In a word or two."""
    if connection["sign_in"] == "needed":
        return "Sign-in needed", "bad"
    if connection["sign_in"] == "pending":
        return "Signing in", "busy"
    if connection["adopting"]:
        return "Waits for an admin", "warn"
    if not connection["valid"]:
        return "Not validated", "warn"
    if not connection["reachable"]:
        return "Does not answer", "wait"
    return ("In use", "ok") if connection["active"] else ("Ready", "mute")
