"""What the records of a ledger come to. The same code takes records from the file at opening and new ones as they are written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import ClassVar

from appliance.catalog.ledger_connection import OnConnection
from appliance.catalog.ledger_format import BASE, KIND, NO_INDEX, PAST, SHORT_FIELDS, Kind, Record

SLOT = struct.Struct("<H")
PLACE = struct.Struct("<HI")  # connection, index
MANIFEST_HEAD = struct.Struct("<HB32s")  # connection, whether it tells the archive as it is now, SHA-256
READ_BACK = struct.Struct("<HIIQ")  # connection, first index, count, time in seconds
RANGE = struct.Struct("<II")  # first index, count
FAILED_HEAD = struct.Struct("<HIB")  # connection, index, direction
TIME = struct.Struct("<q")  # microseconds
COLUMN_HEAD = struct.Struct("<BHII")  # column, connection, first index, size when unpacked
_CONFIRMED = int(Kind.CONFIRMED)  # millions are compared with it
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Column(IntEnum):
    """What is known of every batch, as a compaction writes it down."""

    CACHED = 1
    STORED = 2
    READ_BACK = 3


def text_of(payload: bytes) -> str:
    return payload.decode("utf-8", "surrogatepass")


def bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


class State:
    """Takes records in their order (a ``Sink``). Raises KeyError, IndexError, ValueError, struct.error on what cannot be."""

    def __init__(self, title: str, owner: str, batches: int, *, local: bool) -> None:
        self.title, self.owner, self.batches = title, owner, batches
        self.removed_at: datetime | None = None
        self.released, self.wanted = not local, local
        self.cached = bytearray(b"\1" if local else b"\0") * batches
        self.cached_count = batches if local else 0
        self.slots: dict[int, str] = {}  # also of forgotten connections, for the history
        self.on: dict[int, OnConnection] = {}
        self.slot_of: dict[str, int] = {}
        self.plan_bytes = self.plan_ids = 0  # ever written
        self.version = 0  # of what manifests tell; counted in memory only

    def find(self, connection_id: str) -> OnConnection | None:
        slot = self.slot_of.get(connection_id)
        return None if slot is None else self.on.get(slot)

    def shorts(self, records: memoryview) -> None:
        on, last, beginning = None, -1, ("", 0)
        for kind, _, slot, index, value in SHORT_FIELDS.iter_unpack(records):
            if slot != last:
                on, last = self.on.get(slot), slot
            if kind & PAST:
                continue
            if on is None:
                raise KeyError(slot)
            if kind & KIND == _CONFIRMED:
                on.sessions[index] = (on.sessions.get(index, beginning)[0], value)
                continue
            if not on.stored[index]:
                on.stored[index] = 1
                on.stored_count += 1
            if on.sessions:
                on.sessions.pop(index, None)

    def long(self, record: Record) -> None:
        if not record.flags & PAST:
            self._TAKE[record.kind](self, record)

    def is_like(self, other: State) -> bool:
        """Both give the same answers; ids are only compared for being there."""
        mine, theirs = self._comparable(), other._comparable()
        return mine == theirs and all(
            (mine_at == 0) == (their_at == 0)
            for connection_id in self.slot_of
            for mine_at, their_at in zip(
                self.on[self.slot_of[connection_id]].plans, other.on[other.slot_of[connection_id]].plans, strict=True
            )
        )

    def _comparable(self) -> tuple[object, ...]:
        on = {
            each.connection_id: (
                each.stored, each.read_at_s, each.stored_count, each.read_count, each.planned_count, each.sessions, each.manifest,
                each.manifest_is_current, each.manifest_plan == 0,
            )
            for each in self.on.values()
        }  # fmt: skip
        return (self.title, self.owner, self.removed_at, self.released, self.wanted, self.cached, self.cached_count, on)

    # One method a kind of record

    def _connection(self, record: Record) -> None:
        (slot,) = SLOT.unpack_from(record.payload)
        connection_id = text_of(record.payload[SLOT.size :])
        self.slots[slot] = connection_id
        self.slot_of[connection_id] = slot
        self.on[slot] = OnConnection.empty(connection_id, self.batches)

    def _forgotten(self, record: Record) -> None:
        (slot,) = SLOT.unpack(record.payload)
        del self.on[slot]
        if self.slot_of[self.slots[slot]] == slot:  # else it was added again, which a compaction says before this
            del self.slot_of[self.slots[slot]]

    def _plan(self, record: Record) -> None:
        slot, first = PLACE.unpack_from(record.payload)
        count = record.payload.count(b"\0", PLACE.size) + 1
        self._check_range(first, count if first != NO_INDEX else 0)
        self.on[slot].plan(first, count, record.offset_bytes)
        self.plan_bytes += len(record.payload)
        self.plan_ids += count
        self.version += 1

    def _session(self, record: Record) -> None:
        slot, index = PLACE.unpack_from(record.payload)
        self.on[slot].sessions[index] = (text_of(record.payload[PLACE.size :]), 0)

    def _unstored(self, record: Record) -> None:
        slot, index = PLACE.unpack_from(record.payload)
        if index == NO_INDEX:
            self.on[slot].manifest = None
            self.on[slot].manifest_is_current = False
        else:
            self.on[slot].withdraw(index)

    def _manifest(self, record: Record) -> None:
        slot, is_current, sha256 = MANIFEST_HEAD.unpack_from(record.payload)
        on = self.on[slot]
        on.manifest = (text_of(record.payload[MANIFEST_HEAD.size :]), sha256)
        on.manifest_is_current = bool(is_current)
        on.sessions.pop(NO_INDEX, None)

    def _read_back(self, record: Record) -> None:
        slot, first, count, at_s = READ_BACK.unpack(record.payload)
        self._check_range(first, count)
        self.on[slot].read_back(first, count, at_s)

    def _cached(self, record: Record) -> None:
        self._set_cached(*RANGE.unpack(record.payload), cached=True)

    def _uncached(self, record: Record) -> None:
        self._set_cached(*RANGE.unpack_from(record.payload), cached=False)

    def _set_cached(self, first: int, count: int, *, cached: bool) -> None:
        self._check_range(first, count)
        before = self.cached.count(1, first, first + count)
        self.cached[first : first + count] = (b"\1" if cached else b"\0") * count
        self.cached_count += (count if cached else 0) - before

    def _released(self, _: Record) -> None:
        self._set_cached(0, self.batches, cached=False)
        self.released, self.wanted = True, False

    def _wanted(self, record: Record) -> None:
        self.wanted = record.payload == b"\1"

    def _restored(self, _: Record) -> None:
        self._set_cached(0, self.batches, cached=True)
        self.released, self.wanted = False, True

    def _retitled(self, record: Record) -> None:
        self.title = text_of(record.payload)
        self._renew_manifests()

    def _given(self, record: Record) -> None:
        self.owner = text_of(record.payload)
        self._renew_manifests()

    def _renew_manifests(self) -> None:
        self.version += 1
        for on in self.on.values():
            on.manifest_is_current = False

    def _nothing(self, _: Record) -> None:
        """Only told: it changes nothing."""

    def _removed(self, record: Record) -> None:
        (at,) = TIME.unpack(record.payload)
        self.removed_at = EPOCH + timedelta(microseconds=at)

    def _undone(self, _: Record) -> None:
        self.removed_at = None

    def _column(self, record: Record) -> None:
        column, slot, first, size_bytes = COLUMN_HEAD.unpack_from(record.payload)
        content = zlib.decompress(record.payload[COLUMN_HEAD.size :], bufsize=size_bytes)
        self._check_range(first, len(content) // (4 if column == Column.READ_BACK else 1))
        if column == Column.CACHED:
            self.cached_count += content.count(1) - self.cached.count(1, first, first + len(content))
            self.cached[first : first + len(content)] = content
        elif column == Column.STORED:
            self.on[slot].put_stored(first, content)
        else:
            self.on[slot].put_read_at(first, content)

    def _check_range(self, first: int, count: int) -> None:
        if first != NO_INDEX and first + count > self.batches:
            raise IndexError(f"batches {first} to {first + count} of {self.batches}")

    _TAKE: ClassVar[dict[int, Callable[[State, Record], None]]] = {
        Kind.CONNECTION: _connection, Kind.FORGOTTEN: _forgotten, Kind.PLAN: _plan, Kind.SESSION: _session,
        Kind.UNSTORED: _unstored, Kind.MANIFEST: _manifest, Kind.READ_BACK: _read_back, Kind.CACHED: _cached,
        Kind.UNCACHED: _uncached, Kind.RELEASED: _released, Kind.WANTED: _wanted, Kind.RESTORED: _restored,
        Kind.RETITLED: _retitled, Kind.GIVEN: _given, Kind.FAILED: _nothing, Kind.REMOVED: _removed,
        Kind.UNDONE: _undone, Kind.COLUMN: _column, Kind.COMPLETE: _nothing,
    }  # fmt: skip


_COLUMN_BATCHES = 8192  # their times, packed, stay below the largest payload


def columns(state: State) -> Iterator[tuple[int, bytes]]:
    """The records (kind with flags, payload) that tell what is known of each batch, but for the ids."""
    yield from _column(Column.CACHED, 0, state.cached, 1)
    for slot, on in state.on.items():
        yield from _column(Column.STORED, slot, on.stored, 1)
        if on.read_count:
            yield from _column(Column.READ_BACK, slot, memoryview(on.read_at_s).cast("B"), 4)


def _column(column: Column, slot: int, content: bytearray | memoryview, width: int) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(content), _COLUMN_BATCHES * width):
        piece = content[at : at + _COLUMN_BATCHES * width]
        yield Kind.COLUMN | BASE, COLUMN_HEAD.pack(column, slot, at // width, len(piece)) + zlib.compress(piece)
