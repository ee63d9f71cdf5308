"""Emptying our folder on a connection, and the trash that follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import Refused, RemoteAway
from appliance.integrity.listing import list_archive
from appliance.remotes.layout import batch_name
from appliance.tombstone import REMOVED, TABLE, Tombstone, all_of, changes
from tests.appliance.integrity.id_remote import BATCH, Kept, Place, with_ids
from tests.inside import Inside
from tests.waiting import wait_for

COPY = Kept("catalog", "catalog-20261124T035507Z.json", b"{}")


@pytest.fixture
def two(ids: Inside, place: Place, stored: str, tmp_path: Path) -> str:
    """The archive is whole on ``ids``, which is not active any more, and on a disk, which is."""
    place.objects["copy"] = COPY
    ids.connect(tmp_path / "disk")
    wait_whole(ids, stored, "disk")
    return stored


def wait_whole(inside: Inside, archive_id: str, name: str) -> None:
    connection = inside.app.connections.find(name).id

    def is_whole() -> bool:
        standing = inside.app.library.view(archive_id).standings.get(connection)
        return standing is not None and standing.rung == "remote" and not standing.manifest_due

    wait_for(is_whole)


def empty(inside: Inside, confirm: str | None = None) -> Any:
    return inside.job("connection/empty", connection="ids", confirm=confirm)


def refusal(job: Any) -> str:
    assert (job["state"], job["error"]["code"]) == ("failed", "refused"), job
    return str(job["error"]["message"])


def test_a_dry_run_counts_and_changes_nothing(ids: Inside, place: Place, two: str, content: bytes) -> None:
    before = dict(place.objects)
    job = empty(ids)
    size = sum(len(one.content) for one in place.objects.values())
    assert job["result"] == {"objects": 7, "bytes": size, "archives": 1, "dry_run": True}
    assert place.objects == before
    assert ids.app.library.ledger(two).stored_count(ids.app.connections.find("ids").id) == 5
    assert size > len(content)


def test_everything_of_ours_goes_to_the_trash_and_nothing_counts_there_any_more(
    ids: Inside, place: Place, two: str, content: bytes
) -> None:
    where = ids.app.connections.find("ids").id
    stone = Tombstone(connection_id=where, remote_id="old", archive_id="gone-archive", name=batch_name(0), reason=REMOVED, at=None)
    ids.app.db.apply({TABLE: changes([stone])})
    place.objects["old"] = Kept("gone-archive", batch_name(0), b"old")
    job = empty(ids, "ids")
    assert (job["result"]["objects"], job["result"]["dry_run"], job["done_bytes"]) == (8, False, job["total_bytes"])
    assert all(one.trashed for one in place.objects.values())
    assert where not in ids.app.library.ledger(two).connections()
    assert list(all_of(ids.app.db)) == []
    assert ids.show(two)["rung"] == "remote"
    assert ids.local_bytes(two) == content
    job = empty(ids, "ids")
    assert job["result"]["objects"] == 0


def test_it_is_confirmed_by_typing_the_name(ids: Inside, place: Place, two: str) -> None:
    with pytest.raises(Refused, match="type the connection's name"):
        ids.ask("connection/empty", connection="ids", confirm="yes")
    assert not any(one.trashed for one in place.objects.values())
    assert two


def test_an_only_copy_is_never_emptied(ids: Inside, place: Place, two: str) -> None:
    ids.release(two)
    ids.ask("transfer/pause")
    disk = ids.app.connections.find("disk").id
    ids.app.library.ledger(two).unstored(disk, 1, "as the test wants it")
    ids.app.library.changed(two)
    assert "only copy" in refusal(empty(ids))
    assert "only copy" in refusal(empty(ids, "ids"))
    assert not any(one.trashed for one in place.objects.values())


def test_a_removed_archive_that_can_be_undone_counts_as_well(ids: Inside, place: Place, two: str) -> None:
    ids.release(two)
    ids.ask("transfer/pause")
    ids.ask("archive/remove", archive=two)
    disk = ids.app.connections.find("disk").id
    ids.app.library.ledger(two).unstored(disk, 1, "as the test wants it")
    ids.app.library.changed(two)
    assert "only copy" in refusal(empty(ids, "ids"))
    assert place.objects


def test_what_this_appliance_does_not_know_may_be_an_only_copy(ids: Inside, place: Place, two: str) -> None:
    place.objects["stranger"] = Kept("stranger-0001", batch_name(0), b"all that there is")
    assert "does not know (stranger-0001 is one)" in refusal(empty(ids, "ids"))
    place.trash("stranger")
    assert empty(ids, "ids")["state"] == "done"
    assert two


@pytest.mark.parametrize("hindrance", ["active", "adopting", "broken"])
def test_it_is_refused_while_active_in_adopt_mode_or_with_damaged_ledgers(ids: Inside, place: Place, two: str, hindrance: str) -> None:
    where = ids.app.connections.find("ids").id
    if hindrance == "active":
        ids.ask("connection/activate", connection="ids")
    elif hindrance == "adopting":
        ids.app.connections.change(where, adopting="younger than what lies there")
    else:
        ids.app.library.broken["broken-0001"] = "a record is wrong"
    refusal(empty(ids, "ids"))
    assert not any(one.trashed for one in place.objects.values())
    assert ids.app.library.ledger(two).stored_count(where) == 5


def test_cut_off_in_the_middle_nothing_counts_there_and_asked_again_it_goes_on(ids: Inside, place: Place, two: str) -> None:
    def cut(method: str) -> None:
        if method == "trash" and place.calls["trash"] == 3:
            place.before = lambda _: None
            raise RemoteAway("the line is cut")

    place.before = cut
    assert empty(ids, "ids")["state"] == "failed"
    assert sum(one.trashed for one in place.objects.values()) == 3
    assert ids.app.connections.find("ids").id not in ids.app.library.ledger(two).connections()
    assert empty(ids, "ids")["result"]["objects"] == 4
    assert all(one.trashed for one in place.objects.values())


def test_a_connection_that_was_emptied_can_be_filled_again(ids: Inside, place: Place, two: str, content: bytes) -> None:
    empty(ids, "ids")
    ids.ask("connection/activate", connection="ids")
    wait_whole(ids, two, "ids")
    sent = [one.content for one in place.objects.values() if one.name == batch_name(1) and not one.trashed]
    assert sent == [content[BATCH : 2 * BATCH]]


def test_a_release_does_not_rely_on_a_connection_that_is_emptied_meanwhile(
    ids: Inside, two: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(*arguments: Any) -> Any:
        listing = list_archive(*arguments)
        arguments[0].forget(arguments[1])
        return listing

    monkeypatch.setattr("appliance.placement.list_archive", listed)
    assert "emptied meanwhile" in refusal(ids.job("archive/release", archive=two))
    assert ids.local_bytes(two) == content


# The trash


def look(inside: Inside, *, purge: bool = False, connection: str = "ids") -> Any:
    return inside.job("connection/trash", connection=connection, purge=purge)["result"]


def test_the_trash_is_shown_with_its_size_and_emptied_when_asked(ids: Inside, place: Place, stored: str) -> None:
    place.objects["old"] = Kept("gone-archive", batch_name(0), b"old", trashed=True)
    place.objects["older"] = replace(COPY, trashed=True)
    expected = {"objects": 2, "bytes": 5, "kept": 0}
    assert look(ids) == {**expected, "purged": 0}
    assert "old" in place.objects
    assert look(ids, purge=True) == {**expected, "purged": 2}
    assert {"old", "older"} & set(place.objects) == set()
    assert ids.job("integrity/verify", remote=True)["result"]["damage_left"] == 0
    assert stored


def test_what_an_archive_needs_is_never_deleted_from_the_trash(ids: Inside, place: Place, stored: str) -> None:
    ids.ask("transfer/pause")
    needed = [place.named(stored, name)[0] for name in (batch_name(0), batch_name(4), "manifest.json")]
    for each in needed:
        place.trash(each)
    assert look(ids, purge=True) == {"objects": 3, "bytes": sum(len(place.objects[e].content) for e in needed), "kept": 3, "purged": 0}
    assert ids.job("integrity/verify", remote=True)["result"]["damage_left"] == 0


def test_a_bad_copy_in_the_trash_stays_while_no_good_one_is_known(ids: Inside, place: Place, stored: str) -> None:
    ids.ask("transfer/pause")
    (batch,) = place.named(stored, batch_name(2))
    bad = place.duplicate(batch)
    place.flip(bad)
    place.trash(bad)
    where = ids.app.connections.find("ids").id
    ledger = ids.app.library.ledger(stored)
    ledger.unstored(where, 2, "as the test wants it")
    ledger.uncached(2, "as the test wants it")
    assert look(ids, purge=True)["kept"] == 1
    ledger.cached(2)
    assert look(ids, purge=True)["purged"] == 1


def test_a_folders_trash_is_emptied_of_what_was_replaced(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * (BATCH + 1))
        inside.wait_remote(archive_id)
        batch = inside.remote_folder(tmp_path / "disk", archive_id) / "00000001"
        batch.write_bytes(b"y")
        assert inside.job("integrity/verify", remote=True, repair=True)["result"]["damage_left"] == 0
        assert look(inside, purge=True, connection="disk") == {"objects": 1, "bytes": 1, "kept": 0, "purged": 1}
        assert batch.read_bytes() == b"x"


@pytest.mark.parametrize("hindrance", ["adopting", "broken"])
def test_nothing_is_deleted_for_ever_while_nobody_can_tell_what_is_needed(ids: Inside, place: Place, hindrance: str) -> None:
    place.objects["old"] = Kept("gone-archive", batch_name(0), b"old", trashed=True)
    if hindrance == "adopting":
        ids.app.connections.change(ids.app.connections.find("ids").id, adopting="younger than what lies there")
    else:
        ids.app.library.broken["broken-0001"] = "a record is wrong"
    assert ids.job("connection/trash", connection="ids", purge=True)["state"] == "failed"
    assert "old" in place.objects
    assert look(ids)["objects"] == 1


def test_the_only_copy_of_a_local_archive_is_no_hindrance(tmp_path: Path, place: Place, content: bytes) -> None:
    with with_ids(tmp_path, place) as inside:
        inside.connect(tmp_path / "ids", "ids")
        archive_id = inside.put(content)
        inside.wait_remote(archive_id)
        inside.ask("transfer/pause")
        inside.connect(tmp_path / "disk")
        assert empty(inside, "ids")["state"] == "done"
        assert inside.show(archive_id)["rung"] == "received"
        assert inside.local_bytes(archive_id) == content
