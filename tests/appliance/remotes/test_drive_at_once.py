"""What is no larger than a piece goes to Google Drive in one request: once, right, and nothing of it where it broke off."""

from __future__ import annotations

import os
from typing import Any

import pytest

from appliance.errors import LocalDamaged, RemoteAway, RemoteBusy, RemoteDamaged, RemoteError, Stopped
from appliance.remotes.layout import MANIFEST_NAME
from appliance.remotes.remote import PIECE_BYTES
from tests.appliance.remotes.rigs import ARCHIVE, CountingGate, DriveRig, Reader, Sessions, planned, put
from tests.fakes.drive_words import Kind, Operation

CONTENT = os.urandom(3000) + b"\r\n--\r\n\r\n" + os.urandom(3000)
CHANGED = b"changed " + CONTENT
NAME = "00000000"
LONELY = "archive-0002"


def manifests(rig: DriveRig) -> list[bytes]:
    """The contents of all of them, trashed or not."""
    return [rig.fake.content(file.id) for file in rig.fake.files.values() if file.name == MANIFEST_NAME]


def requests_of(rig: DriveRig, before: dict[Operation, int]) -> dict[str, int]:
    after = rig.fake.requests
    return {each: after[each] - before.get(each, 0) for each in after if after[each] != before.get(each, 0)}


def begun(rig: DriveRig) -> None:
    """The archive's folder is there, and the manifest's id is planned."""
    put(rig.remote, NAME, Reader(b"x"))
    planned(rig.remote, MANIFEST_NAME)


@pytest.mark.parametrize("size_bytes", [0, 1, PIECE_BYTES])
@pytest.mark.parametrize("name", ["00000001", MANIFEST_NAME])
def test_a_small_object_costs_one_request(drive_rig: DriveRig, name: str, size_bytes: int) -> None:
    put(drive_rig.remote, NAME, Reader(b"x"))
    planned(drive_rig.remote, name)
    before, content = drive_rig.fake.requests, os.urandom(size_bytes)
    stored = put(drive_rig.remote, name, Reader(content))
    assert requests_of(drive_rig, before) == {"create": 1}
    assert drive_rig.stored_bytes(stored.remote_id) == content
    assert drive_rig.remote.stat(stored.remote_id) == stored


def test_what_is_larger_than_a_piece_goes_by_a_session_that_can_go_on(drive_rig: DriveRig) -> None:
    put(drive_rig.remote, NAME, Reader(b"x"))
    planned(drive_rig.remote, "00000001")
    before = drive_rig.fake.requests
    put(drive_rig.remote, "00000001", Reader(os.urandom(PIECE_BYTES + 1)))
    assert requests_of(drive_rig, before) == {"open": 1, "chunk": 1}


def test_every_byte_passes_the_gate_in_pieces_of_its_size(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    gate = CountingGate(piece_bytes=1000)
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT), gate)
    assert (sum(gate.passed), max(gate.passed)) == (len(CONTENT), 1000)


def test_stopped_in_the_middle_nothing_is_made(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    with pytest.raises(Stopped):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT), CountingGate(until_bytes=4000, piece_bytes=1000))
    assert manifests(drive_rig) == []
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    assert manifests(drive_rig) == [CONTENT]


def test_what_is_not_as_it_was_taken_in_is_not_sent(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    moved = drive_rig.moved_bytes()
    with pytest.raises(LocalDamaged):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT, claimed=CHANGED))
    assert (manifests(drive_rig), drive_rig.moved_bytes()) == ([], moved)


# Faults


def test_a_manifest_whose_answer_was_lost_is_not_made_twice_and_not_sent_again(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    drive_rig.fake.fault("lost_answer", match="create")
    with pytest.raises(RemoteAway):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    (there,) = (file.id for file in drive_rig.fake.files.values() if file.name == MANIFEST_NAME)
    stored = put(drive_rig.restarted(), MANIFEST_NAME, Reader(CONTENT))
    assert stored.remote_id == there
    assert manifests(drive_rig) == [CONTENT]


def test_a_changed_manifest_whose_answer_was_lost_ends_as_the_changed_one(drive_rig: DriveRig) -> None:
    first = put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    drive_rig.fake.fault("lost_answer", match="update")
    with pytest.raises(RemoteAway):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CHANGED))
    assert put(drive_rig.restarted(), MANIFEST_NAME, Reader(CHANGED)).remote_id == first.remote_id
    assert manifests(drive_rig) == [CHANGED]


_CUTS = [*(("request", after_bytes) for after_bytes in (0, 1, 200, 700, 4000)), ("response", 0), ("response", 200)]


@pytest.mark.parametrize(("of", "after_bytes"), _CUTS)
def test_cut_after_any_number_of_bytes_it_is_there_once_or_not_at_all(drive_rig: DriveRig, of: str, after_bytes: int) -> None:
    begun(drive_rig)
    drive_rig.fake.fault("cut", match="create", after_bytes=after_bytes, of=of)
    try:
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    except RemoteAway:
        assert manifests(drive_rig) == ([] if of == "request" else [CONTENT])
    assert drive_rig.fake.faults == {"create cut": 1}
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    assert manifests(drive_rig) == [CONTENT]


