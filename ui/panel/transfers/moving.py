"""What moves at the moment: a line for each transfer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts, visible
from ui.panel.parts.keyed import Keyed
from ui.words import rate, size

NAMES = ("transfer/+/state", "connection/+/state", "appliance/state")
_ICONS = {"up": "arrow_upward", "down": "arrow_downward"}
_WAYS = {"up": "On its way up", "down": "On its way back here"}


def now() -> list[dict[str, Any]]:
    """The transfers that the person of this page may see, by slot."""
    return visible.transfers(here.person(), here.live().below("transfer/").values())


class Moving:
    """While transfers run it keeps room for as many as usually move at once: nothing jumps when one ends and the next begins."""

    def __init__(self) -> None:
        with ui.element("div").classes("pa-moving") as self._area:
            self._none = parts.prose("").classes("pa-muted")
            self._list = ui.element("ul").classes("pa-list").props('aria-label="Transfers under way"')
        self._lines: Keyed[dict[str, Any]] = Keyed(self._list, _Line)

    def show(self) -> None:
        transfers, state = now(), here.live().get("appliance/state")
        self._lines.show({one["slot"]: one for one in transfers})
        self._none.show(_why_nothing(state))
        self._none.set_visibility(not transfers)
        room = "kept" if transfers or (here.person().admin and state and state["status"] == "transferring") else "free"
        if self._area.props.get("data-room") != room:
            self._area.props["data-room"] = room
            self._area.update()


def _why_nothing(state: dict[str, Any] | None) -> str:
    if not state or state["status"] == "transferring" or not here.person().admin:
        return "Nothing is moving at the moment."
    if state["paused"]:
        return "Nothing is moving: transfers are paused."
    if state["active_connection"] is None:
        return "Nothing is moving: no connection is active."
    if state["status"] == "idle" and not state["bytes_at_risk"]:
        return "Nothing has to be moved."
    return f"Nothing is moving. {parts.sentence_of(state['status_reason'])}"


class _Line(Element):
    def __init__(self) -> None:
        super().__init__("li")
        self.classes("pa-moving-line")
        with self:
            with ui.element("div").classes("pa-moving-head"):
                self._icon = ui.icon("arrow_upward").classes("pa-icon").props('aria-hidden="true"')
                self._way = parts.text("").classes("pa-hidden-text")
                self._title = parts.link("", "").classes("pa-ellipsis pa-strong")
                self._rate = parts.text("").classes("pa-num pa-moving-rate")
            self._bar = parts.bar("Progress of this batch")
            with ui.element("div").classes("pa-moving-foot"):
                self._batch = parts.text("").classes("pa-num")
                self._bytes = parts.text("").classes("pa-num")

    def show(self, transfer: dict[str, Any]) -> None:
        way = transfer["direction"]
        if self._icon.name != _ICONS[way]:
            self._icon.name = _ICONS[way]
        self._way.set(_WAYS[way])
        self._title.lead_to(f"/archives/{quote(transfer['archive_id'], safe='')}")
        self._title.set(transfer["title"])
        self._rate.set(rate(transfer["rate_bytes_per_s"]))
        self._bar.show(transfer["done_bytes"] / transfer["size_bytes"] if transfer["size_bytes"] else 1.0)
        self._batch.set(_part(transfer))
        self._bytes.set(f"{size(transfer['done_bytes'])} of {size(transfer['size_bytes'])}")


def _part(transfer: dict[str, Any]) -> str:
    """Which part of the archive, and where it goes or comes from."""
    index, total = transfer["batch_index"], transfer["batches_total"]
    part = "Description" if index is None else f"Batch {index + 1:,} of {total:,}"
    connection = here.live().get(f"connection/{transfer['connection_id']}/state")
    where = f" {'to' if transfer['direction'] == 'up' else 'from'} {connection['name']}" if connection else ""
    return part + where
