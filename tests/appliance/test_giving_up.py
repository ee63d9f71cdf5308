"""Races and corners in which a copy could be given up, or a file kept waiting, without need."""

from __future__ import annotations

import errno
import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from appliance import durable
from appliance.errors import Conflict, DiskFull, RemoteAway
from appliance.integrity.listing import list_archive
from tests.faults.wrapped import Around
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
CONTENT = random.Random(9).randbytes(4 * BATCH + 5)


def test_a_release_does_not_give_up_the_local_copy_for_a_connection_that_is_removed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:

        def listed(*arguments: Any) -> Any:
            listing = list_archive(*arguments)
            inside.ask("connection/remove", connection="disk")
            return listing

        monkeypatch.setattr("appliance.placement.list_archive", listed)
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)
        job = inside.job("archive/release", archive=archive_id)
        assert job["state"] == "failed", job
        assert inside.local_bytes(archive_id) == CONTENT


def test_one_folder_cannot_pass_for_two_copies(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "disk", "first")
        (tmp_path / "link").symlink_to(tmp_path / "disk")
        for place in ("disk", "link"):
            with pytest.raises(Conflict, match="first"):
                inside.ask("connection/add", kind="folder", name="second", path=str(tmp_path / place))


def test_a_file_that_cannot_be_read_does_not_hold_up_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.intake.intake._TRY_AGAIN_S", 0.05)
    with Inside(tmp_path / "data") as inside:
        bad, take = inside.begin(b"bad sector"), durable.take

        def broken(path: Path) -> None:
            if path.name == bad:
                raise OSError(errno.EIO, "Input/output error")
            take(path)

        monkeypatch.setattr("appliance.durable.take", broken)
        inside.ask("archive/commit", archive_id=bad, sha256=hashlib.sha256(b"bad sector").hexdigest())
        wait_for(lambda: "store_unavailable" in inside.problems())
        good = inside.put(b"good")
        assert inside.local_bytes(good) == b"good"
        assert "store_unavailable" in inside.problems()
        monkeypatch.setattr("appliance.durable.take", take)
        wait_for(lambda: inside.ask("archive/upload", archive_id=bad)["state"] == "received")
        wait_for(lambda: "store_unavailable" not in inside.problems())


def test_damage_stays_a_problem_while_other_batches_of_the_archive_arrive(tmp_path: Path) -> None:
    def away(*_: Any) -> Any:
        raise RemoteAway("it can be written to only")

    around = Around()
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=around.around) as inside:
        inside.connect(tmp_path / "one", "one")
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)
        around.calls["get"] = away
        inside.ask("transfer/pause")
        inside.connect(tmp_path / "two", "two")
        damaged = bytearray(CONTENT)
        damaged[0] ^= 1
        (inside.data / "store" / archive_id / "file.bin").write_bytes(damaged)
        inside.job("integrity/verify", local=True)
        inside.ask("transfer/resume")
        two = inside.remote_folder(tmp_path / "two", archive_id)
        wait_for(lambda: two.is_dir() and {path.name for path in two.iterdir()} == {f"{index:08d}" for index in range(1, 5)})
        wait_for(lambda: not any(moving.connection_id != "" for moving in inside.app.engine.moving.values()))
        assert "damaged" in inside.problems()
        around.calls.clear()
        inside.ask("transfer/sync")
        wait_for(lambda: "damaged" not in inside.problems())


def test_a_local_file_that_lost_its_end_keeps_what_is_left_and_sends_it(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        archive_id = inside.put(CONTENT)
    local = tmp_path / "data" / "store" / archive_id / "file.bin"
    local.write_bytes(CONTENT[: 3 * BATCH - 1])
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        wait_for(lambda: inside.show(archive_id)["batches_stored"] == 2)
        wait_for(lambda: inside.show(archive_id)["health"] == "lost")
        folder = inside.remote_folder(tmp_path / "disk", archive_id)
        assert (folder / "00000000").read_bytes() + (folder / "00000001").read_bytes() == CONTENT[: 2 * BATCH]


def test_a_local_file_that_lost_its_end_is_mended_from_the_remote(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)
    local = tmp_path / "data" / "store" / archive_id / "file.bin"
    local.write_bytes(CONTENT[:BATCH])
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        wait_for(lambda: local.read_bytes() == CONTENT)
        wait_for(lambda: inside.show(archive_id)["batches_cached"] == 5)
        wait_for(lambda: "damaged" not in inside.problems())


def test_a_local_file_that_grew_is_cut_back_to_what_was_taken_in(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        archive_id = inside.put(CONTENT)
    local = tmp_path / "data" / "store" / archive_id / "file.bin"
    local.write_bytes(CONTENT + b"more")
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        wait_for(lambda: local.stat().st_size == len(CONTENT))
        assert inside.local_bytes(archive_id) == CONTENT
        assert inside.show(archive_id)["health"] == "ok"


def test_the_repair_of_a_batch_needs_no_room_for_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)

        def full(size_bytes: int, what: str) -> None:
            raise DiskFull(f"{what} needs {size_bytes} bytes")

        monkeypatch.setattr(inside.app.intake.admission, "check", full)
        local = inside.data / "store" / archive_id / "file.bin"
        damaged = bytearray(CONTENT)
        damaged[0] ^= 1
        local.write_bytes(damaged)
        job = inside.job("integrity/verify", local=True, repair=True)
        assert job["result"]["damage_left"] == 0
        assert local.read_bytes() == CONTENT


def test_a_crash_at_the_end_of_a_removal_is_no_loss_of_the_catalog(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", undo_days=0) as inside:
        archive_id = inside.put(b"gone")
        inside.ask("archive/remove", archive=archive_id)
        inside.app.db.apply({"archives": {archive_id: None}})  # the entry went, the ledger did not
    with Inside(tmp_path / "data", undo_days=0) as inside:
        assert not {"catalog_lost", "catalog_damaged"} & inside.problems().keys()
        inside.app.housekeeper._keeping.expire()
        assert not (tmp_path / "data" / "ledger" / archive_id).exists()
