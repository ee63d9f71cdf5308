"""A ledger written anew: header and table as they are, the last of the history, and the state instead of what led to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from appliance.catalog.ledger_format import BASE, NO_INDEX, PAST, SETTLED, SHORT, Header, Kind, Record, encode, replay
from appliance.catalog.ledger_state import MANIFEST_HEAD, PLACE, SLOT, TIME, State, bytes_of, columns, microseconds
from appliance.durable import DurableFile

HISTORY_RECORDS = 200
_WRITE_BYTES = 1 << 20
_RUN_BYTES = 16 * 1024  # of ids in one record


class Rewrite:
    """Writes into a new file, piece by piece; the caller syncs it and gives it its name."""

    def __init__(self, file: DurableFile, header: Header, at_s: int) -> None:
        self._file = file
        self._at_s = at_s
        self._pending = bytearray(header.raw_start)
        self._pending += header.table
        self._written = 0

    def run(self, fd: int, start: int, end: int, state: State, history: Iterable[Record]) -> None:
        """``state`` is what the records between these offsets of ``fd`` come to. Raises OSError."""
        self._connections(state)
        for record in history:
            self._add(record.kind | PAST, record.payload, record.at_s)
        self._forget(state)
        self._archive(state)
        ids = _Ids(self._ids, state)
        replay(fd, start, end, ids)
        ids.flush()
        for kind, payload in columns(state):
            self._add(kind, payload)
        self._open_ends(state)
        self._add(Kind.COMPLETE | BASE, b"")
        self._flush()

    def _add(self, kind: int, payload: bytes, at_s: int | None = None) -> None:
        # The file gets its name only when all of it is synced: a bad record in it is damage, but for the last, which says nothing.
        self._pending += encode(kind | SETTLED, payload, self._written + len(self._pending), self._at_s if at_s is None else at_s)
        if len(self._pending) >= _WRITE_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._file.write_at(self._written, memoryview(self._pending))
        self._written += len(self._pending)
        self._pending = bytearray()

    def _connections(self, state: State) -> None:
        for slot, connection_id in state.slots.items():
            self._add(Kind.CONNECTION | BASE, SLOT.pack(slot) + bytes_of(connection_id))

    def _forget(self, state: State) -> None:
        for slot in state.slots.keys() - state.on.keys():
            self._add(Kind.FORGOTTEN | BASE, SLOT.pack(slot))

    def _archive(self, state: State) -> None:
        self._add(Kind.RETITLED | BASE, bytes_of(state.title))
        self._add(Kind.GIVEN | BASE, bytes_of(state.owner))
        if state.removed_at is not None:
            self._add(Kind.REMOVED | BASE, TIME.pack(microseconds(state.removed_at)))
        self._add((Kind.RELEASED if state.released else Kind.RESTORED) | BASE, b"")
        self._add(Kind.WANTED | BASE, b"\1" if state.wanted else b"\0")

    def _ids(self, slot: int, first: int, ids: list[bytes]) -> None:
        self._add(Kind.PLAN | BASE, PLACE.pack(slot, first) + b"\0".join(ids))

    def _open_ends(self, state: State) -> None:
        for slot, on in state.on.items():
            if on.manifest is not None:
                remote_id, sha256 = on.manifest
                self._add(Kind.MANIFEST | BASE, MANIFEST_HEAD.pack(slot, on.manifest_is_current, sha256) + bytes_of(remote_id))
            for index, (session, offset_bytes) in on.sessions.items():
                if session:
                    self._add(Kind.SESSION | BASE, PLACE.pack(slot, index) + bytes_of(session))
                self._add(Kind.CONFIRMED | BASE, SHORT.pack(slot, index, offset_bytes))


class _Ids:
    """Finds the ids that still hold, record by record of the old file, and writes them down in runs (a ``Sink``)."""

    def __init__(self, write: Callable[[int, int, list[bytes]], None], state: State) -> None:
        self._write = write
        self._state = state
        self._slot = self._first = self._size_bytes = 0
        self._ids: list[bytes] = []

    def shorts(self, records: memoryview) -> None:
        """No ids there."""

    def long(self, record: Record) -> None:
        if record.kind != Kind.PLAN or record.flags & PAST:
            return
        slot, first = PLACE.unpack_from(record.payload)
        on, ids = self._state.on.get(slot), record.payload[PLACE.size :].split(b"\0")
        if on is None:
            return
        if first == NO_INDEX:
            if on.manifest_plan == record.offset_bytes:
                self._write(slot, NO_INDEX, ids)
            return
        for index, remote_id in enumerate(ids, first):
            if on.plans[index] == record.offset_bytes:
                self._add(slot, index, remote_id)

    def _add(self, slot: int, index: int, remote_id: bytes) -> None:
        if (slot, index) != (self._slot, self._first + len(self._ids)) or self._size_bytes > _RUN_BYTES:
            self.flush()
            self._slot, self._first = slot, index
        self._ids.append(remote_id)
        self._size_bytes += len(remote_id) + 1

    def flush(self) -> None:
        if self._ids:
            self._write(self._slot, self._first, self._ids)
        self._ids, self._size_bytes = [], 0
