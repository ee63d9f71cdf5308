"""What may be trashed on a remote, and everything that keeps us from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.errors import Refused, RemoteAway, RemoteRefused
from appliance.remotes.layout import MANIFEST_NAME, batch_name
from appliance.tombstone import REMOVED, TABLE, Tombstone, all_of, changes
from tests.appliance.integrity.id_remote import Kept, Place, with_ids
from tests.inside import Inside


def trashed(place: Place) -> set[str]:
    return {key for key, one in place.objects.items() if one.trashed}


def remove(inside: Inside, archive_id: str) -> None:
    """To the end of its undo time."""
    inside.ask("archive/remove", archive=archive_id)
    inside.app.placement.expire(inside.app.witness.is_older)


def connection(inside: Inside) -> str:
    return inside.app.connections.find("ids").id


def bury(inside: Inside, place: Place, count: int, **more: Any) -> list[str]:
    """So many objects of an archive that is gone, each with its tombstone."""
    ids = [f"old-{number}" for number in range(count)]
    place.objects |= {each: Kept("gone-archive", batch_name(number), b"old") for number, each in enumerate(ids)}
    at = clock.iso(clock.now())
    stones = [
        Tombstone(
            connection_id=connection(inside), remote_id=each, archive_id="gone-archive", name=batch_name(number), reason=REMOVED,
            **{"at": at, **more},
        )
        for number, each in enumerate(ids)
    ]  # fmt: skip
    inside.app.db.apply({TABLE: changes(stones)})
    return ids


def test_a_removed_archives_objects_go_to_the_trash_and_nothing_else_does(ids: Inside, place: Place, stored: str) -> None:
    kept = ids.put(b"kept")
    ids.wait_remote(kept)
    gone = {key for key, one in place.objects.items() if one.archive_id == stored}
    stranger = place.duplicate(next(iter(gone)))
    remove(ids, stored)
    assert ids.ask("integrity/tombstones")["due"] == 6
    assert trashed(place) == set()
    assert ids.app.tombstones.run() == 6
    assert trashed(place) == gone
    assert not place.objects[stranger].trashed
    assert ids.ask("integrity/tombstones") == {
        "due": 0, "waiting": 0, "bytes": 0, "objects": [], "held_back": [], "to_confirm": {},
    }  # fmt: skip


def test_the_dry_run_shows_what_is_due_and_when_and_changes_nothing(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, grace_days=7) as inside:
        inside.connect(tmp_path / "ids", "ids")
        bury(inside, place, 3, size_bytes=3)
        shown = inside.ask("integrity/tombstones", limit=2)
        assert (shown["due"], shown["waiting"], shown["bytes"], len(shown["objects"])) == (0, 3, 0, 2)
        first = shown["objects"][0]
        assert (first["archive_id"], first["name"], first["reason"]) == ("gone-archive", "00000000", "removed")
        assert clock.from_iso(first["due_at"]) - clock.from_iso(first["at"]) == timedelta(days=7)
        assert len(list(all_of(inside.app.db))) == 3


def adopting(inside: Inside, on: bool) -> None:
    inside.app.connections.change(connection(inside), adopting="younger than what lies there" if on else None)


def invalid(inside: Inside, on: bool) -> None:
    inside.app.connections.change(connection(inside), valid=not on)


def broken_ledger(inside: Inside, on: bool) -> None:
    if on:
        inside.app.library.broken["broken-0001"] = "a record is wrong"
    else:
        inside.app.library.broken.clear()


def damaged_catalog(inside: Inside, on: bool) -> None:
    if on:
        inside.app.problems.raise_("catalog_lost", "catalog", "it was gone", "verify", needs_you=True)
    else:
        inside.app.problems.clear_about("catalog")


def damaged_archive(inside: Inside, on: bool) -> None:
    (archive_id,) = inside.app.library.ids()
    ledger = inside.app.library.ledger(archive_id)
    ledger.uncached(0, "as the test wants it") if on else ledger.cached(0)
    inside.app.library.changed(archive_id)


def unclean_check(inside: Inside, on: bool) -> None:
    if on:
        lost = next(key for key, one in inside_place(inside).objects.items() if one.name == "00000001" and one.archive_id != "gone-archive")
        kept = inside_place(inside).objects.pop(lost)
        inside.job("integrity/verify", remote=True)
        inside_place(inside).objects[lost] = kept
    else:
        inside.ask("transfer/resume")
        inside.wait_remote(inside.app.library.ids()[0])
        inside.job("integrity/verify", remote=True)


def inside_place(inside: Inside) -> Place:
    place: Place = inside.app.connections.remote(connection(inside)).place  # type: ignore[attr-defined]
    return place


def early_clock(inside: Inside, on: bool) -> None:
    (archive_id,) = inside.app.library.ids()
    created = inside.app.library.archive(archive_id).created_at
    inside.app.library.update(archive_id, created_at=created + timedelta(days=1 if on else -1))


@pytest.mark.parametrize("hold", [adopting, invalid, broken_ledger, damaged_catalog, damaged_archive, unclean_check, early_clock])
def test_nothing_is_trashed_after_any_inconsistency_and_the_dry_run_says_why(
    ids: Inside, place: Place, stored: str, hold: Callable[[Inside, bool], None]
) -> None:
    ids.ask("transfer/pause")
    buried = bury(ids, place, 2)
    hold(ids, True)
    assert ids.app.tombstones.run() == 0
    assert trashed(place) == set()
    assert len(ids.ask("integrity/tombstones")["held_back"]) == 1
    hold(ids, False)
    assert ids.ask("integrity/tombstones")["held_back"] == []
    assert ids.app.tombstones.run() == 2
    assert trashed(place) == set(buried)
    assert stored


def test_an_object_that_is_not_what_its_tombstone_says_is_left_alone_and_holds_up_no_other(ids: Inside, place: Place) -> None:
    buried = bury(ids, place, 5, size_bytes=3)
    place.objects[buried[0]] = Kept("other-archive", "00000000", b"old")
    place.objects[buried[1]] = Kept("gone-archive", "00000007", b"old")
    place.objects[buried[2]] = Kept("gone-archive", "00000002", b"grown")
    ids.app.settings.set("trash_per_run", 3)
    assert ids.app.tombstones.run() == 0
    assert ids.app.tombstones.run() == 2
    assert trashed(place) == set(buried[3:])
    assert len(ids.ask("integrity/tombstones")["held_back"]) == 3


def test_what_the_remote_refuses_to_trash_holds_up_no_other(ids: Inside, place: Place) -> None:
    buried = bury(ids, place, 2)
    place.raises["trash"] = [RemoteRefused("it is no object of this appliance")]
    assert ids.app.tombstones.run() == 1
    assert trashed(place) == {buried[1]}


def test_no_more_than_trash_per_run_go_in_one_run(ids: Inside, place: Place) -> None:
    bury(ids, place, 5)
    ids.app.settings.set("trash_per_run", 2)
    assert [ids.app.tombstones.run() for _ in range(4)] == [2, 2, 1, 0]


def test_a_line_that_is_cut_loses_no_tombstone(ids: Inside, place: Place) -> None:
    buried = bury(ids, place, 3)
    place.raises["stat"] = [RemoteAway("the line is cut")]
    assert ids.app.tombstones.run() == 0
    assert len(list(all_of(ids.app.db))) == 3
    assert ids.app.tombstones.run() == 3
    assert trashed(place) == set(buried)


def test_a_run_that_is_stopped_ends_between_two_objects(ids: Inside, place: Place) -> None:
    bury(ids, place, 3)
    stopped = threading.Event()
    place.before = lambda method: stopped.set() if method == "trash" else None
    assert ids.app.tombstones.run(stopped.is_set) == 1
    assert len(list(all_of(ids.app.db))) == 2


def test_the_tombstones_of_an_archive_that_came_back_are_dropped_whatever_its_ids_look_like(ids: Inside, place: Place, stored: str) -> None:
    at = clock.iso(clock.now())
    mine = [key for key, one in place.objects.items() if one.archive_id == stored]
    stones = [
        Tombstone(
            connection_id=connection(ids), remote_id=each, archive_id=stored, name=place.objects[each].name, reason=REMOVED, at=at
        )
        for each in mine
    ]  # fmt: skip
    ids.app.db.apply({TABLE: changes(stones)})
    assert ids.app.tombstones.run() == 0
    assert list(all_of(ids.app.db)) == []
    assert trashed(place) == set()


@pytest.mark.parametrize("name", ["00000001", MANIFEST_NAME])
def test_what_the_ledger_of_a_living_archive_names_is_never_trashed_whatever_a_tombstone_says(
    ids: Inside, place: Place, stored: str, name: str
) -> None:
    (named,) = place.named(stored, name)
    stone = Tombstone(
        connection_id=connection(ids), remote_id=named, archive_id=stored, name=name, reason="replaced", at=clock.iso(clock.now())
    )
    ids.app.db.apply({TABLE: changes([stone])})
    ids.ask("transfer/pause")
    ledger = ids.app.library.ledger(stored)
    if name != MANIFEST_NAME:
        ledger.unstored(connection(ids), 1, "planned only: it is about to be sent again")
    assert ids.app.tombstones.run() == 0
    assert trashed(place) == set()


def test_a_catalog_that_is_younger_than_a_full_remote_trashes_nothing_there(tmp_path: Path, place: Place, content: bytes) -> None:
    with with_ids(tmp_path / "old", place) as inside:
        (tmp_path / "ids").mkdir()
        inside.connect(tmp_path / "ids", "ids")
        inside.wait_remote(inside.put(content))
    before = dict(place.objects)
    with with_ids(tmp_path / "fresh", place, undo_days=0, grace_days=0) as inside:
        inside.connect(tmp_path / "ids", "ids")
        assert inside.job("integrity/orphans")["result"]["orphans"]
        inside.job("integrity/verify")
        inside.app.placement.expire(inside.app.witness.is_older)
        assert inside.app.tombstones.run() == 0
        assert place.objects == before


# Very many at once


def test_many_at_once_wait_for_a_person_who_confirms_their_number(ids: Inside, place: Place) -> None:
    bury(ids, place, 101)
    assert ids.app.tombstones.run() == 0
    assert "101 objects are due" in ids.problems()["many_tombstones"]
    shown = ids.ask("integrity/tombstones")
    assert shown["to_confirm"] == {connection(ids): 101}
    assert len(shown["held_back"]) == 1
    with pytest.raises(Refused, match="101 objects"):
        ids.ask("integrity/bury", connection="ids", objects=100)
    ids.ask("integrity/bury", connection="ids", objects=101)
    assert ids.app.tombstones.run() == 101
    assert "many_tombstones" not in ids.problems()
    bury(ids, place, 102)  # a word is good for what it was given for, and for no more
    assert ids.app.tombstones.run() == 0


def test_a_hundred_need_no_word(ids: Inside, place: Place) -> None:
    bury(ids, place, 100)
    assert ids.app.tombstones.run() == 100


@pytest.mark.parametrize(("due", "gone"), [(120, 120), (121, 0)])
def test_a_fifth_of_all_that_is_there_needs_no_word(ids: Inside, place: Place, due: int, gone: int) -> None:
    buried = bury(ids, place, 600)
    later = clock.iso(clock.now() + timedelta(days=1))
    stones = [
        Tombstone(connection_id=connection(ids), remote_id=each, archive_id="gone-archive", name=batch_name(n), reason=REMOVED, at=later)
        for n, each in enumerate(buried)
        if n >= due
    ]
    ids.app.db.apply({TABLE: changes(stones)})
    assert ids.app.tombstones.run() == gone


# The clock


def test_a_clock_that_jumps_ahead_makes_no_tombstone_old(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_ids(tmp_path, place, grace_days=7) as inside:
        inside.connect(tmp_path / "ids", "ids")
        bury(inside, place, 3)
        inside.app.witness.keep()
        right = clock.now
        monkeypatch.setattr(clock, "now", lambda: right() + timedelta(days=365))
        inside.app.witness.keep()
        assert inside.ask("integrity/tombstones")["due"] == 0
        assert inside.app.tombstones.run() == 0
        assert trashed(place) == set()


def test_a_tombstone_written_before_archive_and_name_were_kept_is_still_carried_out(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", grace_days=0) as inside:
        where = inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"content")
        inside.wait_remote(archive_id)
        batch = inside.remote_folder(tmp_path / "disk", archive_id) / "00000000"
        inside.app.library.forget(archive_id, {})
        remote_id = f"{archive_id}/00000000"
        document = {
            "connection_id": where,
            "remote_id": remote_id,
            "reason": "removed",
            "at": clock.iso(datetime.fromisoformat("2026-01-02T00:00:00Z")),
        }
        inside.app.db.apply({TABLE: {f"{where}:{remote_id}": document}})
        assert inside.app.tombstones.run() == 1
        assert not batch.exists()
