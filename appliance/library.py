"""All archives: catalog entries, ledgers, and what is derived from both. The one place that changes either."""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from appliance import durable
from appliance.archive import Archive
from appliance.catalog.journal import CatalogDB
from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.data_folder import DataFolder
from appliance.errors import ApplianceError, Conflict, NotFound
from appliance.locks import ArchiveLocks
from appliance.totals import Totals, share
from appliance.views import View, view

log = logging.getLogger("library")
Changed = Callable[[str], None]
_LEDGERS_KEPT_OPEN = 64


class Library:
    """Thread-safe. Every change of an archive ends in ``changed``, which renews its view and tells the listeners."""

    def __init__(self, folder: DataFolder, db: CatalogDB) -> None:
        self.folder = folder
        self.db = db
        self.locks = ArchiveLocks()
        self.giving_up = threading.Lock()
        """Held while it is decided that a copy may go (a local one, or a connection's): two decisions must not rely on each other."""
        self.views: dict[str, View] = {}
        self.totals = Totals()
        self._totals_of: dict[str, Totals] = {}
        self.valid: frozenset[str] = frozenset()
        self.active: str | None = None
        self.broken: dict[str, str] = {}
        self._lock = threading.RLock()
        self._ledgers: WeakValueDictionary[str, Ledger] = WeakValueDictionary()
        self._recent: OrderedDict[str, Ledger] = OrderedDict()
        self._listeners: list[Changed] = []

    def on_change(self, listener: Changed) -> None:
        """``listener(archive_id)`` on the changing thread, after each change; it must only enqueue."""
        self._listeners.append(listener)

    # Reading

    def load(self, on_progress: Callable[[], None] = lambda: None) -> None:
        """Views of everything. An archive whose ledger cannot be read is kept in ``broken`` with the reason."""
        with _nothing_to_collect():
            for archive_id, document in self.db.table("archives").items():
                on_progress()
                self._load_one(archive_id, document)

    def _load_one(self, archive_id: str, document: dict[str, Any]) -> None:
        try:
            archive = Archive.from_document(archive_id, document)
            ledger = Ledger.open(self.folder.ledger / archive_id)
            self._put_view(view(archive.as_told_by(ledger), ledger))
        except (OSError, ApplianceError, KeyError, TypeError, ValueError) as error:
            self.broken[archive_id] = str(error)

    def ids(self) -> list[str]:
        with self._lock:
            return list(self.views)

    def view(self, archive_id: str) -> View:
        """Raises NotFound."""
        with self._lock:
            try:
                return self.views[archive_id]
            except KeyError:
                raise NotFound(f"there is no archive {archive_id}; `pyarchive list` shows all") from None

    def totals_of(self, owner: str | None) -> Totals:
        """Of that owner's archives; None: of everybody's."""
        return self.totals if owner is None else self._totals_of.get(owner, Totals())

    def owners(self) -> dict[str, Totals]:
        """Who has archives that were not removed."""
        with self._lock:
            return {owner: totals for owner, totals in self._totals_of.items() if totals.archives}

    def archive(self, archive_id: str) -> Archive:
        return self.view(archive_id).archive

    def owner_of(self, archive_id: str) -> str | None:
        """None: there is no such archive."""
        view = self.views.get(archive_id)
        return view.archive.owner if view else None

    def find(self, text: str, *, removed: bool | None = False, owner: str | None = None) -> str:
        """The id that an id, a unique prefix of one or a unique title means; removed=None looks everywhere, owner=None among all.

        Raises NotFound, or Conflict where several could be meant.
        """
        with self._lock:
            exact = self.views.get(text)
            if exact and removed in {None, exact.archive.removed_at is not None} and owner in {None, exact.archive.owner}:
                return text
            known = [v.archive for v in self.views.values() if removed is None or (v.archive.removed_at is not None) == removed]
        if owner is not None:
            known = [archive for archive in known if archive.owner == owner]
        hits = {a.id for a in known if a.title == text} or {a.id for a in known if a.id.startswith(text)}
        if len(hits) == 1:
            return hits.pop()
        if hits:
            raise Conflict(f"{len(hits)} archives match {text[:80]!r}; use the id: {', '.join(sorted(hits)[:5])}")
        raise NotFound(f"there is no archive {text[:80]!r}; `pyarchive list` shows all")

    def ledger(self, archive_id: str) -> Ledger:
        """The one Ledger object of that archive in this process."""
        with self._lock:
            ledger = self._ledgers.get(archive_id)
            if ledger is None:
                ledger = self._ledgers[archive_id] = Ledger.open(self.folder.ledger / archive_id)
            self._recent[archive_id] = ledger
            self._recent.move_to_end(archive_id)
            if len(self._recent) > _LEDGERS_KEPT_OPEN:
                self._recent.popitem(last=False)
            return ledger

    def ledger_if_open(self, archive_id: str) -> Ledger | None:
        """The ledger, if something has used it lately: only those can have grown."""
        with self._lock:
            return self._ledgers.get(archive_id)

    # Places

    def local_folder(self, archive_id: str) -> Path:
        return self.folder.store / archive_id

    def local_file(self, archive: Archive) -> Path:
        return self.local_folder(archive.id) / archive.file_name

    # Changing

    def add(self, archive: Archive, also: dict[str, dict[str, Any]] | None = None) -> None:
        """The archive's entry, and ``also`` other tables' changes in the same record. From here on it is acknowledged."""
        self.db.apply({"archives": {archive.id: archive.to_document()}, **(also or {})})
        with self._lock:
            self._put_view(view(archive, self.ledger(archive.id)))
        self._tell(archive.id)

    def update(self, archive_id: str, **changes: Any) -> Archive:
        """Change fields of the catalog entry."""
        with self._lock:
            archive = replace(self.archive(archive_id), **changes)
            self.db.apply({"archives": {archive_id: archive.to_document()}})
            self._put_view(view(archive, self.ledger(archive_id)))
        self._tell(archive_id)
        return archive

    def rename(self, archive_id: str, title: str) -> None:
        """Nothing is changed when this raises."""
        self._in_ledger_and_catalog(archive_id, _retitle, title=title)

    def give(self, archive_id: str, owner: str) -> None:
        """To another owner. Nothing is changed when this raises."""
        self._in_ledger_and_catalog(archive_id, _give, owner=owner)

    def mark_removed(self, archive_id: str, at: datetime | None) -> None:
        """Nothing is changed when this raises."""
        self._in_ledger_and_catalog(archive_id, _remove, removed_at=at)

    def _in_ledger_and_catalog(self, archive_id: str, write_down: Callable[[Ledger, Archive], None], **changes: Any) -> None:
        """Ledger first: from it the catalog could be rebuilt, and after a crash in between it is what counts."""
        ledger, before = self.ledger(archive_id), self.archive(archive_id)
        write_down(ledger, replace(before, **changes))
        try:
            self.update(archive_id, **changes)
        except ApplianceError:
            with contextlib.suppress(ApplianceError):
                write_down(ledger, before)
            raise

    def forget(self, archive_id: str, also: dict[str, dict[str, Any]]) -> None:
        """The end of a removal: entry and ledger go, and ``also`` is written in the same record."""
        self.db.apply({"archives": {archive_id: None}, **also})
        with self._lock:
            gone = self.views.pop(archive_id, None)
            if gone:
                self._count(gone, -1)
            self._recent.pop(archive_id, None)
            self._ledgers.pop(archive_id, None)
        durable.unlink(self.folder.ledger / archive_id, missing_ok=True)
        durable.sync_dir(self.folder.ledger)
        self._tell(archive_id)

    def changed(self, archive_id: str) -> None:
        """The ledger has changed: renew what is derived."""
        with self._lock:
            old = self.views.get(archive_id)
            if old is None:
                return
            self._put_view(view(old.archive, self.ledger(archive_id)))
        self._tell(archive_id)

    def connections_changed(self, valid: Iterable[str], active: str | None) -> None:
        """Other connections count now: all sums are made again."""
        with self._lock:
            self.valid, self.active = frozenset(valid), active
            self.totals, self._totals_of = Totals(), {}
            for each in self.views.values():
                self._count(each, 1)
        for archive_id in self.ids():
            self._tell(archive_id)

    def create_ledger(self, facts: ArchiveFacts, table: bytes, *, local: bool = True) -> Ledger:
        with self._lock:
            ledger = Ledger.create(self.folder.ledger / facts.archive_id, facts, table, local=local)
            self._ledgers[facts.archive_id] = ledger
            return ledger

    def drop_unacknowledged_ledger(self, archive_id: str) -> None:
        """What a crash in the middle of an ingest left; the file is hashed again, and may be cut differently now."""
        with self._lock:
            if archive_id in self.views:
                raise Conflict(f"{archive_id} is an archive")
            self._ledgers.pop(archive_id, None)
            self._recent.pop(archive_id, None)
            durable.unlink(self.folder.ledger / archive_id, missing_ok=True)

    def set_aside_ledger(self, archive_id: str) -> None:
        """Keep a ledger that cannot be read beside the others, under a name that is none; a new one can take its place."""
        with self._lock:
            self._ledgers.pop(archive_id, None)
            self._recent.pop(archive_id, None)
            path = self.folder.ledger / archive_id
            if path.exists():
                durable.rename(path, path.with_name(f".damaged-{archive_id}"))
                durable.sync_dir(path.parent)

    def mended(self, archive_id: str) -> None:
        """The archive's ledger was made again."""
        with self._lock:
            self.broken.pop(archive_id, None)
            self._load_one(archive_id, dict(self.db.table("archives").get(doc_id=archive_id) or {}))
        self._tell(archive_id)

    def all_views(self) -> list[View]:
        """All views at one moment."""
        with self._lock:
            return list(self.views.values())

    def _put_view(self, new: View) -> None:
        old = self.views.get(new.archive.id)
        if old is not None:
            self._count(old, -1)
        self.views[new.archive.id] = new
        self._count(new, 1)

    def _count(self, view: View, sign: int) -> None:
        its = share(view, self.valid, self.active)
        self.totals.count(its, sign)
        self._totals_of.setdefault(view.archive.owner, Totals()).count(its, sign)

    def _tell(self, archive_id: str) -> None:
        for listener in self._listeners:
            listener(archive_id)


def _retitle(ledger: Ledger, archive: Archive) -> None:
    ledger.retitled(archive.title)


def _give(ledger: Ledger, archive: Archive) -> None:
    ledger.given(archive.owner)


def _remove(ledger: Ledger, archive: Archive) -> None:
    if archive.removed_at is None:
        ledger.undone()
    else:
        ledger.removed(archive.removed_at)


@contextlib.contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Inside, very many objects are made, and all stay: looking for garbage among them again and again takes a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
