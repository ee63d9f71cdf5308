"""Storing on Google Drive: each object once, whatever happens on the way, and only what Drive itself reports counts."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, Literal

import pytest

from appliance.errors import RemoteAway, RemoteBusy, RemoteDamaged, RemoteError, RemoteFull, RemoteRefused, RemoteTaken, Stopped
from appliance.remotes.layout import CATALOG, MANIFEST_NAME
from appliance.remotes.remote import PIECE_BYTES
from tests.appliance.remotes.rigs import ARCHIVE, CountingGate, DriveRig, Reader, Sessions, planned, put
from tests.fakes.drive_words import Kind

CONTENT = os.urandom(5 * PIECE_BYTES + 4711)
NAME = "00000000"


def batches(rig: DriveRig) -> list[bytes]:
    """The contents of all files of that name, trashed or not."""
    return [rig.fake.content(file.id) for file in rig.fake.files.values() if file.name == NAME]


def put_patiently(rig: DriveRig, sessions: Sessions, tries: int = 5) -> None:
    """As the engine does it: what passes by itself is tried again."""
    for _ in range(tries):
        try:
            put(rig.remote, NAME, Reader(CONTENT), None, sessions)
        except (RemoteAway, RemoteBusy):
            continue
        return
    pytest.fail("it did not get through")


def test_a_batch_costs_two_requests(drive_rig: DriveRig) -> None:
    put(drive_rig.remote, NAME, Reader(CONTENT))
    planned(drive_rig.remote, "00000001")
    before = drive_rig.fake.requests
    put(drive_rig.remote, "00000001", Reader(CONTENT))
    after = drive_rig.fake.requests
    assert {each: after[each] - before.get(each, 0) for each in after if after[each] != before.get(each, 0)} == {"open": 1, "chunk": 1}


def test_what_is_stored_carries_its_marks_and_lies_in_its_folder(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    file = drive_rig.fake.files[stored.remote_id]
    folder = drive_rig.fake.files[file.parents[0]]
    assert (file.name, folder.name, drive_rig.fake.files[folder.parents[0]].name) == (NAME, ARCHIVE, "appliance-1")
    ours = {"pyarchive_appliance": "appliance-1", "pyarchive_archive": ARCHIVE, "pyarchive_place": drive_rig.folder_id}
    assert file.app_properties == ours | {"pyarchive_role": "batch"}
    assert folder.app_properties == ours | {"pyarchive_role": "archive"}


@pytest.mark.parametrize("operation", ["open", "chunk"])
def test_an_upload_that_was_done_but_whose_answer_was_lost_is_not_made_twice(
    drive_rig: DriveRig, operation: Literal["open", "chunk"]
) -> None:
    drive_rig.fake.fault("lost_answer", match=operation, times=1)
    put_patiently(drive_rig, Sessions())
    assert batches(drive_rig) == [CONTENT]
    assert drive_rig.fake.faults == {f"{operation} lost_answer": 1}
    assert drive_rig.fake.received_twice_bytes < PIECE_BYTES


def test_a_batch_that_was_done_and_never_noted_down_is_found_to_be_there(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    moved = drive_rig.moved_bytes()
    drive_rig.fake.expire_sessions()
    gate = CountingGate()
    assert put(drive_rig.restarted(), NAME, Reader(CONTENT), gate) == stored
    assert (drive_rig.moved_bytes(), sum(gate.passed)) == (moved, 0)


@pytest.mark.parametrize("status", [404, 410])
def test_an_expired_session_begins_anew(drive_rig: DriveRig, status: Literal[404, 410]) -> None:
    sessions = Sessions()
    with pytest.raises(Stopped):
        put(drive_rig.remote, NAME, Reader(CONTENT), CountingGate(until_bytes=2 * PIECE_BYTES), sessions)
    before = sessions.session
    drive_rig.fake.expire_sessions(status)
    put(drive_rig.remote, NAME, Reader(CONTENT), None, sessions)
    assert batches(drive_rig) == [CONTENT]
    assert before != sessions.session
    assert sessions.offset_bytes == 0 or sessions.offset_bytes == len(CONTENT)


def test_sessions_that_expire_at_once_are_an_error_and_not_an_endless_loop(drive_rig: DriveRig) -> None:
    drive_rig.fake.fault("expired", match=["chunk", "status"], times=None)
    with pytest.raises(RemoteBusy, match="forgot the upload"):
        put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.fake.calm()
    put(drive_rig.remote, NAME, Reader(CONTENT))
    assert batches(drive_rig) == [CONTENT]


@pytest.mark.parametrize("keep_bytes", [0, PIECE_BYTES, 3 * PIECE_BYTES])
def test_what_drive_did_not_keep_of_a_chunk_is_sent_again_and_nothing_else(drive_rig: DriveRig, keep_bytes: int) -> None:
    drive_rig.fake.fault("partial", match="chunk", keep_bytes=keep_bytes)
    put_patiently(drive_rig, Sessions())
    assert batches(drive_rig) == [CONTENT]
    assert drive_rig.moved_bytes() == len(CONTENT) + len(CONTENT) - keep_bytes


def test_an_answer_without_a_range_means_that_nothing_was_kept(drive_rig: DriveRig) -> None:
    drive_rig.fake.fault("no_range", match="chunk")
    put_patiently(drive_rig, Sessions())
    assert batches(drive_rig) == [CONTENT]


def test_the_session_is_told_before_the_first_byte(drive_rig: DriveRig) -> None:
    sessions = Sessions()
    with pytest.raises(Stopped):
        put(drive_rig.remote, NAME, Reader(CONTENT), CountingGate(until_bytes=0), sessions)
    assert sessions.session is not None
    assert drive_rig.moved_bytes() == 0
    assert [one.is_complete for one in drive_rig.fake.sessions] == [False]


def test_a_session_goes_on_with_no_other_content_than_its_own(drive_rig: DriveRig) -> None:
    """A manifest that changed while it was on its way, with the same size."""
    sessions, changed = Sessions(), CONTENT[:-1] + b"?"
    with pytest.raises(Stopped):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT), CountingGate(until_bytes=2 * PIECE_BYTES), sessions)
    stored = put(drive_rig.remote, MANIFEST_NAME, Reader(changed), None, sessions)
    assert drive_rig.stored_bytes(stored.remote_id) == changed


@pytest.mark.parametrize("session", ["", " ", "x", "0123456789abcdef", "0123456789abcdef http://127.0.0.1:1/", "\0" * 100])
def test_a_session_that_is_none_of_ours_is_not_gone_on_with(drive_rig: DriveRig, session: str) -> None:
    sessions = Sessions()
    sessions.session = session
    put(drive_rig.remote, NAME, Reader(CONTENT), None, sessions)
    assert batches(drive_rig) == [CONTENT]


def test_a_manifest_keeps_its_id_when_it_is_replaced_and_stops_and_goes_on(drive_rig: DriveRig) -> None:
    first = put(drive_rig.remote, MANIFEST_NAME, Reader(b"the first"))
    sessions = Sessions()
    with pytest.raises(Stopped):
        put(drive_rig.remote, MANIFEST_NAME, Reader(CONTENT), CountingGate(until_bytes=2 * PIECE_BYTES), sessions)
    assert drive_rig.stored_bytes(first.remote_id) == b"the first"
    gate = CountingGate()
    second = put(drive_rig.restarted(), MANIFEST_NAME, Reader(CONTENT), gate, sessions)
    assert drive_rig.stored_bytes(second.remote_id) == CONTENT
    assert second.remote_id == first.remote_id
    assert sum(gate.passed) == len(CONTENT) - 2 * PIECE_BYTES


# What Drive reports


def test_where_drive_has_no_sha256_the_md5_has_to_be_right(drive_rig: DriveRig) -> None:
    drive_rig.fake.report_checksums(["md5"])
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    assert stored.sha256 == Reader(CONTENT).sha256
    seen = drive_rig.remote.stat(stored.remote_id)
    assert seen is not None
    assert seen.sha256 is None
    assert seen.md5 is not None
    assert seen.md5.hex() == drive_rig.fake.files[stored.remote_id].checksums["md5"]
    assert put(drive_rig.restarted(), NAME, Reader(CONTENT)) == stored
    with pytest.raises(RemoteTaken):
        put(drive_rig.remote, NAME, Reader(CONTENT[:-1] + b"?"))


def test_without_any_checksum_nothing_counts_as_stored(drive_rig: DriveRig) -> None:
    drive_rig.fake.report_checksums([])
    with pytest.raises(RemoteBusy, match="no checksum"):
        put(drive_rig.remote, NAME, Reader(CONTENT))


def test_what_drive_stored_wrongly_is_said_and_the_next_try_gets_another_id(drive_rig: DriveRig, monkeypatch: pytest.MonkeyPatch) -> None:
    content, sessions = Reader(CONTENT), Sessions()
    send = drive_rig.drive._line.send

    def harmed(*arguments: Any, **named: Any) -> dict[str, Any]:
        resource = send(*arguments, **named)
        drive_rig.flip(resource["id"], 17)
        return resource | {"sha256Checksum": drive_rig.fake.files[resource["id"]].checksums["sha256"]}

    monkeypatch.setattr(drive_rig.drive._line, "send", harmed)
    with pytest.raises(RemoteDamaged, match="another size or checksum"):
        put(drive_rig.remote, NAME, content, None, sessions)
    monkeypatch.undo()
    with pytest.raises(RemoteTaken):
        put(drive_rig.remote, NAME, content, None, sessions)


def test_a_batch_that_is_there_but_in_the_trash_is_taken_out_of_it(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    for trashed in (stored.remote_id, drive_rig.fake.named(ARCHIVE).id, drive_rig.folder_id):
        drive_rig.fake.trash(trashed)
        moved = drive_rig.moved_bytes()
        assert put(drive_rig.remote, NAME, Reader(CONTENT)) == stored
        assert not drive_rig.fake.files[stored.remote_id].trashed
        assert drive_rig.moved_bytes() == moved


def test_a_batch_stored_into_a_folder_that_a_person_has_trashed_counts_when_it_is_out_again(drive_rig: DriveRig) -> None:
    put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.fake.trash(drive_rig.folder_id)
    stored = put(drive_rig.remote, "00000001", Reader(CONTENT))
    assert not stored.trashed
    assert not drive_rig.fake.files[stored.remote_id].trashed


def test_a_batch_that_a_person_renamed_gets_its_name_back_and_is_not_sent_again(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.drive._api.change(stored.remote_id, {"name": "holiday.jpg"}, "renaming")
    moved = drive_rig.moved_bytes()
    seen = drive_rig.remote.stat(stored.remote_id)
    assert seen is not None
    assert seen.sha256 == bytes(32), "not to be taken for the batch by who reads names"
    assert put(drive_rig.remote, NAME, Reader(CONTENT)) == stored == drive_rig.remote.stat(stored.remote_id)
    assert drive_rig.moved_bytes() == moved


def test_an_id_of_something_else_is_taken_and_left_alone(drive_rig: DriveRig) -> None:
    other = drive_rig.opened(drive_rig.folder_id, "appliance-2")
    other.prepare()
    theirs = put(other, MANIFEST_NAME, Reader(b"theirs"))
    for remote_id in (theirs.remote_id, drive_rig.folder_id):
        before = drive_rig.fake.files
        with pytest.raises(RemoteTaken):
            drive_rig.remote.put(remote_id, ARCHIVE, MANIFEST_NAME, Reader(b"ours"), None, Sessions().confirmed, CountingGate())
        assert drive_rig.fake.files[remote_id] == before[remote_id]


def test_an_id_that_was_made_for_another_account_is_to_be_planned_anew(drive_rig: DriveRig) -> None:
    with pytest.raises(RemoteTaken):
        drive_rig.remote.put("1" + "a" * 32, ARCHIVE, NAME, Reader(CONTENT), None, Sessions().confirmed, CountingGate())


# Folders on the way


def test_the_folder_of_an_archive_is_made_once_however_many_threads_need_it(drive_rig: DriveRig) -> None:
    names = [f"{index:08d}" for index in range(6)]
    for name in names:
        planned(drive_rig.remote, name)
    threads = [threading.Thread(target=put, args=(drive_rig.remote, name, Reader(CONTENT))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [file.name for file in drive_rig.fake.files.values() if file.is_folder and file.name == ARCHIVE] == [ARCHIVE]
    assert [each.name for each in drive_rig.remote.list_objects(ARCHIVE, CountingGate())] == names


def test_a_folder_that_a_person_deleted_for_ever_is_made_again(drive_rig: DriveRig) -> None:
    put(drive_rig.remote, NAME, Reader(CONTENT))
    for gone in (ARCHIVE, "appliance-1"):
        drive_rig.fake.delete(drive_rig.fake.named(gone).id)
        (remote_id,) = drive_rig.remote.new_ids(ARCHIVE, [NAME])
        stored = drive_rig.remote.put(remote_id, ARCHIVE, NAME, Reader(CONTENT), None, Sessions().confirmed, CountingGate())
        assert drive_rig.stored_bytes(stored.remote_id) == CONTENT


def test_a_top_folder_that_a_person_deleted_for_ever_is_said_and_not_made_again(drive_rig: DriveRig) -> None:
    put(drive_rig.remote, NAME, Reader(CONTENT))
    (remote_id,) = drive_rig.remote.new_ids(ARCHIVE, ["00000001"])
    drive_rig.fake.delete(drive_rig.folder_id)
    with pytest.raises(RemoteRefused, match="it was deleted"):
        drive_rig.remote.put(remote_id, ARCHIVE, "00000001", Reader(CONTENT), None, Sessions().confirmed, CountingGate())
    assert drive_rig.fake.files == {}


# Room


def test_a_full_account_says_how_much_is_missing_and_what_its_trash_holds(drive_rig: DriveRig) -> None:
    trashed = put(drive_rig.remote, NAME, Reader(b"x" * 5_000))
    drive_rig.remote.trash(trashed.remote_id)
    drive_rig.fake.quota(limit_bytes=100_000, used_bytes=90_000)
    with pytest.raises(RemoteFull) as full:
        put(drive_rig.remote, "00000001", Reader(CONTENT))
    assert f"{len(CONTENT):,} bytes needed, 10,000 free; emptying the trash of Google Drive frees 5,000" in str(full.value)
    drive_rig.fake.quota(limit_bytes=None)
    assert put(drive_rig.remote, "00000001", Reader(CONTENT)).size_bytes == len(CONTENT)


def test_an_account_that_fills_up_while_a_batch_is_on_its_way_goes_on_when_there_is_room(drive_rig: DriveRig) -> None:
    sessions = Sessions()
    drive_rig.fake.fault("storageQuotaExceeded", match="chunk")
    with pytest.raises(RemoteFull, match="make room there"):
        put(drive_rig.remote, NAME, Reader(CONTENT), None, sessions)
    put(drive_rig.remote, NAME, Reader(CONTENT), None, sessions)
    assert batches(drive_rig) == [CONTENT]


# Copies of the catalog


def test_copies_of_the_catalog_are_stored_listed_and_read_like_batches(drive_rig: DriveRig) -> None:
    name = "catalog-20261124T035507Z.json"
    (remote_id,) = drive_rig.remote.new_ids(CATALOG, [name])
    stored = drive_rig.remote.put(remote_id, CATALOG, name, Reader(b"{}"), None, Sessions().confirmed, CountingGate())
    assert (stored.archive_id, stored.name) == (CATALOG, name)
    assert drive_rig.remote.stat(remote_id) == stored
    assert list(drive_rig.remote.list_objects(CATALOG, CountingGate())) == [stored]
    assert b"".join(drive_rig.remote.get(remote_id, 0, 2, CountingGate())) == b"{}"
    assert drive_rig.fake.files[drive_rig.fake.files[remote_id].parents[0]].name == "catalog"
    assert list(drive_rig.remote.list_all(CountingGate())) == []
    assert list(drive_rig.remote.list_archives()) == []


# Secrets, and storms


def test_no_log_line_and_no_error_holds_a_session_or_a_token(drive_rig: DriveRig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sessions, said = Sessions(), list[str]()
    kinds: tuple[Kind, ...] = ("503", "401", "cut", "html", "lost_answer", "no_range", "expired")
    for kind in kinds:
        drive_rig.fake.fault(kind, match="chunk")
        try:
            put(drive_rig.remote, NAME, Reader(CONTENT), None, sessions)
        except RemoteError as error:
            said.append(f"{error!r} {error} {error.__cause__!r} {error.__context__!r}")
    assert sessions.session is not None
    upload_id = sessions.session.partition("upload_id=")[2]
    for text in (*said, caplog.text, repr(drive_rig.drive.__dict__)):
        for secret in (upload_id, "ya29.", "1//0"):
            assert secret not in text


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_of_faults_stores_every_batch_once_and_right(drive_rig: DriveRig, seed: int) -> None:
    names = [f"{index:08d}" for index in range(4)]
    for name in names:
        planned(drive_rig.remote, name)
    drive_rig.fake.storm(seed, 0.25)
    for name in names:
        sessions = Sessions()
        for _ in range(50):
            try:
                put(drive_rig.remote, name, Reader(CONTENT), None, sessions)
            except RemoteError:
                continue
            break
    drive_rig.fake.calm()
    found = list(drive_rig.remote.list_objects(ARCHIVE, CountingGate()))
    assert [(each.name, each.sha256) for each in found] == [(name, Reader(CONTENT).sha256) for name in names]
    assert drive_rig.fake.violations == []
