"""The main job, inside one process: a file handed in reaches the remote, is released, restored, removed, taken back."""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, BadRequest, Conflict, NotFound, NotLocal, Refused
from appliance.placement import Placement
from appliance.spaces import store_disk
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


def content(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote"


def test_a_file_handed_in_reaches_the_remote_byte_for_byte_in_the_layout_of_the_contract(data: Path, remote: Path) -> None:
    sent = content(3 * BATCH + 17)
    with Inside(data, batch_bytes=BATCH) as inside:
        connection_id = inside.connect(remote)
        archive_id = inside.put(sent, "film.mkv", title="Holiday", owner="anna")
        state = inside.wait_remote(archive_id)
        folder = inside.remote_folder(remote, archive_id)
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["00000000", "00000001", "00000002", "00000003", "manifest.json"]
        assert b"".join((folder / name).read_bytes() for name in names[:4]) == sent
        manifest = json.loads((folder / "manifest.json").read_text())
        assert (manifest["title"], manifest["file_name"], manifest["owner"]) == ("Holiday", "film.mkv", "anna")
        assert manifest["sha256"] == hashlib.sha256(sent).hexdigest() == state["sha256"]
        assert (remote / "README.txt").exists()
        assert (folder.parent / "owner.json").exists()
        assert state["batches_stored"] == state["batches_total"] == 4
        assert state["at_risk_bytes"] == 0
        assert state["placements"][0]["connection_id"] == connection_id


def test_release_frees_the_local_copy_and_restore_brings_it_back_right(data: Path, remote: Path) -> None:
    sent = content(5 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        assert not (data / "store" / archive_id).exists()
        with pytest.raises(NotLocal, match="pyarchive restore"):
            inside.ask("archive/locate", archive=archive_id)
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == sent
        assert [path.name for path in (data / "store" / archive_id).iterdir()] == ["file.bin"]


def test_an_empty_file_is_an_archive_that_can_be_released_and_comes_back(data: Path, remote: Path) -> None:
    with Inside(data) as inside:
        inside.connect(remote)
        archive_id = inside.put(b"", "empty.txt")
        state = inside.wait_remote(archive_id)
        assert state["batches_total"] == 1
        inside.release(archive_id)
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == b""


def test_a_release_is_refused_while_the_only_copy_is_here(data: Path, remote: Path) -> None:
    with Inside(data) as inside:
        archive_id = inside.put(content(1000))
        job = inside.job("archive/release", archive=archive_id)
        assert job["state"] == "failed"
        assert job["error"]["code"] == Refused.code
        assert "only copy is here" in job["error"]["message"]
        assert inside.local_bytes(archive_id) == content(1000)


@pytest.mark.parametrize("harm", ["flip", "delete", "truncate", "manifest"])
def test_a_release_is_refused_when_a_fresh_listing_does_not_find_all_of_it_right(data: Path, remote: Path, harm: str) -> None:
    sent = content(2 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.ask("transfer/pause")
        folder = inside.remote_folder(remote, archive_id)
        batch = folder / ("manifest.json" if harm == "manifest" else "00000001")
        if harm == "delete":
            batch.unlink()
        else:
            stored = bytearray(batch.read_bytes())
            stored[7] ^= 1
            batch.write_bytes(stored[:-1] if harm == "truncate" else stored)
        job = inside.job("archive/release", archive=archive_id)
        assert job["state"] == "failed"
        assert inside.local_bytes(archive_id) == sent


def test_a_restart_goes_on_where_the_last_run_ended(data: Path, remote: Path) -> None:
    sent = content(40 * BATCH)
    with Inside(data, batch_bytes=BATCH, upload_limit_kb_per_s=2000) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        wait_for(lambda: inside.show(archive_id)["batches_stored"] >= 3)
    with Inside(data, batch_bytes=BATCH) as inside:
        assert inside.show(archive_id)["batches_stored"] >= 3
        inside.wait_remote(archive_id)
        inside.release(archive_id)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.ask("archive/restore", archive=archive_id)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == sent


def test_a_pause_holds_over_restarts_and_resume_ends_it(data: Path, remote: Path) -> None:
    with Inside(data) as inside:
        inside.connect(remote)
        inside.ask("transfer/pause")
    with Inside(data) as inside:
        archive_id = inside.put(content(1000))
        assert inside.show(archive_id)["waiting_for"] == "transfers are paused"
        assert inside.show(archive_id)["rung"] == "received"
        inside.ask("transfer/resume")
        inside.wait_remote(archive_id)


def test_a_pause_stops_a_batch_in_the_middle_within_a_second(data: Path, remote: Path) -> None:
    with Inside(data, upload_limit_kb_per_s=200) as inside:
        inside.connect(remote)
        inside.put(content(1 << 20))
        wait_for(lambda: inside.app.engine.moving)
        inside.ask("transfer/pause")
        wait_for(lambda: not inside.app.engine.moving, 1.0, "the slots to end")


def test_removal_can_be_undone_and_what_is_removed_is_not_listed(data: Path, remote: Path) -> None:
    sent = content(2 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.ask("archive/remove", archive=archive_id)
        assert inside.ask("archive/list")["total"] == 0
        assert inside.ask("archive/list", removed=True)["total"] == 1
        assert (data / "trash" / archive_id / "file.bin").exists()
        with pytest.raises(NotFound):
            inside.ask("archive/locate", archive=archive_id)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.ask("archive/undo", archive=archive_id)
        assert inside.local_bytes(archive_id) == sent
        assert inside.show(archive_id)["rung"] in {"remote", "proven"}
        with pytest.raises(Conflict, match="nothing to undo"):
            inside.ask("archive/undo", archive=archive_id)


def test_what_is_taken_back_while_the_appliance_starts_is_not_moved_into_the_trash_again(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        archive_id = inside.put(content(BATCH))
        inside.ask("archive/remove", archive=archive_id)
    move, undone = Placement._move, threading.Event()

    def take_back(placement: Placement) -> None:
        placement.undo(archive_id)
        undone.set()

    def slow_move(self: Placement, source: Path, target: Path) -> None:
        if target.parent.name == "trash":  # the start looks after what was removed, and somebody is faster
            threading.Thread(target=take_back, args=(self,)).start()
            undone.wait(0.5)
        move(self, source, target)

    monkeypatch.setattr(Placement, "_move", slow_move)
    with Inside(data, batch_bytes=BATCH) as inside:
        assert undone.wait(10)
        assert inside.local_bytes(archive_id) == content(BATCH)


def test_a_removal_past_its_undo_time_leaves_tombstones_and_only_those_objects_go_to_the_remotes_trash(data: Path, remote: Path) -> None:
    with Inside(data, batch_bytes=BATCH, undo_days=0, grace_days=0) as inside:
        inside.connect(remote)
        gone, kept = inside.put(content(2 * BATCH)), inside.put(content(2 * BATCH, 2), "kept.bin")
        inside.wait_remote(gone)
        inside.wait_remote(kept)
        stranger = inside.remote_folder(remote, gone) / "00000009"
        stranger.write_bytes(b"not ours")
        inside.ask("archive/remove", archive=gone)
        keeping = inside.app.housekeeper._keeping
        keeping.expire()
        assert len(inside.app.db.table("tombstones")) == 3
        assert keeping.tombstones.run() == 3
        assert stranger.read_bytes() == b"not ours"
        assert not (inside.remote_folder(remote, gone) / "00000000").exists()
        assert len(list(inside.remote_folder(remote, kept).iterdir())) == 3
        assert not (data / "trash" / gone).exists()
        assert not (data / "ledger" / gone).exists()


def test_nothing_on_a_remote_is_trashed_before_the_grace_time_is_over(data: Path, remote: Path) -> None:
    with Inside(data, batch_bytes=BATCH, undo_days=0, grace_days=7) as inside:
        inside.connect(remote)
        archive_id = inside.put(content(BATCH))
        inside.wait_remote(archive_id)
        inside.ask("archive/remove", archive=archive_id)
        keeping = inside.app.housekeeper._keeping
        keeping.expire()
        assert keeping.tombstones.run() == 0
        assert (inside.remote_folder(remote, archive_id) / "00000000").exists()


def test_a_renamed_archive_gets_a_new_manifest_and_keeps_its_file_name(data: Path, remote: Path) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(content(BATCH), "a.bin", title="Old")
        inside.wait_remote(archive_id)
        assert inside.ask("archive/rename", archive="Old", title="New\x1b ")["title"] == "New"
        manifest = inside.remote_folder(remote, archive_id) / "manifest.json"
        wait_for(lambda: manifest.exists() and json.loads(manifest.read_text())["title"] == "New")
        assert inside.ask("archive/locate", archive="New")["file_name"] == "a.bin"


def test_names_that_collide_are_two_archives_and_an_ambiguous_title_says_so(data: Path) -> None:
    with Inside(data) as inside:
        first, second = inside.put(b"one", "same.txt"), inside.put(b"two", "same.txt")
        assert (inside.local_bytes(first), inside.local_bytes(second)) == (b"one", b"two")
        with pytest.raises(Conflict, match="2 archives match"):
            inside.ask("archive/show", archive="same.txt")
        assert inside.ask("archive/show", archive=first[:10])["id"] == first


@pytest.mark.parametrize("harm", ["short", "long", "other"])
def test_what_arrives_other_than_announced_is_refused_and_nothing_stays(data: Path, harm: str) -> None:
    with Inside(data) as inside:
        sent = content(5000)
        archive_id = inside.begin(sent)
        path = data / "uploads" / archive_id
        path.write_bytes({"short": sent[:-1], "long": sent + b"x", "other": sent[:-1] + b"x"}[harm])
        digest = hashlib.sha256(sent).hexdigest()
        if harm == "other":
            inside.ask("archive/commit", archive_id=archive_id, sha256=digest)
            state = wait_for(lambda: (s := inside.ask("archive/upload", archive_id=archive_id))["state"] == "failed" and s)
            assert state["error"]["code"] == "damaged"
            assert not path.exists()
        else:
            with pytest.raises(BadRequest, match="announced with 5000 bytes"):
                inside.ask("archive/commit", archive_id=archive_id, sha256=digest)
        assert inside.ask("archive/list")["total"] == 0


def test_a_commit_that_is_repeated_makes_one_archive(data: Path) -> None:
    with Inside(data) as inside:
        archive_id = inside.put(b"once")
        inside.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(b"once").hexdigest())
        assert inside.ask("archive/list")["total"] == 1


def test_a_file_that_would_eat_the_reserve_is_refused_with_the_numbers(data: Path) -> None:
    with Inside(data, reserve_mib=0) as inside:
        free = store_disk(inside.app.folder, 0).free_bytes
        with pytest.raises(ApplianceError, match=r"needs .*B, and .*B can be used .* free") as refused:
            inside.ask("archive/begin", file_name="big", size_bytes=free + 1)
        assert refused.value.code == "disk_full"
        inside.ask("archive/begin", file_name="half", size_bytes=free * 2 // 3)
        with pytest.raises(ApplianceError, match="promised to files on their way in"):
            inside.ask("archive/begin", file_name="half", size_bytes=free * 2 // 3)


def test_an_announced_file_can_be_taken_back_and_then_leaves_nothing(data: Path) -> None:
    with Inside(data) as inside:
        archive_id = inside.begin(b"abc")
        inside.ask("archive/abort", archive_id=archive_id)
        inside.ask("archive/abort", archive_id=archive_id)
        assert list((data / "uploads").iterdir()) == []
        with pytest.raises(NotFound, match="hand the file in again"):
            inside.ask("archive/upload", archive_id=archive_id)


def test_a_file_still_open_for_writing_is_not_taken_in(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.intake.intake._WRITER_PATIENCE_S", 0.1)
    with Inside(data) as inside:
        archive_id = inside.begin(b"abc")
        with (data / "uploads" / archive_id).open("r+b"):
            inside.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(b"abc").hexdigest())
            state = wait_for(lambda: (s := inside.ask("archive/upload", archive_id=archive_id))["state"] == "failed" and s)
        assert "still open for writing" in state["error"]["message"]


def test_two_appliances_on_one_data_folder_are_refused_and_the_holder_is_named(data: Path) -> None:
    with Inside(data), pytest.raises(ApplianceError, match=f"in use by another appliance .process {os.getpid()}"):
        Inside(data)


def test_another_appliance_id_on_existing_data_is_refused(data: Path) -> None:
    with Inside(data, appliance_id="first-one"):
        pass
    with pytest.raises(ApplianceError, match="belongs to appliance first-one"):
        Inside(data, appliance_id="other-one")


@pytest.mark.parametrize(
    ("verb", "parameters", "words"),
    [
        ("archive/begin", {"file_name": "a", "size_bytes": -1}, "size_bytes"), ("archive/begin", {"file_name": "a"}, "size_bytes"),
        ("archive/begin", {"file_name": "a", "size_bytes": 1, "colour": 1}, "colour"), ("archive/list", {"limit": 10**9}, "limit"),
        ("archive/begin", {"file_name": "a", "size_bytes": 1, "owner": "../x"}, "no owner's name"), ("no/such", {}, "no request"),
        ("archive/commit", {"archive_id": "x", "sha256": "zz"}, "sha256"), ("archive/show", {"archive": ""}, "archive"),
        ("connection/add", {"kind": "folder", "name": "x", "path": "relative"}, "absolute"), ("_archive/list", {}, "no request"),
        ("settings/set", {"name": "nonsense", "value": 1}, "nonsense"), ("integrity/job", {"job_id": "x"}, "not known"),
    ],
)  # fmt: skip
def test_a_bad_request_names_what_is_wrong_and_changes_nothing(data: Path, verb: str, parameters: dict[str, object], words: str) -> None:
    with Inside(data) as inside:
        before = inside.app.db.table("archives").ids(), inside.app.db.table("uploads").ids(), inside.app.db.table("connections").ids()
        with pytest.raises(ApplianceError, match=words):
            inside.ask(verb, **parameters)
        assert before == (
            inside.app.db.table("archives").ids(),
            inside.app.db.table("uploads").ids(),
            inside.app.db.table("connections").ids(),
        )
