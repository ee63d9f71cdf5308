"""Adopt mode: a catalog that is younger than what lies on the remote changes nothing there; and of two cards one stops."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.epochs import Epochs
from appliance.errors import Adopting, Refused, RemoteAway, RemoteError
from tests.appliance.recovery.places import BATCH, NAME, FolderPlace, Place, connect, content, keep, recover, restored
from tests.faults.wrapped import Around
from tests.inside import Inside
from tests.waiting import wait_for


def connection(inside: Inside) -> Any:
    return inside.app.connections.find(NAME)


def test_an_empty_place_is_no_matter_of_adoption(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        assert connection(inside).settled
        assert connection(inside).adopting is None
        assert inside.problems() == {}


def test_a_place_all_of_whose_archives_are_known_is_no_matter_of_adoption_when_it_is_added_again(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        keep(inside, BATCH, 2 * BATCH)
        inside.ask("connection/remove", connection=NAME)
        connect(place, inside)
        assert connection(inside).settled
        inside.wait_remote(next(iter(inside.app.library.ids())))


def test_a_catalog_that_forgot_its_archives_leaves_them_alone_until_a_person_decides(place: Place, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with place.appliance(data) as inside:
        connect(place, inside)
        contents, appliance_id = keep(inside, BATCH, 2 * BATCH), inside.app.folder.appliance_id
    for name in ("catalog", "ledger"):
        shutil.rmtree(data / name)
    before = place.found(appliance_id)
    with place.appliance(data) as inside:
        connect(place, inside)
        assert inside.app.connections.find(NAME).adopting == "2 archives of this appliance there are not in its catalog"
        new = inside.put(content(3 * BATCH, 8))
        inside.ask("transfer/sync")
        with pytest.raises(Adopting, match=rf"pyarchive recover {NAME}.*pyarchive connection claim {NAME}"):
            inside.app.connections.to_write(connection(inside).id)
        assert not inside.app.copier.run_once()
        assert inside.show(new)["rung"] == "received"
        problem = next(p for p in inside.app.problems.standing() if p.code == "adopting")
        assert problem.needs_you
        assert problem.next_step.index("pyarchive recover") < problem.next_step.index("pyarchive connection claim")
        assert inside.ask("connection/show", connection=NAME)["adopting"]
    with place.appliance(data) as inside:  # over a restart as well
        assert connection(inside).adopting
        assert "adopting" in inside.problems()
        assert place.found(appliance_id) == before
        assert recover(inside)["adopted"] == 2
        inside.wait_remote(new)
        restored(inside, contents)


def test_a_claim_ends_adopt_mode_and_what_is_unknown_there_stays(place: Place, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with place.appliance(data) as inside:
        connect(place, inside)
        keep(inside, BATCH)
        assert inside.app.copier.run_once()
        appliance_id = inside.app.folder.appliance_id
    shutil.rmtree(data)
    before = place.found(appliance_id)
    with place.appliance(data, appliance_id=appliance_id) as inside:
        connect(place, inside)
        with pytest.raises(Refused, match="type the connection's name"):
            inside.ask("connection/claim", connection=NAME, confirm="other")
        inside.ask("connection/claim", connection=NAME, confirm=NAME)
        new = inside.put(content(BATCH, 8))
        inside.wait_remote(new)
        assert "adopting" not in inside.problems()
    with place.appliance(data, appliance_id=appliance_id) as inside:  # the copy there is newer than this catalog, and was given up
        newer = inside.put(content(BATCH, 9))
        inside.wait_remote(newer)
        assert connection(inside).adopting is None
    after = place.found(appliance_id)
    assert {key: value for key, value in after.items() if key in before} == before
    assert place.trashed() == 0


def test_an_error_while_looking_settles_nothing_and_nothing_is_written(tmp_path: Path) -> None:
    def away(*_: object) -> None:
        raise RemoteAway("not now; it goes on by itself")

    calls = {"list_archives": away}
    (tmp_path / "disk").mkdir()
    with Inside(tmp_path / "data", wrap=Around(calls).around) as inside:
        inside.ask("connection/add", kind="folder", name=NAME, path=str(tmp_path / "disk"))
        with pytest.raises(RemoteAway):
            inside.ask("connection/validate", connection=NAME)
        assert (connection(inside).settled, connection(inside).valid, connection(inside).adopting) == (False, False, None)
        assert [path.name for path in (tmp_path / "disk").iterdir()] == [".pyarchive"]
        calls.clear()
        inside.ask("connection/validate", connection=NAME)
        assert connection(inside).settled


def test_a_catalog_from_an_old_card_finds_a_newer_copy_and_changes_nothing(place: Place, tmp_path: Path) -> None:
    data, card = tmp_path / "data", tmp_path / "card"
    with place.appliance(data) as inside:
        connect(place, inside)
        contents, appliance_id = keep(inside, BATCH), inside.app.folder.appliance_id
        assert inside.app.copier.run_once()
    shutil.copytree(data, card)
    with place.appliance(data) as inside:
        contents |= keep(inside, 3 * BATCH)
        inside.app.settings.set("catalog_copy_minutes", 0.0001)
        assert inside.app.copier.run_once()
    shutil.rmtree(data)
    card.rename(data)
    with place.appliance(data) as inside:
        before = place.found(appliance_id)
        new = inside.put(content(BATCH, 77))
        wait_for(lambda: "adopting" in inside.problems(), what="the newer copy to be seen")
        assert "newer than this appliance's catalog" in inside.problems()["adopting"]
        assert place.found(appliance_id) == before
        assert recover(inside)["adopted"] == 1
        inside.wait_remote(new)
        restored(inside, contents)
    assert place.trashed() == 0


def test_a_restored_old_card_without_any_copy_is_fenced_by_the_epoch(place: Place, tmp_path: Path) -> None:
    data, card = tmp_path / "data", tmp_path / "card"
    with place.appliance(data) as inside:
        connect(place, inside)
        keep(inside, BATCH)
        appliance_id = inside.app.folder.appliance_id
    shutil.copytree(data, card)
    with place.appliance(data) as inside:
        keep(inside, 3 * BATCH)
    before = place.found(appliance_id)
    with place.appliance(card) as inside:
        inside.put(content(BATCH, 77))
        wait_for(lambda: "remote_foreign" in inside.problems(), what="the foreign epoch to be seen")
        assert place.found(appliance_id) == before
        assert recover(inside)["adopted"] == 1
        inside.ask("connection/validate", connection=NAME)
        wait_for(
            lambda: all(inside.show(each)["rung"] in {"remote", "proven"} for each in inside.app.library.ids()), what="all to be remote"
        )


def test_of_a_card_and_its_clone_the_one_that_comes_later_stops(place: Place, tmp_path: Path) -> None:
    original, clone = tmp_path / "original", tmp_path / "clone"
    with place.appliance(original) as inside:
        connect(place, inside)
        keep(inside, BATCH)
        appliance_id = inside.app.folder.appliance_id
    shutil.copytree(original, clone)
    with place.appliance(original) as first, place.appliance(clone) as second:
        archive_id = first.put(content(2 * BATCH, 3))
        first.wait_remote(archive_id)
        before = place.found(appliance_id)
        second.put(content(2 * BATCH, 4))
        wait_for(lambda: "remote_foreign" in second.problems(), what="the clone to be told")
        assert place.found(appliance_id) == before
        another = first.put(content(BATCH, 5))
        first.wait_remote(another)


@pytest.mark.parametrize("killed", ["before it is written", "before it is confirmed"])
def test_an_appliance_killed_while_it_changes_its_epoch_is_not_fenced_from_its_own_place(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    class Killed(Exception):
        """In place of SIGKILL: nothing more of the change is done."""

    def kill(*_: object) -> None:
        raise Killed

    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        keep(inside, BATCH)
    with monkeypatch.context() as patched, place.appliance(tmp_path / "data") as inside:
        remote = inside.app.connections.remote(connection(inside).id)
        inside.app.engine.pause(True)
        if killed == "before it is written":
            next_word = Epochs.next

            def choose(*arguments: Any) -> None:
                next_word(*arguments)
                raise Killed

            patched.setattr(Epochs, "next", choose)
        else:
            patched.setattr(Epochs, "written", kill)
        with pytest.raises(Killed):
            remote.prepare()
    with place.appliance(tmp_path / "data") as inside:
        archive_id = inside.put(content(BATCH, 6))
        inside.wait_remote(archive_id)
        wait_for(lambda: "remote_foreign" not in inside.problems())


def test_where_we_have_something_stored_a_foreign_epoch_is_no_matter_of_adoption(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        keep(inside, BATCH)
        owner = place.folder / inside.app.folder.appliance_id / "owner.json"
        owner.write_text('{"format": "pyarchive-owner", "version": 1, "epoch": "another"}')
        inside.app.connections.change(connection(inside).id, settled=False)
        with pytest.raises(RemoteError, match="taken over"):
            inside.ask("connection/validate", connection=NAME)
        assert connection(inside).adopting is None
        assert not connection(inside).valid


def test_a_foreign_epoch_where_we_have_nothing_is_asked_about_and_a_claim_takes_it(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "one", appliance_id="same-id") as one:
        connect(place, one)
    with place.appliance(tmp_path / "two", appliance_id="same-id") as two:
        connect(place, two)
        assert "somebody else has written there last" in two.problems()["adopting"]
        two.ask("connection/claim", connection=NAME, confirm=NAME)
        archive_id = two.put(content(BATCH))
        two.wait_remote(archive_id)


def test_another_appliance_beside_one_that_has_archives_is_no_matter_of_adoption(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "one") as one:
        connect(place, one)
        keep(one, BATCH)
    with place.appliance(tmp_path / "two") as two:
        two.put(content(BATCH, 4))
        connect(place, two)
        assert connection(two).adopting is None
        two.wait_remote(next(iter(two.app.library.ids())))


def test_restores_go_on_in_adopt_mode(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        contents = keep(inside, 2 * BATCH)
        (archive_id,) = contents
        inside.release(archive_id)
        inside.app.connections.adopt(connection(inside).id, "as the test wants it")
        restored(inside, contents)
