"""The disk gets full at any of the writes of a whole life, and has room again soon: nothing is lost, and all goes on by itself."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from appliance import durable
from appliance.durable import Operation
from appliance.errors import ApplianceError
from tests.faults.disks import MakeDisk, SmallDisk, wait_no_problem
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
SENT = random.Random(3).randbytes(8 * BATCH)
LONG_TITLE, OTHER_TITLE = "A long title, " * 70 + "0", "Another one, " * 70 + "1"
POINTS = 6
_FULL_FOR_S = 0.3
_PASSES = {"disk_full", "store_unavailable", "catalog_unwritable", "conflict"}


@contextlib.contextmanager
def full_at(disk: SmallDisk | None, number: int) -> Iterator[list[str]]:
    """Names what is done; before operation ``number`` + 1 the disk gets full, for a while."""
    seen: list[str] = []
    lock = threading.Lock()
    timers: list[threading.Timer] = []

    def observe(operation: Operation) -> None:
        with lock:
            seen.append(f"{operation.kind} {operation.path.name}")
            is_now = len(seen) == number
        if is_now and disk:
            disk.fill()
            timers.append(threading.Timer(_FULL_FOR_S, disk.make_room))
            timers[0].start()

    before, durable.observer = durable.observer, observe
    try:
        yield seen
    finally:
        durable.observer = before
        for timer in timers:
            timer.join()


def patiently(act: Callable[[], Any]) -> Any:
    """As a client does it: what was refused is tried again."""
    answers: list[Any] = []

    def tried() -> bool:
        try:
            with contextlib.suppress(OSError):  # a client writes into the file, too
                answers.append(act())
        except ApplianceError as error:
            if error.code not in _PASSES:
                raise
        return bool(answers)

    wait_for(tried, what="room")
    return answers[0]


def manifest_is_due(inside: Inside, archive_id: str) -> bool:
    return any(standing.manifest_due for standing in inside.app.library.view(archive_id).standings.values())


def life(inside: Inside, remote: Path) -> None:
    patiently(lambda: inside.connect(remote) if not inside.app.connections.all() else None)
    connection = inside.app.connections.all()[0].id
    patiently(lambda: inside.ask("connection/validate", connection=connection))
    patiently(lambda: inside.ask("connection/activate", connection=connection))
    archive_id = patiently(lambda: inside.begin(SENT, title=LONG_TITLE))
    sha256 = hashlib.sha256(SENT).hexdigest()
    patiently(lambda: inside.ask("archive/commit", archive_id=archive_id, sha256=sha256))
    wait_for(lambda: inside.ask("archive/upload", archive_id=archive_id)["state"] == "received", what="the file to be received")
    inside.wait_remote(archive_id)
    patiently(lambda: inside.ask("archive/rename", archive=archive_id, title=OTHER_TITLE))
    wait_for(lambda: not manifest_is_due(inside, archive_id), what="the manifest to tell of the title")
    wait_for(lambda: not inside.show(archive_id)["local"] or inside.job("archive/release", archive=archive_id)["state"] == "done")
    patiently(lambda: inside.ask("archive/restore", archive=archive_id))
    inside.wait_local(archive_id)
    assert inside.local_bytes(archive_id) == SENT
    patiently(lambda: inside.ask("archive/remove", archive=archive_id))
    patiently(lambda: inside.ask("archive/undo", archive=archive_id))
    assert inside.local_bytes(archive_id) == SENT


def test_a_disk_that_is_full_for_a_while_at_any_write_loses_nothing(data: Path, remote: Path, make_disk: MakeDisk, tmp_path: Path) -> None:
    make_disk(tmp_path / "quiet", 24)
    with full_at(None, 0) as all_of_them, Inside(tmp_path / "quiet", batch_bytes=BATCH) as inside:
        life(inside, remote)
    assert len(all_of_them) > 60
    for number in range(4, len(all_of_them), len(all_of_them) // POINTS):
        disk = make_disk(data / str(number), 24)
        with Inside(data / str(number), batch_bytes=BATCH) as inside, full_at(disk, number):
            life(inside, tmp_path / f"remote-{number}")
            wait_no_problem(inside)
        with Inside(data / str(number), batch_bytes=BATCH) as inside:
            [archive] = inside.ask("archive/list")["archives"]
            assert (archive["title"], archive["rung"], archive["health"]) == (OTHER_TITLE, "remote", "ok")
            assert inside.local_bytes(archive["id"]) == SENT
