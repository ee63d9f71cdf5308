"""The catalog: documents in tables, every change appended to a checksummed journal and synced before it counts.

DATA/catalog holds ``journal-<generation>`` and ``snapshot-<generation>``. A snapshot is the state with which the journal of
its generation began; the state is the newest good snapshot and all journals from its generation on. Two generations are kept.
"""

from __future__ import annotations

import errno
import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from appliance import durable
from appliance.catalog.compaction import Compaction
from appliance.catalog.journal_file import FolderUncertain, JournalFile
from appliance.catalog.lines import encode
from appliance.catalog.loading import Loaded, kept_as, load, needless_damaged
from appliance.catalog.snapshot import write_snapshot
from appliance.catalog.tables import CatalogTinyDB, Changes, JournalledTable, JournalStorage
from appliance.errors import ApplianceError, DiskFull, Stopped

log = logging.getLogger("catalog")
_OWN_TABLE, _DAMAGE = "_catalog", "damage"
_CLOSE_TIMEOUT_S = 1.0


class CatalogUnwritable(ApplianceError):
    """The catalog's disk does not take a change (read-only, input/output error); nothing was changed."""

    code = "catalog_unwritable"
    retriable = True


class CatalogDB:
    """All tables of the catalog. Thread-safe; one process at a time (the data folder's lock sees to that)."""

    def __init__(self, folder: Path, loaded: Loaded, journal: JournalFile, compaction: Compaction) -> None:
        self._folder = folder
        self._journal = journal
        self._compaction = compaction
        self._writing = threading.RLock()
        self._closed = False
        self._held: ApplianceError | None = None
        self._storage = JournalStorage(loaded.tables, self.apply, self._writing)
        self._tiny = CatalogTinyDB(storage=lambda: self._storage)
        self.is_new = not loaded.damage and loaded.records == 0 and loaded.snapshot_bytes == 0
        """There was no catalog, or one into which nothing had ever been written."""

    @classmethod
    def open(cls, folder: Path) -> CatalogDB:
        """The catalog in that folder; an empty one where there is none. Look at ``damage`` before anything else.

        Raises NewerFormat (nothing was changed), DiskFull, CatalogUnwritable.
        """
        try:
            durable.make_dirs(folder, 0o700)
            durable.sync_dir(folder.parent)  # a start that was killed may have made the folder and not synced its name
            loaded = load(folder)
            for path in loaded.leftovers:  # first: their names may be wanted
                durable.unlink(path, missing_ok=True)
            journal = _journal(folder, loaded)
        except OSError as error:
            raise _translated(error) from error
        return cls(folder, loaded, journal, Compaction(folder, loaded.snapshot_bytes, loaded.journal_bytes))

    @property
    def damage(self) -> list[str]:
        """What was found damaged and what was done, a sentence each; kept over restarts until ``mended`` is called."""
        return list(self._own_damage().get("sentences", []))

    @property
    def is_complete(self) -> bool:
        """False: damage has lost changes, and the catalog is to be rebuilt from ledgers and manifests."""
        return bool(self._own_damage().get("is_complete", True))

    def _own_damage(self) -> dict[str, Any]:
        return self._storage.rows(_OWN_TABLE).get(_DAMAGE, {})

    def mended(self) -> None:
        """What was lost has been rebuilt, or a person knows of it: ``damage`` is empty from now on."""
        if self._own_damage():
            self.apply({_OWN_TABLE: {_DAMAGE: None}})

    def table(self, name: str) -> JournalledTable:
        """The table of that name; it comes into being with its first document."""
        return cast("JournalledTable", self._tiny.table(name))

    def tables(self) -> set[str]:
        """Names of the tables that have documents."""
        return self._tiny.tables() - {_OWN_TABLE}

    def apply(self, changes: Changes) -> None:
        """Several documents of several tables at once, as one synced record: ``{table: {id: document, or None to remove it}}``.

        Raises DiskFull or CatalogUnwritable, TypeError or ValueError (JSON cannot say it), Stopped (closed), what ``hold`` was
        given; nothing was changed then.
        """
        wanted = {table: documents for table, documents in changes.items() if documents}
        if wanted:
            _check(wanted)
            self._append(encode(wanted))

    def hold(self, why: ApplianceError) -> None:
        """From now on every change raises this; for good."""
        self._held = why

    def _append(self, body: bytes) -> None:
        merged = json.loads(body)  # what the next opening will read, and nobody else's objects
        with self._writing:
            if self._closed:
                raise Stopped("the catalog is closed")
            if self._held:
                raise self._held
            try:
                self._leave_suspect_journal()
                self._journal.append(body)
            except OSError as error:
                raise _translated(error) from error
            self._storage.merge(merged)
            self._compaction.grew(self._journal.generation, self._journal.size_bytes)
            if self._compaction.is_due():
                self._compact()

    def _leave_suspect_journal(self) -> None:
        if self._journal.is_suspect:
            self._rotate()
            self._compaction.want()
            if self._compaction.is_due():
                self._start_snapshot()

    def _compact(self) -> None:
        try:
            self._rotate()
        except OSError as error:
            self._compaction.put_off(error)
            return
        self._start_snapshot()

    def _start_snapshot(self) -> None:
        self._compaction.start(self._journal.generation, self._storage.snapshot())

    def _rotate(self) -> None:
        old = self._journal
        try:
            self._journal = JournalFile.create(self._folder, old.generation + 1, old.size_bytes)
        except FolderUncertain:
            old.is_suspect = True  # the new journal, if it stayed, says that nothing follows in the old one
            raise
        old.close()
        self._compaction.grew(self._journal.generation, self._journal.size_bytes)

    def compact(self) -> None:
        """A new generation now; returns when its snapshot is synced. Raises DiskFull, CatalogUnwritable."""
        with self._writing:
            if self._closed:
                raise Stopped("the catalog is closed")
            self._compaction.wait()
            self._compact()
        self._compaction.wait()
        error = self._compaction.error
        if error is not None:
            raise _translated(error) from error

    def close(self) -> None:
        """Changes are refused from now on. A snapshot that is being written is given up, within a second. Safe to repeat."""
        with self._writing:
            self._closed = True
            self._compaction.stop()
            self._compaction.wait(_CLOSE_TIMEOUT_S)
            self._journal.close()


