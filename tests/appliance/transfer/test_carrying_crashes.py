"""A process that is killed at any step of a batch's way from one connection to another: all goes on, and little is fetched twice."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance import durable
from appliance.durable import Operation
from tests.faults.wrapped import Around
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
CONTENT = random.Random(7).randbytes(2 * BATCH)
PARTS = ("data", "one", "two")


class Moments:
    """What lies on the disk after each durable operation, as a SIGKILL would leave it: a copy each."""

    def __init__(self, home: Path, copies: Path) -> None:
        self._home, self._copies = home, copies
        self._lock = threading.Lock()
        self.taken: list[Operation] = []

    def take(self, operation: Operation) -> None:
        with self._lock:
            if operation.path.is_relative_to(self._home / "one") or operation.kind in {"sync", "sync_dir"}:
                return
            for part in PARTS:
                shutil.copytree(self._home / part, self._copies / str(len(self.taken)) / part, symlinks=True)
            self.taken.append(operation)

    def put_back(self, number: int) -> None:
        for part in PARTS:
            shutil.rmtree(self._home / part)
            shutil.copytree(self._copies / str(number) / part, self._home / part)


@pytest.fixture
def fetched() -> list[int]:
    """Indices of the batches that were fetched from a connection."""
    return []


@pytest.fixture
def start(tmp_path: Path, fetched: list[int]) -> Callable[[], Inside]:
    def get(inner: Any, remote_id: str, *rest: Any) -> Any:
        fetched.append(int(remote_id[-8:]))
        return inner.get(remote_id, *rest)

    return lambda: Inside(tmp_path / "data", batch_bytes=BATCH, transfers=1, wrap=Around({"get": get}).around)


def wait_carried(inside: Inside, archive_id: str) -> None:
    wait_for(lambda: not inside.app.engine.pending()[0] and not inside.app.engine.moving and not any((inside.data / "spool").iterdir()))
    assert inside.app.library.totals.remaining_up_batches == 0
    assert inside.show(archive_id)["rung"] in {"remote", "proven"}


def test_a_kill_at_any_step_loses_nothing_and_fetches_no_batch_again_that_was_whole_in_the_spool(
    tmp_path: Path, start: Callable[[], Inside], fetched: list[int]
) -> None:
    moments = Moments(tmp_path, tmp_path / "copies")
    with start() as inside:
        inside.connect(tmp_path / "one", "one")
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        inside.ask("transfer/pause")
        inside.connect(tmp_path / "two", "two")
        inside.app.set_paused(False)
        inside.app.engine.pause(True)
        durable.observer = moments.take
        try:
            inside.app.engine.pause(False)
            wait_carried(inside, archive_id)
        finally:
            durable.observer = None
    assert {operation.kind for operation in moments.taken} >= {"create", "write", "rename", "unlink", "rmdir"}
    for number, operation in enumerate(moments.taken):
        moments.put_back(number)
        whole = [int(path.name) for path in (tmp_path / "data" / "spool").glob("*/*") if path.stat().st_size == BATCH]
        fetched.clear()
        with start() as inside:
            wait_carried(inside, archive_id)
        batches = sorted((tmp_path / "two" / inside.app.folder.appliance_id / archive_id).glob("[0-9]*"))
        assert b"".join(path.read_bytes() for path in batches) == CONTENT, operation
        assert len(fetched) == len(set(fetched)), operation
        assert not set(whole) & set(fetched), operation
