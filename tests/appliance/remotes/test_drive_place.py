"""The folder of a connection on Google Drive: found by id or marks, made once, and written to by one appliance at a time."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from appliance.errors import BadRequest, RemoteAway, RemoteForeign, RemoteRefused
from appliance.remotes.drive import open_drive
from appliance.remotes.drive_tokens import Credentials
from appliance.remotes.layout import readme
from tests.appliance.remotes.rigs import CountingGate, DriveRig, Reader, put
from tests.fakes.drive import FakeDrive

NAME = "00000000"


def word(rig: DriveRig) -> str:
    return str(json.loads(rig.fake.content(rig.fake.named("owner.json").id))["epoch"])


def names(rig: DriveRig) -> list[str]:
    return sorted(file.name for file in rig.fake.files.values())


def requests(rig: DriveRig) -> int:
    return sum(rig.fake.requests.values())


# The top folder


def test_a_remote_that_is_opened_asks_nothing(tmp_path: Path) -> None:
    with FakeDrive(tmp_path / "drive") as fake:
        credentials = Credentials.from_text(json.dumps(fake.account()))
        remote = open_drive(credentials, fake.root, "appliance-1", lambda _: pytest.fail("no epoch is needed yet"), None)
        assert remote.account() is None
        assert fake.requests == {}


def test_what_lies_there_is_what_the_contract_says_and_all_of_it_is_marked(drive_rig: DriveRig) -> None:
    assert names(drive_rig) == ["PyArchive", "README.txt", "appliance-1", "owner.json"]
    files = drive_rig.fake.files
    top, home, owner, text = (drive_rig.fake.named(name) for name in ("PyArchive", "appliance-1", "owner.json", "README.txt"))
    assert (home.parents, owner.parents, text.parents) == ([top.id], [home.id], [top.id])
    assert {file.name: file.app_properties["pyarchive_role"] for file in files.values()} == {
        "PyArchive": "top", "README.txt": "readme", "appliance-1": "appliance", "owner.json": "owner",
    }  # fmt: skip
    assert [file.app_properties.get("pyarchive_appliance") for file in (top, home, owner, text)] == [
        None,
        "appliance-1",
        "appliance-1",
        None,
    ]
    assert drive_rig.fake.content(text.id) == readme()
    assert json.loads(drive_rig.fake.content(owner.id)).keys() == {"format", "version", "appliance_id", "epoch"}


def test_the_folder_is_found_again_whatever_it_is_called_now_and_wherever_it_lies(drive_rig: DriveRig) -> None:
    drive_rig.drive._api.change(drive_rig.folder_id, {"name": "my backups"}, "renaming")
    assert drive_rig.opened(None).create() == drive_rig.folder_id
    assert drive_rig.opened(None, "appliance-2").create() == drive_rig.folder_id
    assert drive_rig.opened(drive_rig.folder_id).create() == drive_rig.folder_id


def test_finding_the_folder_changes_nothing_in_it(drive_rig: DriveRig) -> None:
    before = drive_rig.fake.files
    drive_rig.opened(None, "appliance-2").create()
    assert drive_rig.fake.files == before


def test_of_two_folders_the_older_one_is_used_and_that_is_said(drive_rig: DriveRig, caplog: pytest.LogCaptureFixture) -> None:
    drive_rig.fake.duplicate(drive_rig.folder_id)
    with caplog.at_level(logging.WARNING):
        assert drive_rig.opened(None).create() == drive_rig.folder_id
    assert "several folders" in caplog.text


def test_a_folder_in_the_trash_is_taken_out_of_it_before_another_one_is_made(drive_rig: DriveRig) -> None:
    drive_rig.fake.trash(drive_rig.folder_id)
    assert drive_rig.opened(None).create() == drive_rig.folder_id
    assert not drive_rig.fake.files[drive_rig.folder_id].trashed


def test_a_folder_that_the_client_cannot_see_is_refused_with_the_reason(drive_rig: DriveRig) -> None:
    another = open_drive(
        Credentials.from_text(json.dumps(drive_rig.fake.account("another-client"))), drive_rig.fake.root, "appliance-1",
        lambda _: pytest.fail("nothing is decided"), drive_rig.folder_id,
    )  # fmt: skip
    with pytest.raises(RemoteRefused, match=r"drive\.file a client sees only what it made itself.*sign in with"):
        another.create()


@pytest.mark.parametrize("name", ["owner.json", "appliance-1", "README.txt"])
def test_what_is_no_folder_for_a_connection_is_refused(drive_rig: DriveRig, name: str) -> None:
    with pytest.raises(RemoteRefused, match="leave the id out"):
        drive_rig.opened(drive_rig.fake.named(name).id).create()


@pytest.mark.parametrize("folder_id", ["", "x", "../x", "a/b", "x" * 500, "root'"])
def test_what_is_no_id_is_refused_before_anything_is_asked(drive_rig: DriveRig, folder_id: str) -> None:
    before = requests(drive_rig)
    with pytest.raises(BadRequest):
        drive_rig.opened(folder_id).create()
    assert requests(drive_rig) == before


def test_a_folder_that_the_client_made_for_something_else_can_be_joined_by_its_id(drive_rig: DriveRig) -> None:
    (made,) = drive_rig.drive._api.new_ids(1)
    drive_rig.drive._api.make({"id": made, "name": "second", "mimeType": "application/vnd.google-apps.folder"}, None, "making")
    remote = drive_rig.opened(made)
    assert remote.create() == made
    remote.prepare()
    assert drive_rig.fake.files[made].app_properties == {"pyarchive_role": "top"}


def test_two_folders_of_one_account_do_not_see_each_others_objects(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(b"first"))
    (made,) = drive_rig.drive._api.new_ids(1)
    drive_rig.drive._api.make({"id": made, "name": "second", "mimeType": "application/vnd.google-apps.folder"}, None, "making")
    second = drive_rig.opened(made)
    second.create()
    second.prepare()
    theirs = put(second, NAME, Reader(b"second"))
    assert list(drive_rig.remote.list_all(CountingGate())) == [stored]
    assert list(second.list_all(CountingGate())) == [theirs]
    with pytest.raises(RemoteRefused):
        second.trash(stored.remote_id)


@pytest.mark.parametrize("lag_s", [0, 3600])
@pytest.mark.parametrize("times", range(1, 5))
def test_what_was_made_but_whose_answer_was_lost_is_not_made_twice(tmp_path: Path, times: int, lag_s: float) -> None:
    with FakeDrive(tmp_path / "drive") as fake:
        fake.lag(seconds=lag_s)
        fake.fault("lost_answer", match="create", times=times)
        remote = DriveRig.opened(_unmade(tmp_path, fake), None)
        for act in (remote.create, remote.prepare):
            for _ in range(times + 1):
                try:
                    act()
                except RemoteAway:
                    continue
        assert sorted(file.name for file in fake.files.values()) == ["PyArchive", "README.txt", "appliance-1", "owner.json"]


def _unmade(folder: Path, fake: FakeDrive) -> DriveRig:
    """A rig before it made anything."""
    rig = DriveRig.__new__(DriveRig)
    rig.fake, rig.credentials, rig._epochs = fake, Credentials.from_text(json.dumps(fake.account())), folder / "epochs.json"
    return rig


def test_a_search_that_lags_behind_makes_nothing_twice_within_a_process(tmp_path: Path) -> None:
    with FakeDrive(tmp_path / "drive") as fake:
        fake.lag(seconds=3600)
        rig = DriveRig(tmp_path, fake)
        for name in (NAME, "00000001"):
            put(rig.remote, name, Reader(b"x"))
            rig.minute_passes()
        rig.drive.take_over()
        rig.drive.prepare()
        assert names(rig) == ["00000000", "00000001", "PyArchive", "README.txt", "appliance-1", "archive-0001", "owner.json"]


def test_what_a_search_did_not_know_yet_and_was_made_twice_is_read_and_written_all_the_same(tmp_path: Path) -> None:
    with FakeDrive(tmp_path / "drive") as fake:
        rig = DriveRig(tmp_path, fake)
        first = put(rig.remote, NAME, Reader(b"x"))
        fake.lag(seconds=3600)
        again = rig.restarted()
        second = put(again, "00000001", Reader(b"y"))
        fake.lag()
        assert names(rig).count("owner.json") == 2
        again._place._looked_at_s -= 61
        again.check()
        assert [each.remote_id for each in again.list_all(CountingGate())] == [first.remote_id, second.remote_id]
        later = rig.restarted()
        later.check()
        assert [each.remote_id for each in later.list_all(CountingGate())] == [first.remote_id, second.remote_id]


# Whose it is


def test_a_look_whose_it_is_is_taken_once_a_minute_and_costs_nothing_in_between(drive_rig: DriveRig) -> None:
    drive_rig.drive.check()
    before = requests(drive_rig)
    for _ in range(10):
        drive_rig.drive.check()
    assert requests(drive_rig) == before
    drive_rig.minute_passes()
    drive_rig.drive.check()
    assert 1 <= requests(drive_rig) - before <= 2


def test_a_look_changes_nothing_where_nothing_was_prepared_yet(drive_rig: DriveRig) -> None:
    other = drive_rig.opened(drive_rig.folder_id, "appliance-2")
    before = drive_rig.fake.files
    other.check()
    assert drive_rig.fake.files == before


def test_the_epoch_changes_once_a_process(drive_rig: DriveRig) -> None:
    first = word(drive_rig)
    drive_rig.drive.prepare()
    assert word(drive_rig) == first
    again = drive_rig.opened(drive_rig.folder_id)
    put(again, NAME, Reader(b"x"))
    second = word(drive_rig)
    assert second != first
    again.prepare()
    assert word(drive_rig) == second


def test_of_a_card_and_its_clone_the_one_that_comes_later_stops_the_other(drive_rig: DriveRig) -> None:
    clone = drive_rig._epochs.with_name("clone.json")
    clone.write_bytes(drive_rig._epochs.read_bytes())
    drive_rig.opened(drive_rig.folder_id, epochs=clone).prepare()
    drive_rig.minute_passes()
    with pytest.raises(RemoteForeign, match="taken over by another appliance"):
        put(drive_rig.remote, NAME, Reader(b"x"))
    assert NAME not in names(drive_rig)


def test_who_takes_over_writes_and_the_former_owner_stops_at_its_next_look(drive_rig: DriveRig) -> None:
    another = drive_rig.opened(drive_rig.folder_id, epochs=drive_rig._epochs.with_name("another.json"))
    with pytest.raises(RemoteForeign):
        another.prepare()
    another.take_over()
    put(another, NAME, Reader(b"x"))
    drive_rig.minute_passes()
    with pytest.raises(RemoteForeign):
        drive_rig.drive.check()
    drive_rig.drive.take_over()
    drive_rig.drive.check()
    assert names(drive_rig).count("owner.json") == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"epoch": 5}', b'{"epoch": ""}', b"\xff" * 100_000])
def test_an_owner_file_that_cannot_be_understood_is_not_ours(drive_rig: DriveRig, content: bytes) -> None:
    drive_rig.drive._api.change(drive_rig.fake.named("owner.json").id, {}, "harming", content)
    drive_rig.minute_passes()
    with pytest.raises(RemoteForeign):
        drive_rig.drive.check()
    drive_rig.drive.take_over()
    drive_rig.drive.check()


def test_an_owner_file_that_was_deleted_or_trashed_is_there_again_before_the_next_batch(drive_rig: DriveRig) -> None:
    drive_rig.fake.delete(drive_rig.fake.named("owner.json").id)
    drive_rig.minute_passes()
    put(drive_rig.remote, NAME, Reader(b"x"))
    drive_rig.fake.trash(drive_rig.fake.named("owner.json").id)
    drive_rig.restarted()
    assert not drive_rig.fake.named("owner.json").trashed


def test_appliances_that_share_a_folder_each_have_their_own_place_in_it(drive_rig: DriveRig) -> None:
    other = drive_rig.opened(drive_rig.folder_id, "appliance-2")
    other.prepare()
    stored, theirs = put(drive_rig.remote, NAME, Reader(b"ours")), put(other, "00000001", Reader(b"theirs"))
    assert drive_rig.remote.list_appliances() == ["appliance-1", "appliance-2"] == other.list_appliances()
    assert list(drive_rig.remote.list_all(CountingGate())) == [stored]
    assert list(other.list_all(CountingGate())) == [theirs]
    assert names(drive_rig).count("README.txt") == 1


def test_the_readme_is_renewed_when_this_version_has_another(drive_rig: DriveRig) -> None:
    text = drive_rig.fake.named("README.txt").id
    drive_rig.drive._api.change(text, {}, "harming", readme()[:-2] + b"!\n")
    drive_rig.restarted()
    assert drive_rig.fake.content(text) == readme()


def test_a_connection_without_a_folder_yet_says_what_to_do(drive_rig: DriveRig) -> None:
    with pytest.raises(RemoteRefused, match="connection validate"):
        drive_rig.opened(None).check()
