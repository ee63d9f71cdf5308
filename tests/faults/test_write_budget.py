"""What a batch costs the SD card: at most 1 KiB and 4 fsyncs, however large the archive and the catalog are."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance import durable
from appliance.durable import Operation
from tests.inside import Inside
from tests.waiting import wait_for


@dataclass
class Spent:
    """Bytes handed to write(2) below DATA, and all fsyncs."""

    data_bytes: int = 0
    syncs: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextlib.contextmanager
def spending(data: Path) -> Iterator[Spent]:
    spent = Spent()

    def observe(operation: Operation) -> None:
        with spent.lock:
            if operation.kind == "write" and operation.path.is_relative_to(data):
                spent.data_bytes += len(operation.data)
            spent.syncs += operation.kind in {"sync", "sync_dir"}

    before, durable.observer = durable.observer, observe
    try:
        yield spent
    finally:
        durable.observer = before


def add_many(inside: Inside, count: int) -> None:
    """Archives of a byte each, received and remote."""
    for number in range(count):
        inside.put(b"x", f"{number}.bin")
    wait_for(lambda: not inside.app.engine.pending()[0] and not inside.app.engine.moving, 60)


@pytest.mark.parametrize(("batches", "others"), [(3, 0), (2000, 0), (20, 300)])
def test_a_batch_costs_at_most_1_kib_and_4_fsyncs(data: Path, remote: Path, batches: int, others: int) -> None:
    with Inside(data, batch_bytes=256) as inside:
        inside.connect(remote)
        add_many(inside, others)
        inside.ask("transfer/pause")
        archive_id = inside.put(random.Random(1).randbytes(256 * batches - 1))
        inside.ask("transfer/resume")
        with spending(data) as sent:
            inside.wait_remote(archive_id, 100)
        inside.release(archive_id)
        with spending(data) as fetched:
            inside.ask("archive/restore", archive=archive_id)
            inside.wait_local(archive_id, 100)
        restored_bytes = 256 * batches - 1
        # The manifest and the end of a restore are one change more each; what is restored is written into DATA itself.
        assert sent.data_bytes <= 1024 * (batches + 1)
        assert sent.syncs <= 4 * (batches + 1) + 4  # and the folders of the archive, once
        assert fetched.data_bytes - restored_bytes <= 1024 * (batches + 1)
        assert fetched.syncs <= 4 * (batches + 1) + 4
