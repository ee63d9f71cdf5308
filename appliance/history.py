"""What happened to an archive, for people: the entries of its ledger, neighbours of one kind told together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.catalog.ledger import HistoryEntry, Ledger
from mqtt.view_answers import Happening

Name = Callable[[str], str | None]
_MOST_ENTRIES = 10_000
_NEIGHBOURS = timedelta(minutes=15)
_WHAT = {
    "stored": "stored", "manifest_stored": "described", "unstored": "withdrawn", "cached": "fetched", "uncached": "damaged",
    "released": "released", "wanted": "restore_asked", "unwanted": "restore_taken_back", "restored": "restored", "read_back": "read_back",
    "failed": "failed", "retitled": "renamed", "given": "given", "removed": "removed", "undone": "undone",
    "forgotten": "connection_removed",
}  # fmt: skip
"""What is not in it (ids that were planned, sessions) is our business."""
_OF_BATCHES = frozenset({"stored", "unstored", "cached", "uncached", "read_back", "failed"})
_MOVES = frozenset({"stored", "described", "fetched", "restored", "failed"})
_TEXTLESS = frozenset({"manifest_stored"})  # its text is a checksum


def history(ledger: Ledger, name: Name) -> list[Happening]:
    """What the last 10,000 entries come to, newest first. ``name(connection_id)``. Reads the file's end."""
    entries = ledger.history(_MOST_ENTRIES)
    found = [_happening(group, name) for group in _groups(entries)]
    return found if len(entries) >= _MOST_ENTRIES else [*found, _created(ledger)]


def moves(ledger: Ledger, name: Name, most: int) -> list[Happening]:
    """Of these only what was moved, or failed to be; at most ``most``."""
    return [each for each in history(ledger, name) if each.what in _MOVES][:most]


def _created(ledger: Ledger) -> Happening:
    at = ledger.facts.created_at
    return Happening(what="created", at=at, since_at=at, batches=ledger.batch_count)


def _groups(entries: Iterable[HistoryEntry]) -> Iterable[list[HistoryEntry]]:
    """Newest first, as they come."""
    group: list[HistoryEntry] = []
    for entry in entries:
        if entry.kind not in _WHAT:
            continue
        if group and not _belong_together(group[-1], entry):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _belong_together(newer: HistoryEntry, older: HistoryEntry) -> bool:
    same = (newer.kind, newer.connection_id, newer.direction, newer.text) == (older.kind, older.connection_id, older.direction, older.text)
    return same and abs(newer.at - older.at) <= _NEIGHBOURS


def _happening(group: list[HistoryEntry], name: Name) -> Happening:
    last = group[0]
    is_of_batches = last.kind in _OF_BATCHES and last.index is not None
    batches = sum(entry.count for entry in group)
    return Happening.model_validate(
        {
            "what": _WHAT[last.kind], "at": last.at, "since_at": min(entry.at for entry in group),
            "batches": batches if is_of_batches else None, "batch_index": last.index if is_of_batches and batches == 1 else None,
            "connection_id": last.connection_id, "connection_name": name(last.connection_id) if last.connection_id else None,
            "direction": last.direction, "message": None if last.kind in _TEXTLESS else last.text or None,
        }
    )  # fmt: skip


@dataclass(slots=True)
class BatchPast:
    """What the ledger still tells of one batch."""

    stored_at: datetime | None = None
    failure: str | None = None
    failed_at: datetime | None = None
    _is_settled: bool = False

    def take(self, entry: HistoryEntry) -> None:
        """Entries come newest first: a failure before a success is past."""
        if entry.kind == "stored":
            self.stored_at = self.stored_at or entry.at
        if entry.kind in {"stored", "cached"}:
            self._is_settled = True
        elif entry.kind in {"failed", "unstored", "uncached"} and not self._is_settled:
            self.failure, self.failed_at, self._is_settled = entry.text or None, entry.at, True


def batches_past(ledger: Ledger, first: int, end: int) -> dict[int, BatchPast]:
    """By index, from ``first`` up to ``end``; as far back as one look reaches."""
    found = {index: BatchPast() for index in range(first, end)}
    for entry in ledger.history(_MOST_ENTRIES):
        if entry.index is None or entry.kind == "read_back":
            continue
        for index in range(max(first, entry.index), min(end, entry.index + entry.count)):
            found[index].take(entry)
    return found
