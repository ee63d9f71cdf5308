"""What no ledger knows on a remote where names are not unique: listed one by one, taken up where it fits, never deleted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.remotes.layout import MANIFEST_NAME, batch_name
from appliance.tombstone import REPLACED, TABLE, Tombstone, changes
from tests.appliance.integrity.id_remote import BATCH, Kept, Place, with_ids
from tests.inside import Inside
from tests.waiting import wait_for


def orphans(inside: Inside, *, adopt: bool = False) -> list[dict[str, Any]]:
    job = inside.job("integrity/orphans", adopt=adopt)
    assert job["state"] == "done", job
    assert job["result"]["unknown"] == []
    return list(job["result"]["orphans"])


def lose(inside: Inside, archive_id: str) -> None:
    """As after the loss of catalog, ledger and store."""
    inside.ask("transfer/pause")
    inside.app.library.forget(archive_id, {})
    shutil.rmtree(inside.data / "store" / archive_id)


def restored(inside: Inside, archive_id: str) -> bytes:
    inside.ask("transfer/resume")
    inside.ask("archive/restore", archive=archive_id)
    inside.wait_local(archive_id)
    return inside.local_bytes(archive_id)


def test_duplicates_are_listed_one_by_one_and_kept(ids: Inside, place: Place, stored: str) -> None:
    (batch,), (manifest,) = place.named(stored, batch_name(1)), place.named(stored, MANIFEST_NAME)
    copies = {place.duplicate(batch), place.duplicate(batch), place.duplicate(manifest)}
    before = dict(place.objects)
    assert {each["remote_id"] for each in orphans(ids)} == copies
    found = orphans(ids, adopt=True)
    assert {(each["name"], each["adopted"], each["why_not"]) for each in found} == {
        (batch_name(1), False, "this batch is stored under another id already"),
        (MANIFEST_NAME, False, "the archive has a manifest of its own"),
    }
    assert place.objects == before


def test_a_batch_that_the_archives_table_describes_is_taken_up_where_it_is_not_stored(ids: Inside, place: Place, stored: str) -> None:
    ids.ask("transfer/pause")
    (batch,) = place.named(stored, batch_name(1))
    right, wrong = place.duplicate(batch), place.duplicate(batch)
    place.flip(wrong)
    connection = ids.app.connections.find("ids").id
    del place.objects[batch]
    ids.job("integrity/verify", remote=True)
    found = {each["remote_id"]: (each["adopted"], each["why_not"] is None) for each in orphans(ids, adopt=True)}
    assert found == {right: (True, True), wrong: (False, False)}
    assert ids.app.library.ledger(stored).remote_id(connection, 1) == right
    assert ids.app.library.ledger(stored).stored_count(connection) == 5
    puts = place.calls["put"]
    ids.ask("transfer/resume")
    wait_for(lambda: ids.app.library.ledger(stored).manifest_is_current(connection))  # it names another id now
    assert place.calls["put"] == puts + 1
    assert ids.job("integrity/verify", remote=True)["result"]["damage_left"] == 0


def test_what_has_a_tombstone_and_copies_of_the_catalog_are_no_orphans(ids: Inside, place: Place, stored: str) -> None:
    (batch,) = place.named(stored, batch_name(1))
    bad = place.duplicate(batch)
    connection = ids.app.connections.find("ids").id
    stone = Tombstone(connection_id=connection, remote_id=bad, archive_id=stored, name=batch_name(1), reason=REPLACED, at=None)
    ids.app.db.apply({TABLE: changes([stone])})
    place.objects["copy"] = Kept("catalog", "catalog-20261124T035507Z.json", b"{}")
    place.objects["in-trash"] = Kept("gone-archive", batch_name(0), b"x", trashed=True)
    assert orphans(ids) == []


@pytest.mark.parametrize("bad_first", [False, True])
def test_an_archive_is_adopted_although_objects_are_there_several_times_some_of_them_bad(
    ids: Inside, place: Place, stored: str, content: bytes, bad_first: bool
) -> None:
    for name in (batch_name(0), batch_name(3), MANIFEST_NAME):
        (one,) = place.named(stored, name)
        place.flip(place.duplicate(one))
    place.objects = {key: place.objects[key] for key in sorted(place.objects, key=lambda key: key.startswith("copy"), reverse=bad_first)}
    lose(ids, stored)
    (found,) = orphans(ids, adopt=True)
    assert (found["adopted"], found["why_not"]) == (True, None)
    assert ids.show(stored)["rung"] == "remote"
    assert restored(ids, stored) == content


def test_of_two_manifests_the_one_that_describes_what_is_there_counts(ids: Inside, place: Place, stored: str, content: bytes) -> None:
    (one,) = place.named(stored, MANIFEST_NAME)
    other = json.loads(place.objects[one].content)
    other["title"] = "of a file that was there before"
    for row in other["batches"]:
        row["sha256"] = "ab" * 32
    place.objects = {"other": Kept(stored, MANIFEST_NAME, json.dumps(other).encode()), **place.objects}
    lose(ids, stored)
    assert orphans(ids, adopt=True)[0]["adopted"]
    assert ids.show(stored)["title"] == "file.bin"
    assert restored(ids, stored) == content


def test_ids_in_a_manifest_are_believed_in_nothing(ids: Inside, place: Place, stored: str, content: bytes) -> None:
    (one,) = place.named(stored, MANIFEST_NAME)
    hostile = json.loads(place.objects[one].content)
    place.objects["bait"] = Kept("other-archive", batch_name(0), b"x" * BATCH)
    for row in hostile["batches"]:
        row["remote_id"] = "bait"
    place.objects[one] = replace(place.objects[one], content=json.dumps(hostile).encode())
    lose(ids, stored)
    orphans(ids, adopt=True)
    connection = ids.app.connections.find("ids").id
    assert "bait" not in ids.app.library.ledger(stored).remote_ids(connection)
    assert restored(ids, stored) == content
    # What it says is not what we know: it is written anew, and not taken for current.
    wait_for(lambda: ids.app.library.ledger(stored).manifest_is_current(connection))
    assert not any(b"bait" in one.content for one in place.objects.values() if one.name == MANIFEST_NAME and one.content)


def test_a_ledger_that_is_made_again_finds_its_batches_without_a_manifest_and_nothing_is_sent_twice(
    tmp_path: Path, place: Place, content: bytes
) -> None:
    with with_ids(tmp_path, place) as inside:
        inside.connect(tmp_path / "ids", "ids")
        archive_id = inside.put(content)
        inside.wait_remote(archive_id)
    (inside.data / "ledger" / archive_id).unlink()
    (manifest,) = place.named(archive_id, MANIFEST_NAME)
    place.flip(manifest)
    place.calls.clear()
    with with_ids(tmp_path, place) as inside:
        wait_for(lambda: not inside.app.library.broken and archive_id in inside.app.library.views)
        inside.wait_remote(archive_id)
        assert place.calls["put"] == 1  # a manifest
        assert all(len(place.named(archive_id, batch_name(index))) == 1 for index in range(5))
