"""A start with ten thousand archives and nothing in the page cache, as after a reboot."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from unittest.mock import patch

from appliance import durable
from appliance.archive import Archive
from appliance.catalog.journal import CatalogDB
from appliance.catalog.ledger import ArchiveFacts, Ledger
from tests.benchmarks.content import forget_cache
from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import Running

_BATCHES, _BATCH_BYTES = 64, 16 << 20
_SIZE_BYTES = _BATCHES * _BATCH_BYTES - 12345
_STARTS = 3
_DROP = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What the start has to say before it says `online`."""

    archives: int
    partial: int
    local: int
    at_risk_bytes: int


def measure(order: Order) -> list[Figure]:
    """1 GiB each in 64 batches with a manifest, all stored; each tenth half stored, each tenth released. Median of 3 starts."""
    archives = 1_000 if order.small else 10_000
    with Running(order.folder) as appliance:
        connection_id = appliance.connect(order.folder / "remote")
        appliance.ask("transfer/pause")
    expected = build(order.folder / "data", connection_id, archives)
    starts_s = [_start_s(order.folder, expected) for _ in range(_STARTS)]
    return [
        Figure(
            name=f"{archives:,} archives, cold: start to online", value=median(starts_s), unit="s", at_most=5.0,
            note="counts and bytes at risk right before online",
        ),
        Figure(name="the slowest of the 3", value=max(starts_s), unit="s"),
    ]  # fmt: skip


def _start_s(folder: Path, expected: Expected) -> float:
    """Raises AssertionError where what was said before `online` is not right."""
    _forget_everything(folder / "data")
    with Running(folder) as appliance:
        state = json.loads(appliance.heard.state_when_online)
    counts = state["counts"]
    said = Expected(
        archives=counts["archives"], partial=counts["partial"], local=counts["local"], at_risk_bytes=state["bytes_at_risk"]
    )  # fmt: skip
    assert said == expected, (said, expected)
    assert counts["remote"] == expected.archives - expected.partial, counts
    return appliance.start_s


def _forget_everything(data: Path) -> None:
    """The whole page cache where we may (programs included), else that of the data."""
    os.sync()
    try:
        _DROP.write_text("3")
    except OSError:
        for place in ("catalog", "ledger"):
            for path in (data / place).iterdir():
                forget_cache(path)


# Building


def build(data: Path, connection_id: str, archives: int) -> Expected:
    """Through the real classes; synced at the end, not for each archive. Local copies are holes: a start looks at their sizes only."""
    with _synced_at_the_end():
        db = CatalogDB.open(data / "catalog")
        entries = {archive.id: archive.to_document() for archive in map(_archive, range(archives))}
        for number, archive_id in enumerate(entries):
            _build_one(data, archive_id, number, connection_id)
        db.apply({"archives": entries})
        db.close()
    half = range(0, archives, 10)
    return Expected(
        archives=archives, partial=len(half), local=archives - len(range(5, archives, 10)),
        at_risk_bytes=len(half) * (_SIZE_BYTES - _BATCHES // 2 * _BATCH_BYTES),
    )  # fmt: skip


@contextmanager
def _synced_at_the_end() -> Iterator[None]:
    with patch.object(durable, "_fsync", lambda *_, **__: None):
        yield
    os.sync()


def _archive(number: int) -> Archive:
    facts = _facts(number)
    return Archive.from_facts(facts, title=facts.title, owner=facts.owner, removed_at=None)


def _facts(number: int) -> ArchiveFacts:
    return ArchiveFacts(
        archive_id=f"{number * 2654435761 % 2**64:016x}", title=f"Holiday in the mountains {number}", file_name=f"IMG_{number:08}.MOV",
        owner="grandmother", size_bytes=_SIZE_BYTES, sha256=number.to_bytes(32, "little"), batch_bytes=_BATCH_BYTES,
        created_at=datetime(2026, 2, 1, tzinfo=UTC) + timedelta(minutes=number),
    )  # fmt: skip


def _build_one(data: Path, archive_id: str, number: int, connection_id: str) -> None:
    facts = _facts(number)
    ledger = Ledger.create(data / "ledger" / archive_id, facts, os.urandom(32 * _BATCHES))
    ids: list[tuple[int, str]] = [(index, f"{archive_id}/{index:08}") for index in range(_BATCHES)]
    ledger.plan_many(connection_id, ids)
    if number % 10:
        ledger.stored_many(connection_id, ids)
        ledger.plan(connection_id, None, f"{archive_id}/manifest.json")
        ledger.manifest_stored(connection_id, f"{archive_id}/manifest.json", bytes(32), ledger.manifest_version)
    else:
        ledger.stored_many(connection_id, ids[: _BATCHES // 2])
    _copy_or_release(data, ledger, released=number % 10 == 5)


def _copy_or_release(data: Path, ledger: Ledger, *, released: bool) -> None:
    if released:
        ledger.released()
        return
    folder = data / "store" / ledger.facts.archive_id
    folder.mkdir()
    _make_holes(folder / ledger.facts.file_name, ledger.facts.size_bytes)


def _make_holes(path: Path, size_bytes: int) -> None:
    with path.open("wb") as file:
        file.truncate(size_bytes)
