"""What was lost comes back from the remote alone: catalog, ledgers, contents, whoever the appliance was before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from appliance.errors import Adopting, ApplianceError, Conflict, NotFound, Refused, RemoteAway, Stopped
from tests.appliance.recovery.places import BATCH, NAME, DrivePlace, FolderPlace, Place, connect, content, ended, keep, recover, restored
from tests.fakes.drive import FakeDrive
from tests.waiting import wait_for

SIZES = (3 * BATCH + 5, BATCH, 0)


@pytest.mark.parametrize("lost", ["catalog store", "catalog store ledger", "all but the id"])
def test_what_was_lost_comes_back_and_nothing_is_sent_again_or_trashed(place: Place, tmp_path: Path, lost: str) -> None:
    data = tmp_path / "data"
    with place.appliance(data) as inside:
        connect(place, inside)
        contents, appliance_id = keep(inside, *SIZES), inside.app.folder.appliance_id
    before = place.found(appliance_id)
    for name in lost.split():
        if (data / name).exists():
            shutil.rmtree(data / name)
    if lost == "all but the id":
        shutil.rmtree(data)
        data.mkdir()
        (data / "appliance_id").write_text(appliance_id)
    with place.appliance(data) as inside:
        place.add(inside)
        inside.ask("connection/validate", connection=NAME)
        state = recover(inside)
        assert (state["adopted"] + state["already_here"], state["skipped"], state["error"]) == (3, [], None), state
        inside.ask("connection/activate", connection=NAME)
        restored(inside, contents)
        again = recover(inside)
        assert (again["adopted"], again["already_here"], again["skipped"]) == (0, 3, []), again
        assert inside.ask("connection/show", connection=NAME)["adopting"] is None
        assert inside.app.connections.find(NAME).settled
    assert place.found(appliance_id) == before
    assert place.trashed() == 0


def test_a_new_appliance_is_offered_recovery_first_and_takes_the_old_id_over(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        contents, appliance_id = keep(old, *SIZES), old.app.folder.appliance_id
    before = place.found(appliance_id)
    with place.appliance(tmp_path / "new") as new:
        connection_id = connect(place, new)
        assert new.problems()["adopting"].startswith(f"nothing on connection {NAME} is changed: 3 archives of appliance {appliance_id}")
        assert new.app.library.active is None
        looked = new.job("recovery/look", connection=NAME)["result"]["appliances"]
        assert [(each["appliance_id"], each["archives"], each["unknown_here"], each["ours"]) for each in looked] == [
            (appliance_id, 3, 3, False)
        ]
        assert looked[0]["bytes"] == sum(SIZES)
        assert new.ask("recovery/start", connection=connection_id) == {"appliance_id": appliance_id}
        with pytest.raises(Conflict, match="under way"):
            new.ask("recovery/start", connection=connection_id)
    with place.appliance(tmp_path / "new") as new:
        assert new.app.folder.appliance_id == appliance_id
        state = ended(new)
        assert (state["adopted"], state["already_here"], state["skipped"]) == (3, 0, [])
        assert "adopting" not in new.problems()
        assert {each["title"] for each in new.ask("archive/list")["archives"]} == {"File 0", "File 1", "File 2"}
        restored(new, contents)
        assert place.found(appliance_id) == before
        later = keep(new, 2 * BATCH)
        assert (later.popitem()[0], "00000001") in place.found(appliance_id)
    with place.appliance(tmp_path / "new") as new:
        assert new.ask("recovery/state")["state"] == "done"
        assert new.ask("archive/list")["total"] == 4
    assert place.trashed() == 0


def test_the_old_appliance_stops_writing_once_another_took_its_place(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        contents, appliance_id = keep(old, BATCH), old.app.folder.appliance_id
        with place.appliance(tmp_path / "new") as new:
            connect(place, new)
            new.ask("recovery/start", connection=NAME)
        with place.appliance(tmp_path / "new") as new:
            ended(new)
            before = place.found(appliance_id)
            if isinstance(place, DrivePlace):  # a remote relies for a minute on its last look
                old.app.connections.remote(old.app.connections.find(NAME).id)._place._looked_at_s -= 61  # type: ignore[attr-defined]  # as a minute later
            old.put(content(2 * BATCH, 9))
            wait_for(lambda: "remote_foreign" in old.problems(), what="the old appliance to be told")
            assert place.found(appliance_id) == before
            restored(new, contents)


def test_another_id_is_refused_while_something_is_stored_under_the_present_one(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        keep(old, BATCH)
        old_id = old.app.folder.appliance_id
    (tmp_path / "other").mkdir()
    with place.appliance(tmp_path / "new") as new:
        other = new.connect(tmp_path / "other", "other")
        archive_id = new.put(content(BATCH))
        new.wait_remote(archive_id)
        place.add(new)
        new.ask("connection/validate", connection=NAME)
        with pytest.raises(Refused, match="has 1 archive on remotes already"):
            new.ask("recovery/start", connection=NAME, appliance_id=old_id)
        assert not new.app.engine.paused
        assert new.ask("recovery/state")["state"] == "none"
        assert new.ask("connection/show", connection=other)["adopting"] is None


def test_an_id_that_the_environment_fixes_is_not_changed_behind_its_back(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        keep(old, BATCH)
    with place.appliance(tmp_path / "new", appliance_id="fixed-one") as new:
        connect(place, new)
        with pytest.raises(Refused, match="PYARCHIVE_APPLIANCE_ID"):
            new.ask("recovery/start", connection=NAME)


def test_what_is_only_here_is_kept_when_the_id_changes_and_sent_under_the_new_one(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        contents, appliance_id = keep(old, BATCH), old.app.folder.appliance_id
    with place.appliance(tmp_path / "new") as new:
        sent = content(3 * BATCH, 5)
        mine = new.put(sent)
        place.add(new)  # it has an archive already: two appliances may share a disk
        new.ask("connection/validate", connection=NAME)
        new.ask("recovery/start", connection=NAME)
    with place.appliance(tmp_path / "new") as new:
        ended(new)
        assert new.local_bytes(mine) == sent
        new.app.folder.check_store()
        new.ask("connection/activate", connection=NAME)
        new.wait_remote(mine)
        assert (mine, "manifest.json") in place.found(appliance_id)
        restored(new, contents)


def test_several_appliances_are_named_with_their_numbers_and_one_has_to_be_chosen(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    ids = []
    for number in (1, 2):
        with place.appliance(tmp_path / f"old-{number}") as old:
            connect(place, old)
            if number == 2:
                old.ask("connection/claim", connection=NAME, confirm=NAME)
            keep(old, *([BATCH] * number))
            ids.append(old.app.folder.appliance_id)
    with place.appliance(tmp_path / "new") as new:
        connect(place, new)
        with pytest.raises(Conflict, match=rf"(?=.*{ids[0]} \(1 archive\))(?=.*{ids[1]} \(2 archives\)).*--from"):
            new.ask("recovery/start", connection=NAME)
        with pytest.raises(NotFound, match="there is"):
            new.ask("recovery/start", connection=NAME, appliance_id="nobody-here")
        assert new.ask("recovery/start", connection=NAME, appliance_id=ids[1]) == {"appliance_id": ids[1]}
    with place.appliance(tmp_path / "new") as new:
        assert ended(new)["adopted"] == 2


def test_an_empty_place_has_nothing_to_recover_and_says_so(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        with pytest.raises(NotFound, match="nothing to recover"):
            inside.ask("recovery/start", connection=NAME)
        assert inside.ask("recovery/state")["state"] == "none"


def test_nothing_is_changed_while_a_recovery_is_under_way(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        keep(old, BATCH)
        recovery, connection = old.app.recovery, old.app.connections.find(NAME)
        recovery._recover = _Stuck()  # type: ignore[assignment]  # it does not end before the test does
        old.ask("recovery/start", connection=NAME)
        with pytest.raises(Adopting):
            old.app.connections.to_write(connection.id)
        with pytest.raises(Conflict, match="under way"):
            old.ask("connection/claim", connection=NAME, confirm=NAME)
        old.ask("connection/validate", connection=NAME)
        assert old.app.connections.find(NAME).adopting
        assert "adopting" not in old.problems()
    with place.appliance(tmp_path / "old") as old:
        ended(old)
        assert old.app.connections.find(NAME).adopting is None


class _Stuck:
    def run(self, _connection_id: str, job: object, _progress: object) -> None:
        assert job.stopped.wait(20)  # type: ignore[attr-defined]  # a Job
        raise Stopped("stopped")


def test_a_copy_in_the_store_that_is_right_is_taken_up_and_need_not_be_fetched(place: Place, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with place.appliance(data) as inside:
        connect(place, inside)
        contents = keep(inside, 3 * BATCH, 2 * BATCH)
        right, wrong = contents
    for name in ("catalog", "ledger"):
        shutil.rmtree(data / name)
    harmed = data / "store" / wrong / "file-1.bin"
    harmed.write_bytes(harmed.read_bytes()[:-1] + b"x")
    with place.appliance(data) as inside:
        place.add(inside)
        inside.ask("connection/validate", connection=NAME)
        assert recover(inside)["adopted"] == 2
        assert inside.show(right)["local"]
        assert inside.local_bytes(right) == contents[right]
        assert not inside.show(wrong)["local"]
        assert inside.show(wrong)["health"] == "ok"
        restored(inside, contents)


def test_a_batch_that_drive_has_no_sha256_of_is_proven_by_reading_it(tmp_path: Path) -> None:
    with FakeDrive(tmp_path / "drive") as fake:
        place = DrivePlace(fake)
        with place.appliance(tmp_path / "old") as old:
            connect(place, old)
            contents, appliance_id = keep(old, 2 * BATCH), old.app.folder.appliance_id
        (archive_id,) = contents
        fake.drop_checksums(place._file(appliance_id, archive_id, "00000001").id, ["sha256"])
        with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
            connect(place, new)
            assert recover(new)["skipped"] == []
            assert new.show(archive_id)["batches_stored"] == 2


def test_a_folder_that_a_person_downloaded_by_hand_recovers_the_same_way(tmp_path: Path) -> None:
    with FakeDrive(tmp_path / "drive") as fake:
        place = DrivePlace(fake)
        with place.appliance(tmp_path / "old") as old:
            connect(place, old)
            contents, appliance_id = keep(old, *SIZES), old.app.folder.appliance_id
        downloaded = tmp_path / "Downloads" / "PyArchive"
        for archive_id, name in place.found(appliance_id):
            (downloaded / appliance_id / archive_id).mkdir(parents=True, exist_ok=True)
            (downloaded / appliance_id / archive_id / name).write_bytes(place.content(appliance_id, archive_id, name))
    first, _, without_manifest = contents
    (downloaded / appliance_id / without_manifest / "manifest.json").unlink()
    (downloaded / appliance_id / first / "00000001").unlink()
    folder = FolderPlace.__new__(FolderPlace)
    folder.folder = downloaded
    with folder.appliance(tmp_path / "new") as new:
        connect(folder, new)
        assert new.ask("recovery/start", connection=NAME) == {"appliance_id": appliance_id}
    with folder.appliance(tmp_path / "new") as new:
        state = ended(new)
        assert state["adopted"] == 2
        skipped = {each["archive_id"]: each["why"] for each in state["skipped"]}
        assert "no manifest" in skipped[without_manifest]
        assert "1 of 4 batches missing" in skipped[first]
        restored(new, {key: value for key, value in contents.items() if key not in skipped})


def test_a_manifest_that_is_far_too_large_for_what_lies_beside_it_is_not_even_read(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        (archive_id, other), appliance_id = keep(old, BATCH, BATCH), old.app.folder.appliance_id
    good = place.content(appliance_id, archive_id, "manifest.json")
    place.harm(appliance_id, archive_id, "manifest.json", good + b" " * (17 << 20))
    with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
        connect(place, new)
        state = recover(new)
        assert [(each["archive_id"], "much larger" in each["why"]) for each in state["skipped"]] == [(archive_id, True)]
        assert [each["id"] for each in new.ask("archive/list")["archives"]] == [other]


def test_what_a_download_renamed_because_drive_had_it_twice_is_taken_for_what_it_is(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        contents, appliance_id = keep(old, 3 * BATCH, BATCH), old.app.folder.appliance_id
    first, second = (place.folder / appliance_id / archive_id for archive_id in contents)
    (first / "00000001").rename(first / "00000001(1)")  # the right one of two
    (first / "00000001").write_bytes(b"damaged" * 1000)
    (first / "00000002").rename(first / "00000002 (12)")
    (second / "manifest.json").rename(second / "manifest(1).json")
    (second / "00000000(1).part").write_bytes(b"none of ours")
    with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
        connect(place, new)
        assert recover(new)["skipped"] == []
        check = {"remote": True, "read_back": True}  # the manifests are written again meanwhile: they name other ids now
        wait_for(lambda: new.job("integrity/verify", **check)["result"]["findings"] == [])
        restored(new, contents)
        new.ask("archive/rename", archive=next(iter(contents)), title="another title")  # writes its manifest again
        wait_for(lambda: b"another title" in _content(first / "manifest.json"))
    with place.appliance(tmp_path / "newest", appliance_id=appliance_id) as newest:
        connect(place, newest)
        assert recover(newest)["skipped"] == []


def _content(path: Path) -> bytes:
    """Nothing while it is being replaced: the old file goes to the trash first."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def test_who_points_one_folder_too_high_or_too_deep_is_told_where_the_archives_are(tmp_path: Path) -> None:
    (tmp_path / "Down loads").mkdir()
    meant = FolderPlace(tmp_path / "Down loads" / "PyArchive")
    with meant.appliance(tmp_path / "old") as old:
        connect(meant, old)
        contents, appliance_id = keep(old, BATCH), old.app.folder.appliance_id
    deep = meant.folder / appliance_id
    for number, pointed in enumerate([meant.folder.parent, deep, deep / next(iter(contents))]):
        wrong = FolderPlace.__new__(FolderPlace)
        wrong.folder = pointed
        with wrong.appliance(tmp_path / f"new-{number}") as new:
            connect(wrong, new)
            looked = new.job("recovery/look", connection=NAME)["result"]
            assert looked["appliances"] == []
            assert f"`pyarchive connection add folder --name NAME --path '{meant.folder}'`" in looked["hint"]
            with pytest.raises(NotFound, match="looks like the right folder"):
                new.ask("recovery/start", connection=NAME)


