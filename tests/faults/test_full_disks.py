"""A full disk at every step: it is said with cause and next step, nothing is lost, and room alone mends it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, DiskFull
from appliance.spaces import store_disk
from tests.faults.disks import MakeDisk, at_operation, standing, wait_no_problem, wait_problem
from tests.faults.pulled import MakeUsbDisk, make_usb_disk
from tests.inside import Inside
from tests.waiting import wait_for

__all__ = ["make_usb_disk"]

BATCH = 64 * 1024
LONG_TITLE = "\N{FLOPPY DISK}" * 1000
"""Longer than a block of the disk: no record with it fits into what a file already has."""


def content(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def commit(inside: Inside, archive_id: str, sent: bytes) -> None:
    inside.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(sent).hexdigest())


def wait_received(inside: Inside, archive_id: str) -> None:
    wait_for(lambda: inside.ask("archive/upload", archive_id=archive_id)["state"] == "received", what="the file to be received")


def test_a_file_whose_ledger_does_not_fit_waits_and_is_received_once_there_is_room(data: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(data, 24)
    sent = content(512 * 1024)
    with Inside(data, batch_bytes=64) as inside:
        archive_id = inside.begin(sent)
        disk.fill(leave_kib=64)
        commit(inside, archive_id, sent)
        problem = wait_problem(inside, "disk_full", "intake")
        assert "disk is full" in problem.message
        assert inside.ask("archive/upload", archive_id=archive_id)["state"] == "hashing"
        disk.make_room()
        wait_received(inside, archive_id)
        assert inside.local_bytes(archive_id) == sent
        wait_no_problem(inside)


def test_a_file_whose_catalog_entry_does_not_fit_is_not_acknowledged_and_is_received_once_there_is_room(
    data: Path, make_disk: MakeDisk
) -> None:
    disk = make_disk(data, 24)
    sent = content(100_000)
    with Inside(data, batch_bytes=BATCH) as inside:
        archive_id = inside.begin(sent, title=LONG_TITLE)
        with at_operation(lambda each: each.kind == "rename" and each.target is not None and "store" in each.target.parts, disk.fill):
            commit(inside, archive_id, sent)
            wait_problem(inside, "disk_full", "intake")
        assert inside.ask("archive/list")["total"] == 0
        disk.make_room()
        wait_received(inside, archive_id)
        assert inside.local_bytes(archive_id) == sent
        wait_no_problem(inside)
    with Inside(data) as inside:
        assert inside.local_bytes(archive_id) == sent


def test_a_commit_that_cannot_be_written_down_says_so_and_can_be_repeated(data: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(data, 24)
    with Inside(data) as inside:
        archive_id = inside.begin(b"abc", title=LONG_TITLE)
        disk.fill()
        with pytest.raises(DiskFull, match="full; free some space"):
            commit(inside, archive_id, b"abc")
        wait_problem(inside, "disk_full", "disk")
        disk.make_room()
        commit(inside, archive_id, b"abc")
        wait_received(inside, archive_id)
        wait_no_problem(inside)


@pytest.mark.parametrize("moment", ["before", "in the middle"])
def test_a_file_in_the_inbox_stays_there_until_there_is_room(data: Path, make_disk: MakeDisk, moment: str) -> None:
    disk = make_disk(data, 24)
    sent = content(6 << 20)
    with Inside(data, batch_bytes=BATCH) as inside:
        source = data / "inbox" / "anna" / "film.mkv"
        source.parent.mkdir()
        if moment == "before":
            disk.fill(leave_kib=1024)
            source.write_bytes(sent[: 1 << 19])
            wanted = sent[: 1 << 19]
            disk.fill()
        else:
            wanted = sent
        with at_operation(lambda each: each.kind == "create" and each.path.parent.name == "uploads", disk.fill):
            if moment != "before":
                aside = data / "coming"
                aside.write_bytes(sent)
                aside.rename(source)
            problem = wait_problem(inside, "disk_full", "inbox/anna/film.mkv")
        assert "was not taken in" in problem.message
        assert source.read_bytes() == wanted
        assert list((data / "uploads").iterdir()) == []
        disk.make_room()
        wait_for(lambda: not source.exists(), what="the file to leave the inbox")
        [archive] = inside.ask("archive/list")["archives"]
        assert inside.local_bytes(archive["id"]) == wanted
        assert inside.app.db.table("uploads").ids() == []
        wait_no_problem(inside)


@pytest.mark.parametrize("moment", ["before", "in the middle"])
def test_a_restore_waits_for_room_and_ends_right(data: Path, remote: Path, make_disk: MakeDisk, moment: str) -> None:
    disk = make_disk(data, 24)
    sent = content(6 << 20)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        if moment == "before":
            disk.fill(leave_kib=1024)
        with at_operation(lambda each: each.kind == "write" and each.path.name == ".restoring", disk.fill):
            inside.ask("archive/restore", archive=archive_id)
            problem = wait_problem(inside, "disk_full", "transfer-store")
        assert "restoring file.bin" in problem.message
        assert not inside.show(archive_id)["local"]
        disk.make_room()
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == sent
        wait_no_problem(inside)


def test_an_upload_whose_ledger_is_on_a_full_disk_goes_on_once_there_is_room(data: Path, remote: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(data, 24)
    sent = content(2 << 20)
    with Inside(data, batch_bytes=4096) as inside:
        inside.connect(remote)
        archive_id = inside.begin(sent)
        with at_operation(lambda each: each.kind == "rename" and each.path.name.endswith(".00000003.part"), disk.fill):
            commit(inside, archive_id, sent)
            wait_problem(inside, "disk_full", "transfer-store")
        disk.make_room()
        inside.wait_remote(archive_id)
        wait_no_problem(inside)
        folder = inside.remote_folder(remote, archive_id)
        assert b"".join(path.read_bytes() for path in sorted(folder.glob("0*"))) == sent


def test_a_rename_that_does_not_fit_into_the_catalog_changes_nothing_and_says_why(data: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(data, 24)
    with Inside(data) as inside:
        archive_id = inside.put(b"abc", title="Before")
        # The ledger still takes the title; the catalog does not.
        with (
            at_operation(lambda each: each.kind == "write" and each.path.parent.name == "ledger", disk.fill),
            pytest.raises(DiskFull, match="disk of the catalog is full; free some space"),
        ):
            inside.ask("archive/rename", archive=archive_id, title=LONG_TITLE)
        problem = wait_problem(inside, "disk_full", "disk")
        assert "free" in problem.message
        assert inside.show(archive_id)["title"] == "Before"
        disk.make_room()
        wait_no_problem(inside)
    with Inside(data) as inside:
        assert inside.show(archive_id)["title"] == inside.app.library.ledger(archive_id).title == "Before"
        assert inside.ask("archive/rename", archive=archive_id, title=LONG_TITLE)["title"] == LONG_TITLE


def test_a_full_remote_is_said_and_goes_on_once_there_is_room(data: Path, remote: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(remote, 8)
    sent = content(4 << 20)
    with Inside(data, batch_bytes=1 << 20) as inside:
        connection_id = inside.connect(remote)
        disk.fill(leave_kib=1536)
        archive_id = inside.put(sent)
        problem = wait_problem(inside, "remote_full", connection_id)
        assert "make room there" in problem.message
        assert problem.needs_you
        assert inside.show(archive_id)["rung"] in {"received", "partial"}
        disk.make_room()
        inside.wait_remote(archive_id)
        wait_no_problem(inside)
        folder = inside.remote_folder(remote, archive_id)
        assert b"".join(path.read_bytes() for path in sorted(folder.glob("0*"))) == sent
        assert json.loads((folder / "manifest.json").read_text())["size_bytes"] == len(sent)


def test_a_disk_that_is_nearly_full_is_said_before_it_is(data: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(data, 24)
    with Inside(data) as inside:
        disk.fill(leave_kib=2000)
        assert not wait_problem(inside, "disk_low", "disk").needs_you
        assert standing(inside, "disk_full") is None
        disk.make_room()
        wait_no_problem(inside)


def test_a_small_disk_that_gets_short_of_space_makes_room_by_itself_and_takes_in_more_than_it_holds(
    data: Path, remote: Path, make_disk: MakeDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.housekeeping._ROOM_EVERY_S", 0.1)
    make_disk(data, 24)
    with Inside(data, batch_bytes=1 << 20, keep_free_mib=10) as inside:
        inside.connect(remote)
        ids = []
        for seed in range(8):  # 40 MiB in all
            archive_id = inside.put(content(5 << 20, seed), f"film-{seed}")
            ids.append(archive_id)
            inside.wait_remote(archive_id)
            assert inside.job("integrity/verify", archives=[archive_id], read_back=True)["state"] == "done"
            wait_for(lambda: store_disk(inside.app.folder, 0).free_bytes >= 10 << 20, what="room to be made")
        local = [inside.show(each)["local"] for each in ids]
        assert local == [False] * (8 - sum(local)) + [True] * sum(local)
        assert sum(local) == 2
        wait_no_problem(inside)
        inside.ask("archive/restore", archive=ids[0])
        inside.wait_local(ids[0])
        assert inside.local_bytes(ids[0]) == content(5 << 20, 0)


def test_a_file_that_would_fill_the_disk_of_the_catalog_is_refused_though_the_store_has_room(
    data: Path, remote: Path, make_disk: MakeDisk
) -> None:
    card = make_disk(data, 32)
    make_disk(data / "store", 64)
    with Inside(data, batch_bytes=BATCH, reserve_mib=8) as inside:
        inside.connect(remote)
        with pytest.raises(DiskFull, match=rf"can be used on the disk of {data} "):
            inside.begin(content(30 << 20))
        archive_id = inside.put(content(1 << 20))
        card.fill(leave_kib=2000)
        problem = wait_problem(inside, "disk_full", "data")
        assert f"the disk of {data} (not that of the store)" in problem.message
        assert standing(inside, "disk_full") == problem
        inside.wait_remote(archive_id)  # what is here already is carried on
        card.make_room()
        wait_no_problem(inside)


def test_a_card_that_becomes_read_only_is_said_and_with_a_mended_one_everything_goes_on(
    data: Path, remote: Path, make_disk: MakeDisk, make_usb_disk: MakeUsbDisk
) -> None:
    card, sent = make_usb_disk(data), content(2 << 20)
    store = make_disk(data / "store", 24)
    with Inside(data, batch_bytes=BATCH, upload_limit_kb_per_s=1000) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        card.fail()
        problem = wait_problem(inside, "data_read_only", "data")
        assert "has become read-only" in problem.message
        assert problem.needs_you
        with pytest.raises(ApplianceError, match="Read-only file system"):
            inside.ask("archive/rename", archive=archive_id, title="New")
    store.unmount()
    card.mend()
    store.mount()
    with Inside(data, batch_bytes=BATCH) as inside:
        assert inside.wait_remote(archive_id)["title"] == "file.bin"
        assert inside.local_bytes(archive_id) == sent
        wait_no_problem(inside)


def test_a_disk_that_has_no_room_for_more_files_is_said_refuses_them_and_goes_on_by_itself(
    data: Path, make_usb_disk: MakeUsbDisk, remote: Path
) -> None:
    make_usb_disk(data)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(content(1000))
        small = data / "small"
        small.mkdir()
        left = os.statvfs(data).f_favail
        for number in range(left - 150):
            (small / str(number)).touch()
        assert "fewer than 200 more (inodes)" in wait_problem(inside, "disk_full", "disk").message
        with pytest.raises(DiskFull, match=r"more can be made \(inodes\)"):
            inside.begin(b"one more")
        for number in range(150):
            (small / f"all-{number}").touch()
        inside.ask("archive/rename", archive=archive_id, title="needs no new file")
        wait_for(lambda: not inside.app.engine.moving)
        shutil.rmtree(small)
        wait_no_problem(inside)
        assert inside.wait_remote(inside.put(content(1000, 2)))["title"]
        assert inside.wait_remote(archive_id)["title"] == "needs no new file"
