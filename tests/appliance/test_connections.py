"""Connections: what is asked of a remote before it is trusted, and what it may not take with it when it goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, BadRequest, Conflict, Refused, RemoteError, RemoteForeign
from tests.inside import Inside
from tests.waiting import wait_for

MIB = 1 << 20


def test_a_connection_that_was_not_validated_cannot_be_activated(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with Inside(tmp_path / "data") as inside:
        connection_id = inside.ask("connection/add", kind="folder", name="disk", path=str(tmp_path / "disk"))["id"]
        with pytest.raises(Conflict, match="not valid"):
            inside.ask("connection/activate", connection=connection_id)


def test_a_new_name_of_a_connection_is_told_with_each_archive_that_is_there(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        connection_id = inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * 1000)
        inside.wait_remote(archive_id)
        topic = f"pyarchive/{inside.app.folder.appliance_id}/archive/{archive_id}/state"
        wait_for(lambda: b'"rung":"remote"' in inside.outbox.retained.get(topic, b"").replace(b" ", b""), what="the state to be told")
        inside.ask("connection/rename", connection=connection_id, name="drawer")
        assert inside.ask("archive/list")["archives"][0]["placements"][0]["connection_name"] == "drawer"
        wait_for(lambda: b"drawer" in inside.outbox.retained.get(topic, b""), what="the state to be told anew")


def test_a_folder_in_or_around_the_store_is_no_remote(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        for place in (inside.data / "store", inside.data):
            with pytest.raises(BadRequest, match="no second copy"):
                inside.ask("connection/add", kind="folder", name="x", path=str(place))


def test_validation_leaves_nothing_behind_and_reads_something_old(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        connection_id = inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * 1000)
        inside.wait_remote(archive_id)
        before = sorted(path.name for path in (tmp_path / "disk").rglob("*"))
        inside.ask("connection/validate", connection=connection_id)
        assert sorted(path.name for path in (tmp_path / "disk").rglob("*")) == before
        inside.ask("transfer/pause")
        (inside.remote_folder(tmp_path / "disk", archive_id) / "00000000").write_bytes(b"y" * 1000)
        with pytest.raises(RemoteError, match="not as it was stored"):
            inside.ask("connection/validate", connection=connection_id)


def test_a_remote_with_the_epoch_of_another_appliance_is_not_written_to(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        connection_id = inside.connect(tmp_path / "disk")
        owner = tmp_path / "disk" / inside.app.folder.appliance_id / "owner.json"
        owner.write_text(json.dumps({**json.loads(owner.read_text()), "epoch": "somebody else"}))
        archive_id = inside.put(b"x")
        wait_for(lambda: RemoteForeign.code in inside.problems())
        assert not inside.remote_folder(tmp_path / "disk", archive_id).exists()
        assert not inside.ask("connection/show", connection=connection_id)["valid"]
        assert inside.ask("transfer/list")["waiting_total"] == 1


def test_removing_a_connection_with_the_only_copy_of_anything_is_refused_with_their_number(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        connection_id = inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * 100)
        inside.wait_remote(archive_id)
        inside.job("archive/release", archive=archive_id)
        with pytest.raises(Refused, match=r"1 archive \(100 bytes\) has its only copy there: 'file.bin'; restore it first"):
            inside.ask("connection/remove", connection=connection_id)
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        inside.ask("connection/remove", connection=connection_id)
        assert inside.show(archive_id)["rung"] == "received"
        assert (inside.remote_folder(tmp_path / "disk", archive_id) / "manifest.json").exists()


def test_whether_a_batch_is_remote_is_answered_per_connection(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        first = inside.connect(tmp_path / "one", "one")
        archive_id = inside.put(b"x" * 3 * MIB)
        inside.wait_remote(archive_id)
        second = inside.connect(tmp_path / "two", "two")
        wait_for(lambda: placements(inside, archive_id).get(second) in {"remote", "proven"})
        assert placements(inside, archive_id)[first] in {"remote", "proven"}
        shutil.rmtree(inside.remote_folder(tmp_path / "one", archive_id))
        assert inside.job("archive/release", archive=archive_id)["state"] == "done"


def test_a_connection_that_comes_back_to_the_same_folder_sends_nothing_again(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        connection_id = inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * MIB)
        inside.wait_remote(archive_id)
        batch = inside.remote_folder(tmp_path / "disk", archive_id) / "00000000"
        before = batch.stat()
        inside.ask("connection/remove", connection=connection_id)
        inside.connect(tmp_path / "disk")
        inside.wait_remote(archive_id)
        assert (batch.stat().st_ino, batch.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def placements(inside: Inside, archive_id: str) -> dict[str, str]:
    return {placement["connection_id"]: placement["rung"] for placement in inside.show(archive_id)["placements"]}


def test_two_connections_do_not_share_a_name(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "one", "disk")
        (tmp_path / "two").mkdir()
        with pytest.raises(ApplianceError, match="exists already"):
            inside.ask("connection/add", kind="folder", name="disk", path=str(tmp_path / "two"))
        assert inside.ask("connection/add", kind="folder", name="other", path=str(tmp_path / "two"))["id"]
