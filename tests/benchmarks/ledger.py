"""What a ledger costs: one of a million batches, and ten thousand small ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from appliance import durable
from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.catalog.ledger_format import SHORT, Kind, encode
from appliance.catalog.ledger_state import PLACE

_CONNECTION = "folder-0"
_OPEN_AND_MEASURE = """
import json, sys, time
from pathlib import Path
from appliance.catalog.ledger import Ledger
start = time.perf_counter()
ledger = Ledger.open(Path(sys.argv[1]))
open_s = time.perf_counter() - start
ledger.remote_id("folder-0", ledger.batch_count - 1)
status = Path("/proc/self/status").read_text()
peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps({"open_s": open_s, "peak_mb": peak_kib / 1024, "stored": ledger.stored_count("folder-0")}))
"""


def measure_large(folder: Path, batches: int = 1_000_000) -> dict[str, float]:
    """A ledger of which every batch was stored: opened, changed, and compacted. The file is left for who wants to look."""
    path = folder / "large-archive"
    ledger = Ledger.create(path, facts_of(path.name, batches), os.urandom(32) * batches)
    lived(path, batches, confirmations=0)
    opened = opened_elsewhere(path)
    ledger = Ledger.open(path)
    return {
        "batches": batches,
        "file_mb": path.stat().st_size / 1e6,
        "open_s": opened["open_s"],
        "peak_mb": opened["peak_mb"],
        **_changes(ledger, batches - 1),
        **_timed("compaction_s", ledger.compact_if_worthwhile),
        "compacted_mb": path.stat().st_size / 1e6,
        "open_compacted_s": opened_elsewhere(path)["open_s"],
    }


def measure_before_compaction(folder: Path, batches: int = 1_000_000) -> dict[str, float]:
    """The same with all that a batch's life leaves behind (an empty session and three confirmed offsets), never compacted."""
    path = folder / "lived-archive"
    Ledger.create(path, facts_of(path.name, batches), os.urandom(32) * batches)
    lived(path, batches, confirmations=4)
    opened = opened_elsewhere(path)
    ledger = Ledger.open(path)
    return {
        "file_mb": path.stat().st_size / 1e6,
        "open_s": opened["open_s"],
        "peak_mb": opened["peak_mb"],
        **_timed("compaction_s", ledger.compact_if_worthwhile),
    }


def measure_life(folder: Path, batches: int = 256) -> dict[str, float]:
    """Bytes and syncs that a batch costs from its plan to its end, on a remote that goes by ids (a folder)."""
    ledger = Ledger.create(folder / "lifes-archive", facts_of("lifes-archive", batches), bytes(32 * batches))
    written: list[durable.Operation] = []
    durable.observer = written.append
    try:
        start = perf_counter()
        for index in range(batches):
            _live(ledger, index)
        seconds = perf_counter() - start
    finally:
        durable.observer = None
    return {
        "bytes_a_batch": sum(len(each.data) for each in written) / batches,
        "syncs_a_batch": sum(each.kind == "sync" for each in written) / batches,
        "life_ms": 1000 * seconds / batches,
    }


def measure_small(folder: Path, ledgers: int = 2000, batches: int = 64) -> dict[str, float]:
    """Opening ledgers of 64 batches, all stored, as a start does with each archive; the page cache is warm."""
    for number in range(ledgers):
        path = folder / f"small-{number:05}"
        Ledger.create(path, facts_of(path.name, batches), bytes(32 * batches))
        lived(path, batches, confirmations=4)
    start = perf_counter()
    stored = sum(Ledger.open(folder / f"small-{number:05}").stored_count(_CONNECTION) for number in range(ledgers))
    return {"ledgers": ledgers, "open_ms": 1000 * (perf_counter() - start) / ledgers, "stored": stored}


def facts_of(archive_id: str, batches: int) -> ArchiveFacts:
    return ArchiveFacts(
        archive_id=archive_id,
        title="Holidays",
        file_name="holidays.tar",
        owner="ada",
        size_bytes=batches << 24,
        sha256=bytes(32),
        batch_bytes=1 << 24,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def lived(path: Path, batches: int, confirmations: int) -> None:
    """Append what the upload of every batch leaves behind, ids planned 64 at a time; written in one go, for time is short."""
    at = path.stat().st_size
    content = bytearray()
    for kind, payload in _life_of_all(path.name, batches, confirmations):
        content += encode(kind, payload, at + len(content), 1_700_000_000)
    with durable.DurableFile.open(path) as file:
        file.write_at(at, memoryview(content))
        file.sync()


def _life_of_all(archive_id: str, batches: int, confirmations: int) -> Iterator[tuple[int, bytes]]:
    yield Kind.CONNECTION, b"\0\0" + _CONNECTION.encode()
    for first in range(0, batches, 64):
        block = range(first, min(first + 64, batches))
        yield Kind.PLAN, PLACE.pack(0, first) + b"\0".join(f"{archive_id}/{index:08}".encode() for index in block)
        for index in block:
            for number in range(confirmations):
                yield Kind.CONFIRMED, SHORT.pack(0, index, number << 22)
            yield Kind.STORED, SHORT.pack(0, index, 0)


def opened_elsewhere(path: Path) -> dict[str, float]:
    """Time and peak memory of a process that opens this ledger and nothing else."""
    done = subprocess.run([sys.executable, "-c", _OPEN_AND_MEASURE, str(path)], check=True, capture_output=True)
    return dict(json.loads(done.stdout))


def _live(ledger: Ledger, index: int) -> None:
    ids = [(each, f"{ledger.facts.archive_id}/{each:08}") for each in range(index, min(index + 64, ledger.batch_count))]
    if ledger.remote_id(_CONNECTION, index) is None:
        ledger.plan_many(_CONNECTION, ids)
    ledger.session(_CONNECTION, index, "")
    for number in range(1, 4):
        ledger.confirmed(_CONNECTION, index, number << 22)
    ledger.stored(_CONNECTION, index, ids[0][1])


def _changes(ledger: Ledger, index: int) -> dict[str, float]:
    """A change of the last batch, without its sync, beside the sync alone; what grows is looked at, too."""
    changes, syncs, size = [], [], ledger._file.record_bytes()
    for _ in range(200):
        changes.append(_seconds(lambda: ledger.confirmed(_CONNECTION, index, 1 + ledger._file.record_bytes() % 1000)))
        syncs.append(_seconds(ledger.want_local))  # nothing new: only the sync
    whole = _seconds(lambda: ledger.unstored(_CONNECTION, index, "absent")) + _seconds(
        lambda: ledger.stored(_CONNECTION, index, _id(ledger, index))
    )
    return {
        "change_ms": 1000 * median(changes),
        "sync_ms": 1000 * median(syncs),
        "unstored_and_stored_with_syncs_ms": 1000 * whole,
        "bytes_a_change": (ledger._file.record_bytes() - size) / 202,
    }


def _id(ledger: Ledger, index: int) -> str:
    return ledger.remote_id(_CONNECTION, index) or ""


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _timed(name: str, work: Callable[[], object]) -> dict[str, float]:
    return {name: _seconds(work)}
