"""The catalog at a size that no household reaches: what one change costs, with and without a compaction under way."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

from appliance.catalog.journal import CatalogDB

_CHANGES = 10_000
_DOCUMENTS_A_RECORD = 5_000


def run(folder: Path, documents: int = 100_000) -> dict[str, float]:
    """Figures, with their units in their names; ``folder`` must not exist and its parent must. Takes about ``documents`` / 5,000 s."""
    figures = {"fsync_median_ms": _fsync_median_ms(folder.parent)}
    db = CatalogDB.open(folder)
    _fill(db, documents)
    db.compact()
    figures |= _changes(db, documents)
    figures |= _changes_under_compaction(db, documents)
    figures |= _reads(db, documents)
    db.close()
    return figures | _open(folder)


def _document(number: int, title: str = "Holiday in the mountains") -> dict[str, Any]:
    return {
        "title": f"{title} {number}",
        "file_name": f"IMG_{number:08}.MOV",
        "owner": "grandmother",
        "size_bytes": 1_000_000_007 + number,
        "sha256": f"{number:064x}",
        "batch_bytes": 16 << 20,
        "created_at": "2026-11-22T10:00:00.123456Z",
    }


def _id(number: int) -> str:
    return f"{number * 2654435761 % 2**64:016x}"


def _fill(db: CatalogDB, documents: int) -> None:
    for first in range(0, documents, _DOCUMENTS_A_RECORD):
        numbers = range(first, min(documents, first + _DOCUMENTS_A_RECORD))
        db.apply({"archives": {_id(number): _document(number) for number in numbers}})


def _changes(db: CatalogDB, documents: int) -> dict[str, float]:
    """10,000 changes, and what a compaction adds to each: its bytes, shared by the changes that make it due."""
    before = _written_bytes()
    taken_ms = [_change(db, number % documents) for number in range(_CHANGES)]
    journal_bytes = (_written_bytes() - before) / _CHANGES
    snapshot_bytes = max(path.stat().st_size for path in db._folder.glob("snapshot-*"))
    share_bytes = snapshot_bytes / (max(1 << 20, snapshot_bytes) / journal_bytes)
    return {
        "update_median_ms": statistics.median(taken_ms),
        "update_max_ms": max(taken_ms),
        "snapshot_mb": snapshot_bytes / 1e6,
        "journal_bytes_per_change": journal_bytes,
        "bytes_per_change_compaction_included": journal_bytes + share_bytes,
    }


def _changes_under_compaction(db: CatalogDB, documents: int) -> dict[str, float]:
    with db._writing:
        db._compaction.want()
    started = time.perf_counter()
    taken_ms = [_change(db, 0)]  # carries the rotation
    while (thread := db._compaction._thread) is not None and thread.is_alive():
        taken_ms.append(_change(db, len(taken_ms) % documents))
    return {
        "compaction_s": time.perf_counter() - started,
        "update_with_compaction_median_ms": statistics.median(taken_ms),
        "update_with_compaction_max_ms": max(taken_ms),
        "updates_with_compaction": len(taken_ms),
    }


def _change(db: CatalogDB, number: int) -> float:
    started = time.perf_counter()
    db.table("archives").update({"title": f"Renamed {started:.9f}"}, doc_ids=[_id(number)])
    return (time.perf_counter() - started) * 1000


def _reads(db: CatalogDB, documents: int) -> dict[str, float]:
    table = db.table("archives")
    started = time.perf_counter()
    for number in range(1000):
        table.get(doc_id=_id(number * 7 % documents))
    got = time.perf_counter()
    walked = sum(1 for _ in table.items())
    return {"get_us": (got - started) * 1e3, "items_us_per_document": (time.perf_counter() - got) / max(1, walked) * 1e6}


def _open(folder: Path) -> dict[str, float]:
    started = time.perf_counter()
    db = CatalogDB.open(folder)
    taken_s = time.perf_counter() - started
    assert not db.damage
    db.close()
    return {"open_s": taken_s}


def _written_bytes() -> int:
    """Handed to write(2) by this process so far."""
    return int(next(line.split()[1] for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("wchar")))


def _fsync_median_ms(folder: Path) -> float:
    path = folder / "fsync-probe"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return statistics.median(_fsync_ms(fd, number) for number in range(200))
    finally:
        os.close(fd)
        path.unlink()


def _fsync_ms(fd: int, number: int) -> float:
    started = time.perf_counter()
    os.pwrite(fd, b"x" * 256, number * 256)
    os.fdatasync(fd)
    return (time.perf_counter() - started) * 1000
