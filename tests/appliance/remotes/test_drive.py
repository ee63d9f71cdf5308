"""Claims about the remote on Google Drive alone: listings, the trash, reading, signing in, and what is unknown."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from appliance import time_source
from appliance.epochs import Epochs
from appliance.errors import (
    ApplianceError,
    BadRequest,
    DailyLimit,
    RemoteAway,
    RemoteBusy,
    RemoteDamaged,
    RemoteError,
    RemoteFull,
    RemoteRefused,
    SignInNeeded,
    Stopped,
)
from appliance.remotes.drive import DriveRemote, open_drive
from appliance.remotes.drive_tokens import Credentials
from appliance.remotes.remote import PIECE_BYTES, Object
from tests.appliance.remotes.rigs import ARCHIVE, CountingGate, DriveRig, Reader, Sessions, StopAfterCalls, put
from tests.fakes.drive import FakeDrive, Seed
from tests.fakes.drive_words import Kind

CONTENT = os.urandom(2 * PIECE_BYTES + 4711)
NAME = "00000000"


def listed(remote: DriveRemote) -> list[Object]:
    return list(remote.list_all(CountingGate()))


def seeds(count: int, archive_id: str = ARCHIVE, **more: str) -> list[Seed]:
    marks = {"pyarchive_appliance": "appliance-1", "pyarchive_archive": archive_id, "pyarchive_role": "batch"} | more
    return [Seed(name=f"{index:08d}", app_properties=marks, size_bytes=5, checksums={"sha256": "ab" * 32}) for index in range(count)]


# Listings


def test_everything_is_listed_at_a_thousand_a_page(drive_rig: DriveRig) -> None:
    drive_rig.fake.seed(seeds(1500) + seeds(1500, "archive-0002"))
    before = drive_rig.fake.requests["list"]
    found = listed(drive_rig.drive)
    assert len(found) == 3000
    assert drive_rig.fake.requests["list"] - before == 4, "owner.json is one more"
    assert {each.archive_id for each in found} == {ARCHIVE, "archive-0002"}
    assert found[0].sha256 == bytes.fromhex("ab" * 32)


def test_a_page_that_stumbles_is_asked_for_again_and_one_that_fails_makes_the_whole_unknown(drive_rig: DriveRig) -> None:
    drive_rig.fake.seed(seeds(1500))
    drive_rig.fake.fault("503", match="list", after=1, times=2)
    assert len(listed(drive_rig.drive)) == 1500
    drive_rig.fake.fault("503", match="list", after=1, times=None)
    with pytest.raises(RemoteBusy):
        listed(drive_rig.drive)
    drive_rig.fake.calm()
    drive_rig.fake.fault("503", match="list", after=1, times=None)
    with pytest.raises(RemoteBusy):
        list(drive_rig.drive.list_objects(ARCHIVE, CountingGate()))


def test_a_page_for_which_google_wants_more_patience_is_left_to_the_caller(drive_rig: DriveRig) -> None:
    drive_rig.fake.fault("429", match="list", retry_after_s=600)
    with pytest.raises(RemoteBusy) as busy:
        listed(drive_rig.drive)
    assert busy.value.retry_after_s == 600


def test_a_listing_ends_between_two_pages_when_it_is_told_to(drive_rig: DriveRig) -> None:
    drive_rig.fake.seed(seeds(2500))
    with pytest.raises(Stopped):
        list(drive_rig.drive.list_all(StopAfterCalls(1)))


def test_a_fresh_object_that_no_listing_shows_yet_is_there_when_asked_for_by_its_id(drive_rig: DriveRig) -> None:
    drive_rig.fake.lag(seconds=3600)
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    assert listed(drive_rig.drive) == []
    assert drive_rig.remote.stat(stored.remote_id) == stored


def test_a_login_page_in_answer_to_a_deletion_is_no_deletion(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.remote.trash(stored.remote_id)
    drive_rig.fake.fault("html", match="delete")
    with pytest.raises(RemoteAway, match="captive portal"):
        drive_rig.remote.purge(stored.remote_id)


def test_two_objects_of_one_name_are_both_listed(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    second = drive_rig.fake.duplicate(stored.remote_id)
    assert {each.remote_id for each in drive_rig.remote.list_objects(ARCHIVE, CountingGate())} == {stored.remote_id, second}


HOSTILE: list[dict[str, Any]] = [
    {"name": "../00000000"}, {"name": "00000000\n"}, {"name": ""}, {"name": "manifest.json"}, {"name": "catalog-20261124T035507Z.json"},
    {"name": NAME, "role": "manifest"}, {"name": NAME, "role": "catalog"}, {"name": NAME, "role": "owner"}, {"name": NAME, "role": ""},
    {"name": NAME, "archive": "../archive"}, {"name": NAME, "archive": ""}, {"name": NAME, "archive": "catalog"},
    {"name": NAME, "archive": "A" * 90},
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_object_whose_marks_and_name_do_not_fit_is_not_listed_and_right_for_no_content(
    drive_rig: DriveRig, hostile: dict[str, Any]
) -> None:
    marks = {
        "pyarchive_appliance": "appliance-1",
        "pyarchive_archive": hostile.get("archive", ARCHIVE),
        "pyarchive_role": hostile.get("role", "batch"),
    }
    (file_id,) = drive_rig.fake.seed([Seed(name=hostile["name"], app_properties=marks, content=CONTENT)])
    assert listed(drive_rig.drive) == []
    assert list(drive_rig.drive.list_objects(ARCHIVE, CountingGate())) == []
    assert list(drive_rig.drive.list_archives()) == []
    seen = drive_rig.drive.stat(file_id)
    assert seen is not None
    assert seen.sha256 == bytes(32)


def test_a_hostile_folder_is_neither_an_archive_nor_an_appliance(drive_rig: DriveRig) -> None:
    for role, mark in (("archive", "pyarchive_archive"), ("appliance", "pyarchive_appliance")):
        marks = {"pyarchive_appliance": "appliance-1", "pyarchive_role": role, mark: "../../x'"}
        drive_rig.fake.seed([Seed(name="x", is_folder=True, app_properties=marks)])
    assert list(drive_rig.drive.list_archives()) == []
    assert drive_rig.drive.list_appliances() == ["appliance-1"]


# Absent, and unknown


def test_with_another_client_or_account_nothing_is_absent_but_all_unknown(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    stranger = DriveRig.__new__(DriveRig)
    stranger.__dict__ |= drive_rig.__dict__
    stranger.credentials = Credentials.from_text(json.dumps(drive_rig.fake.account("another-client")))
    remote = stranger.opened(drive_rig.folder_id)
    for ask in (
        lambda: remote.stat(stored.remote_id), lambda: listed(remote), lambda: list(remote.list_objects(ARCHIVE, CountingGate())),
        lambda: list(remote.list_archives()), lambda: list(remote.list_trash(CountingGate())), remote.list_appliances, remote.check,
        lambda: b"".join(remote.get(stored.remote_id, 0, 1, CountingGate())), lambda: remote.trash(stored.remote_id),
    ):  # fmt: skip
        with pytest.raises(RemoteRefused, match="sign in with the account and client that made it"):
            ask()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rateLimitExceeded", RemoteBusy), ("userRateLimitExceeded", RemoteBusy), ("429", RemoteBusy),
        ("500", RemoteBusy), ("502", RemoteBusy), ("503", RemoteBusy), ("504", RemoteBusy),
        ("dailyLimitExceeded", DailyLimit), ("storageQuotaExceeded", RemoteFull),
        ("appNotAuthorizedToFile", RemoteRefused), ("insufficientFilePermissions", RemoteRefused),
        ("domainPolicy", RemoteRefused), ("403", RemoteRefused),
        ("cut", RemoteAway), ("lost_answer", RemoteAway), ("html", RemoteAway),
    ],
)  # fmt: skip
def test_an_error_while_asking_is_unknown_and_of_its_kind(drive_rig: DriveRig, kind: Kind, expected: type[RemoteError]) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.fake.fault(kind, times=None, match=["get", "list", "download", "about", "update", "generate_ids", "open"])
    for ask in (
        lambda: drive_rig.remote.stat(stored.remote_id), lambda: listed(drive_rig.drive), lambda: drive_rig.remote.trash(stored.remote_id),
        lambda: b"".join(drive_rig.remote.get(stored.remote_id, 0, 1, CountingGate())), drive_rig.remote.usage,
        lambda: drive_rig.remote.new_ids(ARCHIVE, [NAME] * 1000),  # more than are in stock
        lambda: drive_rig.remote.put(stored.remote_id, ARCHIVE, NAME, Reader(b"x"), None, Sessions().confirmed, CountingGate()),
    ):  # fmt: skip
        with pytest.raises(ApplianceError) as raised:
            ask()
        assert isinstance(raised.value, expected)
    drive_rig.fake.calm()
    assert drive_rig.remote.stat(stored.remote_id) == stored


def test_a_sign_in_that_is_refused_again_and_again_needs_a_person_but_not_one_refused_now_and_then(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    for _ in range(3):
        drive_rig.fake.fault("401", match="get", times=2)
        with pytest.raises(RemoteBusy):
            drive_rig.remote.stat(stored.remote_id)
        assert drive_rig.remote.stat(stored.remote_id) == stored
    drive_rig.fake.fault("401", match="get", times=None)
    with pytest.raises(RemoteBusy):
        drive_rig.remote.stat(stored.remote_id)
    for _ in range(4):
        with pytest.raises(SignInNeeded):
            drive_rig.remote.stat(stored.remote_id)


def test_a_login_page_in_place_of_the_token_is_no_sign_in_that_ended(drive_rig: DriveRig) -> None:
    remote = drive_rig.opened(drive_rig.folder_id)
    drive_rig.fake.fault("html", match="token", times=None)
    with pytest.raises(RemoteAway, match="captive portal"):
        remote.check()
    drive_rig.fake.calm()
    remote.check()


# Reading


def test_what_google_takes_for_malware_comes_back_to_its_owner(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.fake.abusive(stored.remote_id)
    assert b"".join(drive_rig.remote.get(stored.remote_id, 17, 1000, CountingGate())) == CONTENT[17:1017]


def test_what_google_begins_to_take_for_malware_in_mid_download_goes_on_where_it_was(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.fake.fault("cut", match="download", of="response", after_bytes=PIECE_BYTES)
    drive_rig.fake.fault("cannotDownloadAbusiveFile", match="download")
    assert b"".join(drive_rig.remote.get(stored.remote_id, 0, len(CONTENT), CountingGate())) == CONTENT
    assert drive_rig.fake.faults == {"download cut": 1, "download cannotDownloadAbusiveFile": 1}


# The trash


def test_what_is_trashed_is_listed_as_such_and_comes_back_under_its_id(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.remote.trash(stored.remote_id)
    (seen,) = drive_rig.remote.list_objects(ARCHIVE, CountingGate())
    (all_seen,) = listed(drive_rig.drive)
    (trashed,) = drive_rig.remote.list_trash(CountingGate())
    assert seen.trashed
    assert all_seen.trashed
    assert (trashed.trash_id, trashed.remote_id, trashed.archive_id, trashed.name, trashed.size_bytes) == (
        stored.remote_id, stored.remote_id, ARCHIVE, NAME, len(CONTENT),
    )  # fmt: skip
    drive_rig.remote.untrash(stored.remote_id)
    drive_rig.remote.untrash(stored.remote_id)
    assert drive_rig.remote.stat(stored.remote_id) == stored
    assert list(drive_rig.remote.list_trash(CountingGate())) == []


def test_a_folder_that_a_person_has_trashed_trashes_what_is_in_it_and_taking_that_out_mends_it(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    other = put(drive_rig.remote, "00000001", Reader(CONTENT))
    for folder in (drive_rig.folder_id, drive_rig.fake.named("appliance-1").id, drive_rig.fake.named(ARCHIVE).id):
        drive_rig.fake.trash(folder)
        assert all(each.trashed for each in listed(drive_rig.drive))
        drive_rig.remote.untrash(stored.remote_id)
        assert sorted(listed(drive_rig.drive), key=lambda each: each.name) == [stored, other]


def test_only_what_lies_in_the_trash_is_deleted_for_ever(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.remote.purge(stored.remote_id)
    assert drive_rig.remote.stat(stored.remote_id) == stored
    drive_rig.remote.trash(stored.remote_id)
    drive_rig.remote.purge(stored.remote_id)
    drive_rig.remote.purge(stored.remote_id)
    assert drive_rig.remote.stat(stored.remote_id) is None
    drive_rig.remote.trash(stored.remote_id)
    drive_rig.remote.untrash(stored.remote_id)


def test_what_is_not_below_our_id_is_neither_trashed_nor_deleted(drive_rig: DriveRig) -> None:
    other = drive_rig.opened(drive_rig.folder_id, "appliance-2")
    other.prepare()
    theirs = put(other, NAME, Reader(CONTENT)).remote_id
    (unmarked,) = drive_rig.fake.seed([Seed(name="holiday.jpg", content=b"x", trashed=True)])
    for remote_id in (theirs, unmarked, drive_rig.folder_id, drive_rig.fake.named("README.txt").id):
        before = drive_rig.fake.files[remote_id]
        for act in (drive_rig.remote.trash, drive_rig.remote.untrash, drive_rig.remote.purge):
            with pytest.raises(RemoteRefused, match="left alone"):
                act(remote_id)
        assert drive_rig.fake.files[remote_id] == before


def test_an_id_of_any_other_shape_is_refused_in_the_trash_as_well(drive_rig: DriveRig) -> None:
    for hostile in ("", "..", "a/b", "x" * 300, "abc?alt=media", "abcdef\n"):
        for act in (drive_rig.remote.untrash, drive_rig.remote.purge):
            with pytest.raises(BadRequest):
                act(hostile)


# The account


def test_an_account_without_a_limit_is_unlimited_and_the_trash_counts(drive_rig: DriveRig) -> None:
    usage = drive_rig.remote.usage()
    assert (usage.limit_bytes, usage.free_bytes) == (None, None)
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.remote.trash(stored.remote_id)
    drive_rig.fake.quota(limit_bytes=10_000_000)
    after = drive_rig.remote.usage()
    assert (after.limit_bytes, after.used_bytes) == (10_000_000, (usage.used_bytes or 0) + len(CONTENT))
    assert after.free_bytes == 10_000_000 - (after.used_bytes or 0)
    drive_rig.fake.quota(limit_bytes=1000)
    assert drive_rig.remote.usage().free_bytes == 0


def test_whose_account_it_is_is_known_once_google_said_it(drive_rig: DriveRig) -> None:
    assert drive_rig.remote.account() is None
    drive_rig.remote.usage()
    before = sum(drive_rig.fake.requests.values())
    assert drive_rig.remote.account() == "owner@example.com"
    assert sum(drive_rig.fake.requests.values()) == before


USES: list[Callable[[DriveRig, str], object]] = [
    lambda rig, remote_id: rig.remote.stat(remote_id),
    lambda rig, _: rig.remote.usage(),
    lambda rig, _: put(rig.remote, "00000001", Reader(CONTENT)),
    lambda rig, remote_id: b"".join(rig.remote.get(remote_id, 0, 9, CountingGate())),
    lambda rig, _: rig.remote.probe(),
]


@pytest.mark.parametrize("use", USES)
def test_a_token_that_ends_in_between_is_renewed_and_nobody_notices(drive_rig: DriveRig, use: Callable[[DriveRig, str], object]) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    before = drive_rig.fake.requests["token"]
    drive_rig.fake.expire_tokens()
    use(drive_rig, stored.remote_id)
    assert drive_rig.fake.requests["token"] == before + 1


def test_a_sign_in_that_was_revoked_needs_a_person_and_says_so(drive_rig: DriveRig) -> None:
    stored = put(drive_rig.remote, NAME, Reader(CONTENT))
    drive_rig.fake.revoke()
    with pytest.raises(SignInNeeded, match="connection sign-in"):
        drive_rig.remote.stat(stored.remote_id)
    with pytest.raises(SignInNeeded):
        drive_rig.opened(drive_rig.folder_id).keep_signed_in()


def test_who_is_kept_signed_in_asks_google_for_a_token_and_drive_for_nothing(drive_rig: DriveRig) -> None:
    remote = drive_rig.opened(drive_rig.folder_id)
    before = drive_rig.fake.requests
    remote.keep_signed_in()
    after = drive_rig.fake.requests
    assert {each: count - before.get(each, 0) for each, count in after.items() if count != before.get(each, 0)} == {"token": 1}


# Probing


def test_a_probe_leaves_nothing_behind(drive_rig: DriveRig) -> None:
    before = drive_rig.fake.files
    drive_rig.remote.probe()
    assert drive_rig.fake.files == before


@pytest.mark.parametrize(("kind", "expected"), [("storageQuotaExceeded", RemoteFull), ("insufficientFilePermissions", RemoteRefused)])
def test_a_probe_says_what_a_transfer_would_run_into(drive_rig: DriveRig, kind: Kind, expected: type[RemoteError]) -> None:
    drive_rig.fake.fault(kind, match="open")
    with pytest.raises(expected):
        drive_rig.remote.probe()


def test_a_probe_that_comes_back_different_is_said_and_goes(drive_rig: DriveRig, monkeypatch: pytest.MonkeyPatch) -> None:
    before = drive_rig.fake.files
    fetch = drive_rig.drive._line.fetch
    monkeypatch.setattr(drive_rig.drive._line, "fetch", lambda *arguments: (piece[::-1] for piece in fetch(*arguments)))
    with pytest.raises(RemoteDamaged, match=re.escape("came back different")):
        drive_rig.remote.probe()
    assert drive_rig.fake.files == before


def test_a_thousand_ids_are_one_question_and_more_are_more(drive_rig: DriveRig) -> None:
    before = drive_rig.fake.requests["generate_ids"]
    ids = drive_rig.remote.new_ids(ARCHIVE, [f"{index:08d}" for index in range(2001)])
    assert len(set(ids)) == 2001
    assert drive_rig.fake.requests["generate_ids"] - before <= 3


def test_many_archives_ask_for_ids_seldom_and_no_id_is_given_out_twice(drive_rig: DriveRig) -> None:
    before = drive_rig.fake.requests["generate_ids"]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: drive_rig.remote.new_ids(ARCHIVE, [NAME])[0], range(400)))
    assert len(set(ids)) == 400
    assert drive_rig.fake.requests["generate_ids"] - before <= 4


# Google's own addresses


def test_google_itself_is_reached_through_a_proxy_and_with_certificates_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeDrive(tmp_path / "drive", tls=True) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        credentials = Credentials.from_text(json.dumps(fake.account()))
        epochs = Epochs(tmp_path / "epochs.json")
        folder_id = open_drive(credentials, None, "appliance-1", epochs.of, None).create()
        remote = open_drive(credentials, None, "appliance-1", epochs.of, folder_id)
        (remote_id,) = remote.new_ids(ARCHIVE, [NAME])
        stored = remote.put(remote_id, ARCHIVE, NAME, Reader(CONTENT), None, Sessions().confirmed, CountingGate())
        assert listed(remote) == [stored]
        assert b"".join(remote.get(remote_id, 0, len(CONTENT), CountingGate())) == CONTENT
        assert fake.violations == []
        assert time_source.told.is_right()


def test_who_answers_without_tls_is_not_asked_for_the_time(drive_rig: DriveRig) -> None:
    drive_rig.remote.check()
    assert time_source.told.is_right() is None


def test_a_server_that_is_not_googles_is_not_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeDrive(tmp_path / "drive", tls=True) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("SSL_CERT_FILE")
        remote = open_drive(
            Credentials.from_text(json.dumps(fake.account())), None, "appliance-1", Epochs(tmp_path / "epochs.json").of, None
        )
        with pytest.raises(RemoteAway, match="not Google's"):
            remote.create()
        assert fake.requests == {}
