"""Checks find damage on either side, say it, and it is mended from the good side."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
CONTENT = random.Random(5).randbytes(4 * BATCH + 5)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "disk"


@pytest.fixture
def inside(tmp_path: Path, remote: Path) -> Any:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as running:
        running.connect(remote)
        yield running


def flip(path: Path, at: int) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 0x40
    path.write_bytes(damaged)


def local_file(inside: Inside, archive_id: str) -> Path:
    return inside.data / "store" / archive_id / "file.bin"


def test_a_clean_check_says_so_and_a_read_back_proves_the_archive(inside: Inside) -> None:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    job = inside.job("integrity/verify", read_back=True)
    assert job["state"] == "done"
    assert (job["result"]["damage_left"], job["result"]["unknown"]) == (0, [])
    state = inside.show(archive_id)
    assert state["rung"] == "proven"
    assert state["placements"][0]["proven_at"] is not None


def test_local_damage_is_found_and_mended_from_the_remote_batch_by_batch(inside: Inside) -> None:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    flip(local_file(inside, archive_id), 2 * BATCH + 1)
    job = inside.job("integrity/verify", archives=[archive_id], local=True, repair=True)
    assert [(f["batch_index"], f["where"], f["repaired"]) for f in job["result"]["findings"]] == [(2, "local", True)]
    assert job["result"]["damage_left"] == 0
    assert local_file(inside, archive_id).read_bytes() == CONTENT
    assert inside.show(archive_id)["health"] == "ok"


def test_without_repair_the_damage_is_left_counted(inside: Inside) -> None:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    inside.ask("transfer/pause")
    flip(local_file(inside, archive_id), 0)
    job = inside.job("integrity/verify", local=True)
    assert job["result"]["damage_left"] == 1
    assert inside.show(archive_id)["health"] == "damaged"


@pytest.mark.parametrize("harm", ["flip", "delete", "truncate"])
def test_remote_damage_is_found_and_mended_from_the_local_copy(inside: Inside, remote: Path, harm: str) -> None:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    batch = inside.remote_folder(remote, archive_id) / "00000003"
    good = batch.read_bytes()
    if harm == "delete":
        batch.unlink()
    elif harm == "flip":
        flip(batch, 9)
    else:
        batch.write_bytes(good[:-1])
    job = inside.job("integrity/verify", remote=True, repair=True)
    assert [(f["batch_index"], f["repaired"]) for f in job["result"]["findings"]] == [(3, True)]
    assert batch.read_bytes() == good
    assert inside.wait_remote(archive_id)


def test_a_lost_manifest_is_found_and_written_again(inside: Inside, remote: Path) -> None:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    manifest = inside.remote_folder(remote, archive_id) / "manifest.json"
    good = manifest.read_bytes()
    manifest.unlink()
    assert inside.job("integrity/verify", remote=True, repair=True)["result"]["damage_left"] == 0
    assert manifest.read_bytes() == good


def test_damage_on_both_sides_of_one_batch_is_lost_and_a_person_is_told(inside: Inside, remote: Path) -> None:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    inside.ask("transfer/pause")
    flip(local_file(inside, archive_id), BATCH)
    flip(inside.remote_folder(remote, archive_id) / "00000001", 0)
    inside.job("integrity/verify")
    inside.ask("transfer/resume")
    wait_for(lambda: inside.show(archive_id)["health"] == "lost")
    assert inside.app.states.appliance().counts.lost == 1


def test_a_batch_damaged_before_its_upload_is_never_stored_as_if_it_were_right(inside: Inside, remote: Path) -> None:
    inside.ask("transfer/pause")
    archive_id = inside.put(CONTENT)
    flip(local_file(inside, archive_id), BATCH)
    inside.ask("transfer/resume")
    wait_for(lambda: "damaged" in inside.problems())
    wait_for(lambda: inside.show(archive_id)["batches_stored"] == 4)
    assert not (inside.remote_folder(remote, archive_id) / "00000001").exists()
    assert inside.show(archive_id)["health"] == "lost"
    assert inside.show(archive_id)["rung"] == "partial"


def test_a_remote_that_does_not_answer_is_unknown_and_nothing_follows_from_it(inside: Inside, remote: Path) -> None:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    remote.rename(remote.with_name("unplugged"))
    job = inside.job("integrity/verify", remote=True)
    assert job["result"]["findings"] == []
    assert len(job["result"]["unknown"]) == 1
    assert inside.show(archive_id)["rung"] == "remote"
    remote.with_name("unplugged").rename(remote)
    assert inside.job("integrity/verify", remote=True)["result"]["unknown"] == []


def test_what_no_ledger_knows_is_listed_and_kept_and_can_be_adopted(inside: Inside, remote: Path) -> None:
    archive_id = inside.put(CONTENT, title="Known")
    inside.wait_remote(archive_id)
    copied = inside.remote_folder(remote, archive_id).with_name("stranger-0001")
    copied.mkdir()
    (copied / "00000000").write_bytes(b"no manifest")
    (inside.data / "store" / "unclaimed-0001").mkdir()
    (inside.data / "store" / "unclaimed-0001" / "old.bin").write_bytes(b"old")
    found = inside.job("integrity/orphans")["result"]["orphans"]
    assert {(o["archive_id"], o["adopted"]) for o in found} == {("stranger-0001", False), ("unclaimed-0001", False)}
    found = inside.job("integrity/orphans", adopt=True)["result"]["orphans"]
    assert {o["archive_id"]: o["adopted"] for o in found} == {"stranger-0001": False, "unclaimed-0001": True}
    assert inside.local_bytes("unclaimed-0001") == b"old"
    assert (copied / "00000000").read_bytes() == b"no manifest"


def test_an_archive_only_the_remote_knows_is_adopted_from_its_manifest_and_can_be_restored(tmp_path: Path, remote: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(CONTENT, title="Carried", owner="anna")
        inside.wait_remote(archive_id)
        inside.ask("transfer/pause")
        inside.app.library.forget(archive_id, {})  # as after the loss of catalog, ledger and store
        shutil.rmtree(inside.data / "store" / archive_id)
        assert inside.job("integrity/orphans", adopt=True)["result"]["orphans"][0]["archive_id"] == archive_id
        state = inside.show(archive_id)
        assert (state["title"], state["owner"], state["local"], state["rung"]) == ("Carried", "anna", False, "remote")
        inside.ask("transfer/resume")
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == CONTENT


def test_a_local_copy_without_an_entry_gets_its_title_back_from_the_remotes_manifest(inside: Inside, remote: Path) -> None:
    archive_id = inside.put(CONTENT, title="Carried", owner="anna")
    inside.wait_remote(archive_id)
    inside.app.library.forget(archive_id, {})
    batch = inside.remote_folder(remote, archive_id) / "00000000"
    before = batch.stat().st_mtime_ns
    assert inside.job("integrity/orphans", adopt=True)["result"]["orphans"][0]["adopted"]
    state = inside.wait_remote(archive_id)
    assert (state["title"], state["owner"], state["local"]) == ("Carried", "anna", True)
    assert batch.stat().st_mtime_ns == before
