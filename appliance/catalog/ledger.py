"""The ledger of one archive: its batches, and what is known of each, per connection. Append-only; a change costs O(1).

Where an ``index`` may be None, None is the manifest.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from appliance.batches import SHA256_BYTES, Range, range_of
from appliance.catalog.ledger_compaction import HISTORY_RECORDS
from appliance.catalog.ledger_connection import OnConnection
from appliance.catalog.ledger_file import Change, LedgerFile
from appliance.catalog.ledger_format import NO_INDEX, SHORT, ArchiveFacts, Kind, joined, new_header
from appliance.catalog.ledger_history import DIRECTIONS, HistoryEntry, entry
from appliance.catalog.ledger_ids import IdReader, id_bytes, limited, runs, shortened
from appliance.catalog.ledger_state import (
    EPOCH,
    FAILED_HEAD,
    MANIFEST_HEAD,
    PLACE,
    RANGE,
    READ_BACK,
    SLOT,
    TIME,
    State,
    microseconds,
    text_of,
)
from mqtt.messages import Direction

__all__ = ["ArchiveFacts", "HistoryEntry", "Ledger", "LedgerSummary"]

_WORTHWHILE_BYTES = 64 * 1024
_ENTRY_BYTES = 64  # of the history, about


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerSummary:
    """An archive at one glance; ``stored`` and ``manifests`` (SHA-256 of manifest.json) by connection id."""

    archive_id: str
    title: str
    owner: str
    size_bytes: int
    batch_count: int
    cached_count: int
    is_released: bool
    removed_at: datetime | None
    stored: Mapping[str, int]
    manifests: Mapping[str, bytes]


class Ledger:
    """Thread-safe; one object an archive in a process. Answers cost O(1) and no disk access unless said otherwise.

    What changes something is safe against power cuts when it returns, unless said otherwise. It raises DiskFull or
    StoreUnavailable, and then has changed nothing; NotFound where the file is gone; IndexError where there is no such batch.
    Saying again what is known already writes nothing.
    """

    def __init__(self, file: LedgerFile) -> None:
        self._file = file
        self.facts = file.header.facts
        self.batch_count = file.state.batches
        self._ids = IdReader(file.path.name)

    def __repr__(self) -> str:
        return f"Ledger({self.facts.archive_id!r}, batches={self.batch_count})"

    @classmethod
    def create(cls, path: Path, facts: ArchiveFacts, batch_sha256: Sequence[bytes] | bytes, *, local: bool = True) -> Ledger:
        """A new ledger, whole and synced or not there. ``local``: the file is in the store, all of it (else: as if released).

        One that is there already, of the same file, is returned as it is (the repeat after a crash).
        Raises Conflict where it is of another file, ValueError where the table does not fit the size.
        """
        return cls(LedgerFile.create(path, new_header(facts, joined(batch_sha256), local=local)))

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """O(records). A torn end is cut off: what was not synced before a power cut, or the last record.

        Raises LedgerDamaged (file, where, what) where anything before is not as it was written, NewerFormat, NotFound, StoreUnavailable.
        """
        return cls(LedgerFile.open(path))

    # The archive

    @property
    def _state(self) -> State:
        return self._file.state

    @property
    def title(self) -> str:
        return self._state.title

    @property
    def owner(self) -> str:
        return self._state.owner

    @property
    def removed_at(self) -> datetime | None:
        return self._state.removed_at

    @property
    def is_removed(self) -> bool:
        return self._state.removed_at is not None

    @property
    def is_released(self) -> bool:
        """The local copy was freed; still true while it is being restored."""
        return self._state.released

    @property
    def wanted_local(self) -> bool:
        """False after a release, until want_local."""
        return self._state.wanted

    def retitled(self, title: str) -> None:
        """A new title; manifests are not current any more."""
        with self._file.change() as changes:
            if title != self._state.title:
                changes.append((Kind.RETITLED, limited(title)))

    def given(self, owner: str) -> None:
        """A new owner; manifests are not current any more."""
        with self._file.change() as changes:
            if owner != self._state.owner:
                changes.append((Kind.GIVEN, limited(owner)))

    def removed(self, at: datetime) -> None:
        with self._file.change() as changes:
            if at != self._state.removed_at:
                changes.append((Kind.REMOVED, TIME.pack(microseconds(at))))

    def undone(self) -> None:
        """The removal was taken back."""
        with self._file.change() as changes:
            if self.is_removed:
                changes.append((Kind.UNDONE, b""))

    # The table of batches

    def table(self) -> bytes:
        """SHA-256 of all batches, 32 bytes each."""
        return self._file.header.table

    def range_of(self, index: int) -> Range:
        """(offset_bytes, size_bytes) in the file."""
        return range_of(index, self.facts.size_bytes, self.facts.batch_bytes)

    def batch_sha256(self, index: int) -> bytes:
        self._check(index)
        return self._file.header.table[SHA256_BYTES * index : SHA256_BYTES * (index + 1)]

    # The local copy

    @property
    def cached_count(self) -> int:
        return self._state.cached_count

    def is_cached(self, index: int) -> bool:
        """The batch is right in the local copy, as far as known."""
        self._check(index)
        return self._state.cached[index] == 1

    def cached_flags(self) -> bytes:
        """One byte a batch, 1 where it is cached."""
        return bytes(self._state.cached)

    def stored_flags(self, connection_id: str) -> bytes:
        """One byte a batch, 1 where it is stored on the connection."""
        on = self._state.find(connection_id)
        return bytes(on.stored if on else self.batch_count)

    def next_uncached(self, from_index: int = 0, skip: Container[int] = ()) -> int | None:
        """The first batch from there on that is not right in the local copy. A scan in C."""
        return _next_zero(self._state.cached, from_index, skip)

    def cached(self, index: int) -> None:
        self.cached_range(index, 1)

    def cached_range(self, first_index: int, count: int) -> None:
        self._check(first_index, count)
        with self._file.change() as changes:
            if self._state.cached.find(0, first_index, first_index + count) >= 0:
                changes.append((Kind.CACHED, RANGE.pack(first_index, count)))

    def uncached(self, index: int, reason: str) -> None:
        self.uncached_range(index, 1, reason)

    def uncached_range(self, first_index: int, count: int, reason: str) -> None:
        self._check(first_index, count)
        with self._file.change() as changes:
            if self._state.cached.find(1, first_index, first_index + count) >= 0:
                changes.append((Kind.UNCACHED, RANGE.pack(first_index, count) + shortened(reason)))

    def released(self) -> None:
        """The local copy may be freed from now on: no batch is cached, and none is wanted."""
        with self._file.change() as changes:
            if not self.is_released or self.wanted_local or self.cached_count:
                changes.append((Kind.RELEASED, b""))

    def want_local(self, wanted: bool = True) -> None:
        """A released archive is to be restored (or, False, not any more)."""
        with self._file.change() as changes:
            if wanted != self.wanted_local:
                changes.append((Kind.WANTED, b"\1" if wanted else b"\0"))

    def restored(self) -> None:
        """The whole file is there under its name, and was checked: all is cached."""
        with self._file.change() as changes:
            if self.is_released or not self.wanted_local or self.cached_count < self.batch_count:
                changes.append((Kind.RESTORED, b""))

    # Connections, what is known

    def connections(self) -> set[str]:
        """Those that the ledger knows anything about."""
        return set(self._state.slot_of)

    def stored_count(self, connection_id: str) -> int:
        on = self._state.find(connection_id)
        return on.stored_count if on else 0

    def is_stored(self, connection_id: str, index: int) -> bool:
        self._check(index)
        on = self._state.find(connection_id)
        return on is not None and on.stored[index] == 1

    def next_unstored(self, connection_id: str, from_index: int = 0, skip: Container[int] = ()) -> int | None:
        """The first batch from there on that is not stored on the connection. A scan in C."""
        on = self._state.find(connection_id)
        return _next_zero(on.stored if on else bytearray(self.batch_count), from_index, skip)

    def remote_id(self, connection_id: str, index: int | None) -> str | None:
        """Planned, or stored under it. Reads one record of the file, if any. Raises LedgerDamaged where that is not right any more."""
        place = self._check(index)
        known = self._state.find(connection_id)
        if known is None or not known.is_planned(place):
            return None
        with self._file.reading() as fd:
            on = self._state.find(connection_id)
            return self._read_id(fd, on, place) if on else None

    def remote_ids(self, connection_id: str) -> list[str | None]:
        """Of all batches; O(batches), with few reads where the ids were planned together."""
        with self._file.reading() as fd:
            on = self._state.find(connection_id)
            return [self._read_id(fd, on, index) if on else None for index in range(self.batch_count)]

    def session_of(self, connection_id: str, index: int | None) -> tuple[str, int] | None:
        """(session, bytes confirmed) of an upload that was begun and is not stored yet. The session is secret."""
        on = self._state.find(connection_id)
        return on.sessions.get(self._check(index)) if on else None

    def manifest(self, connection_id: str) -> tuple[str, bytes] | None:
        """(remote id, SHA-256) of the manifest that is stored there."""
        on = self._state.find(connection_id)
        return on.manifest if on else None

    def manifest_is_current(self, connection_id: str) -> bool:
        """The stored manifest tells title, owner and ids as they are now."""
        on = self._state.find(connection_id)
        return on is not None and on.manifest is not None and on.manifest_is_current

    @property
    def manifest_version(self) -> int:
        """Changes with everything that a manifest tells. Ask before a manifest is made, and hand it to manifest_stored."""
        return self._state.version

    def read_back_oldest(self, connection_id: str) -> datetime | None:
        """When the batch that was read back longest ago was; None unless every stored batch was, since it was stored.

        O(batches) once after the oldest has changed.
        """
        on = self._state.find(connection_id)
        oldest_s = on.oldest() if on else None
        return None if oldest_s is None else EPOCH + timedelta(seconds=oldest_s)

    def read_back_newest(self, connection_id: str) -> datetime | None:
        """When a batch was last read back from there and found right; None where none was. What a compaction drops is forgotten."""
        on = self._state.find(connection_id)
        return EPOCH + timedelta(seconds=on.newest_s) if on and on.newest_s else None

    def next_to_read_back(self, connection_id: str) -> int | None:
        """The stored batch that was read back longest ago, or never; None where none is stored. O(batches)."""
        on = self._state.find(connection_id)
        return on.next_to_read_back() if on else None

    def read_back_times(self, connection_id: str) -> list[int | None]:
        """Of each batch, when it was read back since it was stored, in seconds; 0: not yet. None: it is not stored. O(batches)."""
        on = self._state.find(connection_id)
        if on is None:
            return [None] * self.batch_count
        return [read_at_s if stored else None for stored, read_at_s in zip(on.stored, on.read_at_s, strict=True)]

    # Connections, what changes

    def plan(self, connection_id: str, index: int | None, remote_id: str) -> None:
        """The id under which the batch will be stored, before its first use. What was stored or begun under another is withdrawn.

        A manifest that is stored stays so until the next manifest_stored.
        """
        self.plan_many(connection_id, [(index, remote_id)])

    def plan_many(self, connection_id: str, remote_ids: Iterable[tuple[int | None, str]]) -> None:
        """The same for several, in one write and one sync; runs of neighbours take less room."""
        pairs = sorted((self._check(index), id_bytes(remote_id)) for index, remote_id in remote_ids)
        with self._file.change() as changes:
            changes.extend(_plans(self._slot(connection_id, changes), pairs))

    def session(self, connection_id: str, index: int | None, session: str) -> None:
        """An upload was opened, nothing is confirmed yet. An empty session (the remote goes by the id alone) is not synced."""
        place = self._check(index)
        with self._file.change(sync=bool(session)) as changes:
            slot = self._slot(connection_id, changes)
            known = self.session_of(connection_id, index)
            if session or (known and known[0]):
                changes.append((Kind.SESSION, PLACE.pack(slot, place) + limited(session)))
            elif known != ("", 0):
                changes.append((Kind.CONFIRMED, SHORT.pack(slot, place, 0)))

    def confirmed(self, connection_id: str, index: int | None, offset_bytes: int) -> None:
        """The remote has the first offset_bytes. Not synced: the remote itself knows it best."""
        place = self._check(index)
        with self._file.change(sync=False) as changes:
            slot = self._slot(connection_id, changes)
            known = self.session_of(connection_id, index)
            if known is None or known[1] != offset_bytes:
                changes.append((Kind.CONFIRMED, SHORT.pack(slot, place, offset_bytes)))

    def stored(self, connection_id: str, index: int, remote_id: str) -> None:
        """The remote lists the batch under that id with the right size and checksum."""
        self.stored_many(connection_id, [(index, remote_id)])

    def stored_many(self, connection_id: str, remote_ids: Iterable[tuple[int, str]]) -> None:
        """The same for several, in one write and one sync."""
        pairs = sorted((self._check(index), id_bytes(remote_id)) for index, remote_id in remote_ids)
        with self._file.change() as changes:
            slot = self._slot(connection_id, changes)
            with self._file.reading() as fd:
                on = self._state.find(connection_id)
                strange = [pair for pair in pairs if on is None or self._ids.read(fd, self._state, on, pair[0]) != pair[1]]
            changes.extend(_plans(slot, strange))
            anew = {index for index, _ in strange}
            changes.extend((Kind.STORED, SHORT.pack(slot, i, 0)) for i, _ in pairs if i in anew or on is None or not on.stored[i])

    def unstored(self, connection_id: str, index: int | None, reason: str) -> None:
        """Absent or damaged on the remote: it does not count any more. Its id stays known until another one is planned."""
        place = self._check(index)
        with self._file.change() as changes:
            on = self._state.find(connection_id)
            if on and (on.manifest is not None if index is None else on.stored[index]):
                changes.append((Kind.UNSTORED, PLACE.pack(self._slot(connection_id, changes), place) + shortened(reason)))

    def manifest_stored(self, connection_id: str, remote_id: str, sha256: bytes, version: int | None = None) -> None:
        """The remote lists the manifest under that id, right. It is current if ``version`` is still manifest_version (or None)."""
        with self._file.change() as changes:
            is_current = version in {None, self._state.version}
            if self.manifest(connection_id) != (remote_id, sha256) or self.manifest_is_current(connection_id) != is_current:
                head = MANIFEST_HEAD.pack(self._slot(connection_id, changes), is_current, sha256)
                changes.append((Kind.MANIFEST, head + id_bytes(remote_id)))

    def manifest_lost(self, connection_id: str, reason: str = "missing or different on the remote") -> None:
        """The stored manifest does not count any more."""
        self.unstored(connection_id, None, reason)

    def read_back(self, connection_id: str, first_index: int, count: int, at: datetime) -> None:
        """These batches were read back from the remote, right, at that time (kept in seconds); what is not stored is passed over."""
        self._check(first_index, count)
        at_s = max(1, min(0xFFFFFFFF, (at - EPOCH) // timedelta(seconds=1)))
        with self._file.change() as changes:
            if self.stored_count(connection_id):
                changes.append((Kind.READ_BACK, READ_BACK.pack(self._slot(connection_id, changes), first_index, count, at_s)))

    def failed(self, connection_id: str, index: int | None, direction: Direction, reason: str) -> None:
        """For the history only; not synced."""
        place = self._check(index)
        with self._file.change(sync=False) as changes:
            head = FAILED_HEAD.pack(self._slot(connection_id, changes), place, DIRECTIONS.index(direction))
            changes.append((Kind.FAILED, head + shortened(reason)))

    def forget(self, connection_id: str) -> None:
        """The connection was removed: nothing is known of it any more, but its history stays."""
        with self._file.change() as changes:
            slot = self._state.slot_of.get(connection_id)
            if slot is not None:
                changes.append((Kind.FORGOTTEN, SLOT.pack(slot)))

    # All of it

    def summary(self) -> LedgerSummary:
        """O(connections)."""
        state = self._state
        known = list(state.on.values())
        return LedgerSummary(
            archive_id=self.facts.archive_id, title=state.title, owner=state.owner, size_bytes=self.facts.size_bytes,
            batch_count=self.batch_count, cached_count=state.cached_count, is_released=state.released, removed_at=state.removed_at,
            stored={on.connection_id: on.stored_count for on in known},
            manifests={on.connection_id: on.manifest[1] for on in known if on.manifest},
        )  # fmt: skip

    def history(self, limit: int) -> list[HistoryEntry]:
        """What happened last, newest first, without secrets. Reads the end of the file."""
        connections = self._state.slots
        return [entry(record, connections) for record in reversed(self._file.history(limit))]

    def compact_if_worthwhile(self) -> bool:
        """Rewrite the file with its current state where a quarter of it, and more than 64 KiB, would go; keep the last 200 entries.

        A quarter: so that all rewriting together comes to a few times what is kept (some 300 bytes a batch), and a ledger opens fast.
        O(1) where it is not worthwhile; else O(batches), and changes wait for it. Raises DiskFull; then all is as before.
        """
        return self._file.compact(self._is_worthwhile)

    def _is_worthwhile(self) -> bool:
        state, size = self._state, self._file.record_bytes()
        ids = sum(on.planned_count for on in state.on.values()) * state.plan_bytes // max(1, state.plan_ids)
        times = sum(4 * self.batch_count for on in state.on.values() if on.read_count)
        kept = ids + times + HISTORY_RECORDS * _ENTRY_BYTES
        return size > _WORTHWHILE_BYTES and 3 * size > 4 * kept

    # Helpers

    def _check(self, index: int | None, count: int = 1) -> int:
        if index is None:
            return NO_INDEX
        if index < 0 or count < 1 or index + count > self.batch_count:
            raise IndexError(f"archive {self.facts.archive_id} has {self.batch_count} batches; {count} from {index} on are not among them")
        return index

    def _slot(self, connection_id: str, changes: list[Change]) -> int:
        """The number that stands for the connection in records; a new one is written down first."""
        slot = self._state.slot_of.get(connection_id)
        if slot is None:
            slot = len(self._state.slots)
            changes.append((Kind.CONNECTION, SLOT.pack(slot) + limited(connection_id)))
        return slot

    def _read_id(self, fd: int, on: OnConnection, place: int) -> str | None:
        found = self._ids.read(fd, self._state, on, place)
        return None if found is None else text_of(found)


def _plans(slot: int, pairs: list[tuple[int, bytes]]) -> list[Change]:
    return [(Kind.PLAN, PLACE.pack(slot, first) + b"\0".join(ids)) for first, ids in runs(pairs)]


def _next_zero(flags: bytearray, from_index: int, skip: Container[int]) -> int | None:
    index = flags.find(0, max(0, from_index))
    while index >= 0 and index in skip:
        index = flags.find(0, index + 1)
    return index if index >= 0 else None
