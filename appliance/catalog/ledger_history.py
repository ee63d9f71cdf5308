"""The history of an archive, read from its ledger's records; secrets are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from appliance.catalog.ledger_format import BASE, KIND, NO_INDEX, SHORT, SHORT_FIELDS, Kind, Record, replay
from appliance.catalog.ledger_state import EPOCH, FAILED_HEAD, MANIFEST_HEAD, PLACE, RANGE, READ_BACK, TIME, text_of
from mqtt.messages import Direction

_TOLD = frozenset(Kind) - {Kind.CONFIRMED, Kind.CONNECTION, Kind.COLUMN}
DIRECTIONS = (Direction.UP, Direction.DOWN)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened. ``index`` None: the manifest, or the archive as a whole; ``count`` batches from it on."""

    kind: str
    at: datetime
    connection_id: str | None = None
    index: int | None = None
    count: int = 1
    direction: Direction | None = None
    text: str = ""


def recent(fd: int, marks: Sequence[int], end: int, limit: int) -> list[Record]:
    """At least the last ``limit`` records that belong to the history (all, where there are fewer), oldest first."""
    found: list[Record] = []
    for mark in reversed(marks):
        if len(found) >= limit:
            break
        chapter = _Chapter()
        replay(fd, mark, end, chapter)
        found, end = chapter.records + found, mark
    return found


class _Chapter:
    """Collects what belongs to the history (a ``Sink``)."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def shorts(self, records: memoryview) -> None:
        for kind, at_s, *place in SHORT_FIELDS.iter_unpack(records):
            if kind & KIND == Kind.STORED:
                self.records.append(Record(Kind.STORED, kind & ~KIND, at_s, SHORT.pack(*place), 0))

    def long(self, record: Record) -> None:
        if record.kind in _TOLD and not record.flags & BASE:
            self.records.append(for_history(record))


def for_history(record: Record) -> Record:
    """Sessions are secret, and ids are long: neither is history."""
    if record.kind == Kind.SESSION:
        return replace(record, payload=record.payload[: PLACE.size])
    if record.kind == Kind.PLAN:
        return replace(record, payload=record.payload[: PLACE.size] + b"\0" * record.payload.count(b"\0", PLACE.size))
    return record


def entry(record: Record, connections: Mapping[int, str]) -> HistoryEntry:
    """For people."""
    kind, at, payload = Kind(record.kind), EPOCH + timedelta(seconds=record.at_s), record.payload
    name = kind.name.lower()
    match kind:
        case Kind.RELEASED | Kind.RESTORED | Kind.UNDONE:
            return HistoryEntry(name, at)
        case Kind.WANTED:
            return HistoryEntry(name if payload == b"\1" else "unwanted", at)
        case Kind.RETITLED | Kind.GIVEN:
            return HistoryEntry(name, at, text=text_of(payload))
        case Kind.REMOVED:
            return HistoryEntry(name, EPOCH + timedelta(microseconds=TIME.unpack(payload)[0]))
        case Kind.CACHED | Kind.UNCACHED:
            first, count = RANGE.unpack_from(payload)
            return HistoryEntry(name, at, index=first, count=count, text=text_of(payload[RANGE.size :]))
        case _:
            return _on_connection(kind, at, payload, connections)


def _on_connection(kind: Kind, at: datetime, payload: bytes, connections: Mapping[int, str]) -> HistoryEntry:
    connection_id = connections.get(int.from_bytes(payload[:2], "little"))
    if kind is Kind.MANIFEST:
        sha256 = MANIFEST_HEAD.unpack_from(payload)[2]
        return HistoryEntry("manifest_stored", at, connection_id, text=sha256.hex())
    if kind is Kind.FORGOTTEN:
        return HistoryEntry("forgotten", at, connection_id)
    if kind is Kind.READ_BACK:
        _, first, count, at_s = READ_BACK.unpack(payload)
        return HistoryEntry("read_back", EPOCH + timedelta(seconds=at_s), connection_id, first, count)
    index = PLACE.unpack_from(payload)[1]
    place = None if index == NO_INDEX else index
    if kind is Kind.FAILED:
        direction = DIRECTIONS[FAILED_HEAD.unpack_from(payload)[2]]
        return HistoryEntry("failed", at, connection_id, place, 1, direction, text_of(payload[FAILED_HEAD.size :]))
    if kind is Kind.PLAN:
        return HistoryEntry("plan", at, connection_id, place, payload.count(b"\0", PLACE.size) + 1)
    text = text_of(payload[PLACE.size :]) if kind is Kind.UNSTORED else ""
    return HistoryEntry(kind.name.lower(), at, connection_id, place, text=text)