def test_the_state_of_a_recovery_is_json_that_a_request_can_carry(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        assert json.loads(json.dumps(old.ask("recovery/state")))["state"] == "none"


def test_a_recovery_whose_remote_is_away_waits_and_goes_on(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        contents = keep(old, BATCH)
        appliance_id = old.app.folder.appliance_id
    with place.appliance(tmp_path / "new", appliance_id=appliance_id, retry_cap_s=1) as new:
        connect(place, new)
        remote = new.app.connections.remote(new.app.connections.find(NAME).id)
        calls = _away_at_first(remote)
        new.ask("recovery/start", connection=NAME)
        wait_for(lambda: "not mounted" in (new.ask("recovery/state")["error"] or ""), what="a word of why it waits")
        calls.clear()
        assert ended(new)["adopted"] == len(contents)


def _away_at_first(remote: object) -> list[int]:
    """Until the list is cleared, taking over fails as it does on a disk that is not mounted."""
    away, take_over = [1], remote.take_over  # type: ignore[attr-defined]  # a Remote

    def tried() -> None:
        if away:
            raise RemoteAway("the disk is not mounted; connect it")
        take_over()

    remote.take_over = tried  # type: ignore[attr-defined]  # as above
    return away


def test_what_only_a_person_can_help_ends_the_recovery_with_words_and_asking_again_goes_on(tmp_path: Path) -> None:
    with FakeDrive(tmp_path / "drive") as fake:
        place = DrivePlace(fake)
        with place.appliance(tmp_path / "old") as old:
            connect(place, old)
            contents, appliance_id = keep(old, BATCH, BATCH), old.app.folder.appliance_id
        with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
            connect(place, new)
            refused = place._file(appliance_id, next(iter(contents)), "manifest.json").id
            fake.fault("insufficientFilePermissions", match="download", file_id=refused, times=None)
            new.ask("recovery/start", connection=NAME)
            state = wait_for(lambda: (s := new.ask("recovery/state"))["state"] == "failed" and s, what="the recovery to fail")
            assert "may not change this file" in state["error"]
            assert new.ask("archive/list")["total"] == 1
            assert "adopting" in new.problems()
            fake.calm()
            assert (recover(new)["adopted"], new.ask("recovery/state")["already_here"]) == (1, 1)
            restored(new, contents)


def test_a_recovery_that_failed_is_given_up_by_a_claim(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        keep(old, BATCH)

        def fail(*_: object) -> None:
            raise ApplianceError("as the test wants it")

        old.app.recovery._recover = type("Failing", (), {"run": fail})()
        old.ask("recovery/start", connection=NAME)
        wait_for(lambda: old.ask("recovery/state")["state"] == "failed", what="the recovery to fail")
        old.ask("connection/claim", connection=NAME, confirm=NAME)
    with place.appliance(tmp_path / "old") as old:
        assert old.app.connections.find(NAME).adopting is None
        assert old.ask("recovery/state")["state"] == "done"
