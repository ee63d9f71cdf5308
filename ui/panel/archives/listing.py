"""The list of archives: a page of it at a time, asked of the appliance, live while it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from ui.panel import here, parts, visible
from ui.panel.archives.filters import Filters
from ui.panel.archives.many import Many
from ui.panel.archives.news import News
from ui.panel.archives.outcome import Outcome
from ui.panel.archives.pager import Pager, last_page
from ui.panel.archives.query import PER_PAGE, Query
from ui.panel.archives.row import Archive, RemovedRow, Row
from ui.panel.live import Following
from ui.panel.refresh import Refresh


class Listing:
    """``go`` shows what a query asks for. Only what is shown is followed."""

    def __init__(self, query: Query, owners: Mapping[str, str]) -> None:
        self._query = query
        self._person = here.person()
        self._rows: dict[str, Row | RemovedRow] = {}
        self._archives: list[Archive] = []
        self._total = 0
        self._asked = 0
        self._following: Following | None = None
        self._filters = Filters(query, owners, self.go)
        self._news = News(lambda: self.go(Query()))
        with ui.element("div").classes("pa-archives-head"):
            self._all = parts.tick("Select all on this page", self._tick_all)
            self._count = parts.text("").classes("pa-muted").props('role="status"')
        self._outcome = Outcome()
        self._list = ui.element("ul").classes("pa-archives").props('aria-label="Archives"')
        self._nothing = ui.element("div")
        self._pager = Pager(lambda page: self.go(self._query.at(page), to_top=True))
        self._many = Many(self._outcome, self.refresh, self._ticks_changed)
        self._again = Refresh(self.refresh, lambda _: None)
        here.stream("event", self._heard)

    async def go(self, query: Query, *, to_top: bool = False, from_history: bool = False) -> None:
        """Only the newest answer counts. An error is shown, and the list stays as it was."""
        if from_history and query == self._query:
            return
        typing = query.search != self._query.search
        if not await parts.said(lambda: self._load(query)):
            return
        if not from_history:
            _put_address(query, replace=typing)
        if to_top:
            ui.run_javascript("window.scrollTo({top: 0})")

    async def refresh(self) -> None:
        """The same again, after something was done. Raises Failed."""
        await self._load(self._query)

    async def first(self) -> None:
        """Raises Failed: then there is no page."""
        await self._load(self._query)

    async def _load(self, query: Query) -> None:
        self._asked += 1
        asked = self._asked
        self._list.props('aria-busy="true"')
        try:
            found = await here.ask("archive/list", **query.parameters)
            if not found["archives"] and found["total"] and query.page > 1:
                query = query.at(last_page(found["total"]))
                found = await here.ask("archive/list", **query.parameters)
        finally:
            if asked == self._asked:
                self._list.props(remove="aria-busy")
        if asked == self._asked:
            self._show(query, found)

    def _show(self, query: Query, found: dict[str, Any]) -> None:
        if (query.trash, query.owner) != (self._query.trash, self._query.owner):
            self._many.clear()
        self._query, self._archives, self._total = query, found["archives"], found["total"]
        self._many.offer(query, self._total)
        self._filters.show(query)
        self._pager.show(query, self._total)
        self._show_count()
        self._show_rows()
        self._news.start(query, shown=self._total)
        self._follow()

    def _show_count(self) -> None:
        first = (self._query.page - 1) * PER_PAGE
        what = "removed archive" if self._query.trash else "archive"
        words = f"{self._total:,} {what}{'' if self._total == 1 else 's'}"
        if self._total > PER_PAGE:
            words += f", {first + 1:,} to {first + len(self._archives):,} shown"
        self._count.set(words)

    def _show_rows(self) -> None:
        self._list.clear()
        self._nothing.clear()
        self._rows = {}
        with self._list:
            for archive in self._archives:
                self._rows[archive["id"]] = self._row(archive)
        self._ticks_changed()
        for element in (self._list, self._all):
            element.set_visibility(bool(self._archives))
        if not self._archives:
            with self._nothing:
                _nothing(self._query)

    def _row(self, archive: Archive) -> Row | RemovedRow:
        def ticked(is_ticked: bool) -> None:
            self._many.tick(archive, is_ticked)

        with_owner = self._person.admin
        if self._query.trash:
            return RemovedRow(archive, with_owner=with_owner, ticked=ticked, undo=lambda: self._many.undo([archive["id"]]))
        return Row(archive, with_owner=with_owner, ticked=ticked)

    # Ticks

    def _tick_all(self, ticked: bool) -> None:
        for archive in self._archives:
            self._many.tick(archive, ticked)

    def _ticks_changed(self) -> None:
        for archive_id, row in self._rows.items():
            row.tick.show(archive_id in self._many.chosen)
        self._all.show(bool(self._rows) and all(archive_id in self._many.chosen for archive_id in self._rows))

    # Live

    def _heard(self, payloads: list[Any]) -> None:
        """What goes to the trash leaves the list, whoever removed it."""
        gone = {one["archive_id"] for one in visible.events(self._person, payloads) if one["event"] == "archive_removed"}
        if gone & self._rows.keys() and not self._query.trash:
            self._many.forget(gone)
            self._again.soon()

    def _follow(self) -> None:
        if self._following:
            self._following.end()
        names = [] if self._query.trash else [_topic(archive) for archive in self._archives]
        self._following = here.follow(names, self._changed)

    def _changed(self) -> None:
        for archive in self._archives:
            state = here.live().get(_topic(archive))
            if state and visible.sees(self._person, state):
                self._rows[archive["id"]].show(state)


def _topic(archive: Archive) -> str:
    return f"archive/{archive['id']}/state"


def _put_address(query: Query, *, replace: bool) -> None:
    """Typing does not fill the history with its letters."""
    ui.run_javascript(f"history.{'replaceState' if replace else 'pushState'}({{}}, '', {json.dumps(query.address)})")


def _nothing(query: Query) -> None:
    if query.trash:
        parts.empty("delete", "The trash is empty", "What is removed waits here for a while, and can be taken back.")
    elif query.is_narrowed:
        parts.empty("search_off", "Nothing matches", "Try other words, or take a filter away.")
    else:
        parts.empty("inventory_2", "No archives yet", "Upload a file, and it is kept here and carried to a safe place.")
        with parts.row().classes("pa-center"):
            parts.go("Upload files", "/upload", icon="cloud_upload", tab="pyarchive-upload")