def _check(changes: Mapping[str, Mapping[str, Any]]) -> None:
    for table, documents in changes.items():
        for doc_id, document in documents.items():
            if not (isinstance(table, str) and isinstance(doc_id, str) and isinstance(document, dict | None)):
                raise TypeError(f"a change is {{table: {{id: dict or None}}}}, not {table!r}: {doc_id!r}: {type(document).__name__}")


def _translated(error: OSError) -> ApplianceError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull("the disk of the catalog is full; free some space on it")
    return CatalogUnwritable(
        f"the catalog cannot be read or written: {error.strerror}; check the rights on its folder, and its disk (dmesg)"
    )


def _journal(folder: Path, loaded: Loaded) -> JournalFile:
    """The journal to go on with."""
    if loaded.damage:
        return _fresh_generation(folder, loaded)
    if loaded.generation == 0:
        return JournalFile.create(folder, 1, None)
    if loaded.torn_bytes:
        log.warning("The last record of the catalog was torn (%d bytes) and is dropped", loaded.torn_bytes)
    return JournalFile.resume(folder, loaded.generation, loaded.journal_bytes[loaded.generation])


def _fresh_generation(folder: Path, loaded: Loaded) -> JournalFile:
    """Write down what could be read, with what is to be said of it; only then put the damaged files aside."""
    for sentence in loaded.damage:
        log.error("Catalog: %s", sentence)
    own = loaded.tables.setdefault(_OWN_TABLE, {})
    before = own.get(_DAMAGE, {"sentences": [], "is_complete": True})
    own[_DAMAGE] = {
        "sentences": [*before["sentences"], *loaded.damage],
        "is_complete": before["is_complete"] and loaded.is_complete,
    }
    generation = loaded.newest_generation + 1
    journal = JournalFile.create(folder, generation, None)
    loaded.snapshot_bytes = write_snapshot(folder, generation, loaded.tables, lambda: None)
    kept = {path: kept_as(path) for path in loaded.damaged}
    for path, name in kept.items():
        durable.rename(path, name)
    for path in needless_damaged(folder) if kept else ():
        if path not in kept.values():  # generations begin at 1 again where a catalog was lost
            durable.unlink(path)
    durable.sync_dir(folder)
    loaded.journal_bytes = {generation: journal.size_bytes}
    return journal
