"""A small ledger to try things on, and everything that it can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance import durable
from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.durable import Operation
from mqtt.messages import Direction

ID = "archive-1"
NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
SECOND = NOW.replace(microsecond=0)
SECRET = "https://upload.example/session?key=secret"


def facts_of(batches: int, **changes: Any) -> ArchiveFacts:
    known: dict[str, Any] = {
        "archive_id": ID, "title": "Ferien 🏖", "file_name": "ferien.tar", "owner": "ada", "size_bytes": batches * 10 - 3,
        "sha256": b"\xab" * 32, "batch_bytes": 10, "created_at": NOW,
    }  # fmt: skip
    return ArchiveFacts(**{**known, **changes})


def table_of(batches: int) -> bytes:
    return b"".join(index.to_bytes(4, "little") * 8 for index in range(batches))


def make(folder: Path, batches: int = 6) -> Ledger:
    return Ledger.create(folder / ID, facts_of(batches), table_of(batches))


def answers(ledger: Ledger) -> dict[str, Any]:
    """Everything that a ledger can be asked."""
    indices = range(ledger.batch_count)
    return {
        "archive": (ledger.facts, ledger.title, ledger.owner, ledger.removed_at, ledger.is_removed),
        "local": (ledger.is_released, ledger.wanted_local, ledger.cached_count, [ledger.is_cached(i) for i in indices]),
        "table": [(ledger.range_of(i), ledger.batch_sha256(i)) for i in indices],
        "summary": ledger.summary(),
        "on": {connection: on_connection(ledger, connection) for connection in ledger.connections()},
    }


def on_connection(ledger: Ledger, connection: str) -> dict[str, Any]:
    indices = range(ledger.batch_count)
    return {
        "stored": (ledger.stored_count(connection), [ledger.is_stored(connection, i) for i in indices]),
        "ids": (ledger.remote_ids(connection), [ledger.remote_id(connection, i) for i in [None, *indices]]),
        "sessions": [ledger.session_of(connection, i) for i in [None, *indices]],
        "manifest": (ledger.manifest(connection), ledger.manifest_is_current(connection)),
        "read back": (ledger.read_back_oldest(connection), ledger.next_to_read_back(connection)),
    }


def live_a_full_life(ledger: Ledger) -> None:
    """Every kind of change, and what a usb disk and a drive leave behind."""
    last = ledger.batch_count - 1
    ledger.plan_many("usb", [(index, f"{ID}/{index:08}") for index in range(last + 1)])
    for index in range(last + 1):
        ledger.session("usb", index, "")
        ledger.confirmed("usb", index, 4)
        ledger.stored("usb", index, f"{ID}/{index:08}")
    ledger.plan("usb", None, f"{ID}/manifest.json")
    ledger.manifest_stored("usb", f"{ID}/manifest.json", b"\x01" * 32)
    ledger.read_back("usb", 0, last + 1, NOW)
    ledger.unstored("usb", last, "different on the remote")
    ledger.plan("drive", 0, "1AbC")
    ledger.session("drive", 0, SECRET)
    ledger.confirmed("drive", 0, 7)
    ledger.failed("drive", 0, Direction.UP, "the line is away")
    ledger.stored("drive", 1, "2DeF")
    ledger.plan("old", 0, "gone")
    ledger.forget("old")
    ledger.uncached(2, "checksum wrong")
    ledger.released()
    ledger.want_local()
    ledger.cached(2)
    ledger.retitled("Ferien 2026")
    ledger.given("bob")
    ledger.removed(NOW)


@contextmanager
def watched() -> Iterator[list[Operation]]:
    """Every durable operation meanwhile."""
    seen: list[Operation] = []
    durable.observer = seen.append
    try:
        yield seen
    finally:
        durable.observer = None


def syncs(operations: list[Operation]) -> int:
    return sum(each.kind == "sync" for each in operations)


def written_bytes(operations: list[Operation]) -> int:
    return sum(len(each.data) for each in operations)
