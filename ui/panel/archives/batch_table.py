"""The batches of an archive as a table, fifty at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.words import count, size

_PER_PAGE = 50
_CHECKSUM_SHOWN = 12
_COLUMNS = ("Batch", "Size", "SHA-256", "Here", "On a remote")


class BatchTable:
    """It is asked for when somebody opens it, and kept up to date while it is open."""

    def __init__(self, archive: dict[str, Any]) -> None:
        self._id = archive["id"]
        self._names = {one["connection_id"]: one["connection_name"] for one in archive["placements"]}
        self._total = archive["batches_total"]
        self._first = 0
        self._shown: list[Any] = []
        self._is_open = False
        with ui.element("details").classes("pa-card pa-details") as details:
            with ui.element("summary").classes("pa-card-title"):
                parts.icon("expand_more")
                parts.text(f"All {count(self._total, 'batch')} one by one" if self._total > 1 else "The batch by itself")
            with ui.element("div").classes("pa-scroll"), ui.element("table").classes("pa-table pa-batches"):
                with ui.element("thead"), ui.element("tr"):
                    for column in _COLUMNS:
                        parts.text(column, "th").props('scope="col"')
                self._body = ui.element("tbody")
            with ui.element("div").classes("pa-pager") as self._pager:
                self._before = parts.action("Before", self._step(-_PER_PAGE), icon="chevron_left", kind="quiet")
                self._range = parts.text("").classes("pa-num pa-muted").props('role="status"')
                self._next = parts.action("Next", self._step(_PER_PAGE), icon="chevron_right", kind="quiet")
        details.on("toggle", self._toggled, js_handler="(event) => emit(event.target.open)")

    async def reload(self) -> None:
        """Only while it is open. Raises Failed."""
        if not self._is_open:
            return
        found = await here.ask("archive/batches", archive=self._id, offset=self._first, limit=_PER_PAGE)
        if any(connection not in self._names for batch in found["batches"] for connection in batch["stored"]):
            self._names |= {one["id"]: one["name"] for one in (await here.ask("connection/list"))["connections"]}
        if found["batches"] != self._shown:
            self._show(found["batches"])

    def _show(self, batches: list[Any]) -> None:
        self._shown = batches
        self._body.clear()
        with self._body:
            for batch in batches:
                self._row(batch)
        self._range.set(f"{self._first:,} to {self._first + len(batches) - 1:,} of {count(self._total, 'batch')}")
        self._pager.set_visibility(self._total > _PER_PAGE)
        self._before.set_enabled(self._first > 0)
        self._next.set_enabled(self._first + len(batches) < self._total)

    def _row(self, batch: dict[str, Any]) -> None:
        with ui.element("tr"):
            parts.text(f"{batch['index']:,}", "th").props('scope="row"').classes("pa-num")
            parts.text(size(batch["size_bytes"]), "td").classes("pa-num")
            with ui.element("td"):
                parts.copied(batch["sha256"], f"the SHA-256 of batch {batch['index']}", shown=_CHECKSUM_SHOWN)
            parts.text("yes" if batch["cached"] else "no", "td")
            with ui.element("td"):
                self._remote(batch)

    def _remote(self, batch: dict[str, Any]) -> None:
        names = ", ".join(self._names.get(connection, connection) for connection in batch["stored"])
        parts.text(names or "no")
        if batch["stored"] and batch.get("stored_at"):
            with ui.element("span").classes("pa-small pa-muted"):
                parts.text(" · ")
                parts.when(batch["stored_at"])
        if batch.get("failure"):
            parts.text(f" · {batch['failure']}").classes("pa-small pa-bad-text")

    def _step(self, by: int) -> Callable[[], Any]:
        async def step() -> None:
            self._first = max(0, min(self._first + by, self._total - 1))
            await self.reload()

        return step

    async def _toggled(self, event: Any) -> None:
        self._is_open = bool(event.args)
        await parts.said(self.reload)