@pytest.mark.parametrize("after_bytes", [0, 200, 4000])
def test_a_change_that_is_cut_off_leaves_the_manifest_that_was_there(drive_rig: DriveRig, after_bytes: int) -> None:
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    drive_rig.fake.fault("cut", match="update", after_bytes=after_bytes, of="request")
    with pytest.raises(RemoteAway):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CHANGED))
    assert manifests(drive_rig) == [CONTENT]
    put(drive_rig.remote, MANIFEST_NAME, Reader(CHANGED))
    assert manifests(drive_rig) == [CHANGED]


@pytest.mark.parametrize(("kind", "error"), [("503", RemoteBusy), ("429", RemoteBusy), ("html", RemoteAway)])
def test_what_passes_by_itself_is_said_and_the_next_try_stores_it(drive_rig: DriveRig, kind: Kind, error: type[RemoteError]) -> None:
    begun(drive_rig)
    drive_rig.fake.fault(kind, match="create")
    with pytest.raises(error):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    assert manifests(drive_rig) == [CONTENT]


def test_with_a_token_that_is_refused_it_is_sent_with_the_next(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    drive_rig.fake.fault("401", match="create")
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    assert manifests(drive_rig) == [CONTENT]


# What Drive reports


def test_a_manifest_counts_only_when_drive_reports_its_checksum(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    drive_rig.fake.report_checksums([])
    with pytest.raises(RemoteBusy, match="no checksum"):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    drive_rig.fake.report_checksums(["md5"])
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    assert manifests(drive_rig) == [CONTENT]


def test_a_manifest_that_drive_stored_wrongly_does_not_count_and_is_written_anew(
    drive_rig: DriveRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(drive_rig)
    api = drive_rig.drive._api
    store = api.store

    def harmed(*arguments: Any, **named: Any) -> Any:
        file = store(*arguments, **named)
        drive_rig.flip(file.id, 17)
        return api.find(file.id, "looking")

    monkeypatch.setattr(api, "store", harmed)
    with pytest.raises(RemoteDamaged, match="another size or checksum"):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    monkeypatch.undo()
    put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT))
    assert manifests(drive_rig) == [CONTENT]


# The folder of a new archive


def folders(rig: DriveRig) -> list[str]:
    return [file.id for file in rig.fake.files.values() if file.is_folder and file.name == LONELY]


def put_new(rig: DriveRig, remote_id: str) -> None:
    rig.remote.put(remote_id, LONELY, NAME, Reader(CONTENT), None, Sessions().confirmed, CountingGate())


def test_a_new_archive_costs_its_folder_and_no_search(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    (remote_id,) = drive_rig.remote.new_ids(LONELY, [NAME], is_new=True)
    before = drive_rig.fake.requests
    put_new(drive_rig, remote_id)
    assert requests_of(drive_rig, before) == {"create": 2}
    assert len(folders(drive_rig)) == 1


def test_a_folder_whose_answer_was_lost_is_not_made_twice(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    (remote_id,) = drive_rig.remote.new_ids(LONELY, [NAME], is_new=True)
    drive_rig.fake.fault("lost_answer", match="create")
    with pytest.raises(RemoteAway):
        put_new(drive_rig, remote_id)
    put_new(drive_rig, remote_id)
    assert len(folders(drive_rig)) == 1


def test_a_process_that_does_not_know_whether_there_is_a_folder_looks_for_it(drive_rig: DriveRig) -> None:
    begun(drive_rig)
    (remote_id,) = drive_rig.remote.new_ids(LONELY, [NAME], is_new=True)
    other = drive_rig.opened(drive_rig.folder_id)
    other.prepare()
    other.put(planned(other, NAME), ARCHIVE, NAME, Reader(b"x"), None, Sessions().confirmed, CountingGate())  # it has listed the folders
    put_new(drive_rig, remote_id)
    other.put(remote_id, LONELY, NAME, Reader(CONTENT), None, Sessions().confirmed, CountingGate())
    assert len(folders(drive_rig)) == 1


def test_the_folder_of_an_archive_that_is_added_again_is_taken_out_of_the_trash(drive_rig: DriveRig) -> None:
    (remote_id,) = drive_rig.remote.new_ids(LONELY, [NAME], is_new=True)
    put_new(drive_rig, remote_id)
    (folder_id,) = folders(drive_rig)
    drive_rig.fake.trash(folder_id)
    drive_rig.remote = drive_rig.restarted()
    (another,) = drive_rig.remote.new_ids(LONELY, [NAME], is_new=True)
    put_new(drive_rig, another)
    assert folders(drive_rig) == [folder_id]
    assert not drive_rig.fake.files[folder_id].trashed
