"""A bad batch where ids are not names: stored anew under a new id, and the bad one goes only after that."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from appliance.errors import RemoteAway
from appliance.remotes.layout import batch_name
from appliance.tombstone import REPLACED, TABLE, Tombstone, all_of, changes
from appliance.transfer import work
from appliance.transfer.gates import FREE_GATE
from tests.appliance.integrity.id_remote import BATCH, IdRemote, Kept, Place, with_ids
from tests.faults.power import Recorder
from tests.inside import Inside


def stones(inside: Inside) -> list[Tombstone]:
    return list(all_of(inside.app.db))


def damaged(ids: Inside, place: Place, archive_id: str, index: int = 2) -> str:
    """That batch is other bytes now, and a check has found it."""
    (bad,) = place.named(archive_id, batch_name(index))
    place.flip(bad)
    ids.job("integrity/verify", remote=True)
    return bad


def test_a_bad_batch_is_stored_under_a_new_id_and_only_then_the_old_one_gets_its_tombstone(
    ids: Inside, place: Place, stored: str, content: bytes
) -> None:
    ids.ask("transfer/pause")
    bad = damaged(ids, place, stored)
    ids.app.tombstones.run()
    assert stones(ids) == []
    ids.ask("transfer/resume")
    ids.wait_remote(stored)
    assert [(stone.remote_id, stone.reason) for stone in stones(ids)] == [(bad, REPLACED)]
    new = ids.app.library.ledger(stored).remote_id(ids.app.connections.find("ids").id, 2)
    assert new is not None
    assert new != bad
    assert place.objects[new].content == content[2 * BATCH : 3 * BATCH]
    ids.job("integrity/verify", remote=True)  # clean by now: before that nothing is trashed
    ids.app.tombstones.run()
    ids.app.tombstones.run()
    assert [key for key, one in place.objects.items() if one.trashed] == [bad]
    assert stones(ids) == []
    assert ids.show(stored)["health"] == "ok"


def test_while_the_new_one_is_not_stored_the_bad_one_is_noted_and_its_grace_time_does_not_begin(
    ids: Inside, place: Place, stored: str
) -> None:
    ids.ask("transfer/pause")
    bad = damaged(ids, place, stored)

    def cut_what_is_new(method: str) -> None:
        if method == "put" and stones(ids):
            raise RemoteAway("the line is cut")

    place.before = cut_what_is_new
    library, where = ids.app.library, ids.app.connections.find("ids").id
    with pytest.raises(RemoteAway):
        work.upload_batch(library, library.archive(stored), 2, where, IdRemote(place), FREE_GATE)
    ids.app.tombstones.run()
    assert [(stone.remote_id, stone.at) for stone in stones(ids)] == [(bad, None)]
    assert not place.objects[bad].trashed


def test_a_removal_begins_the_grace_time_of_what_was_to_be_replaced(ids: Inside, place: Place, stored: str) -> None:
    ids.ask("transfer/pause")
    bad = damaged(ids, place, stored)
    noted = Tombstone(
        connection_id=ids.app.connections.find("ids").id, remote_id=bad, archive_id=stored, name=batch_name(2), reason=REPLACED, at=None
    )
    ids.app.library.ledger(stored).plan(noted.connection_id, 2, "planned-anew")
    ids.app.db.apply({TABLE: changes([noted])})
    ids.ask("archive/remove", archive=stored)
    ids.app.placement.expire(ids.app.witness.is_older)
    found = {stone.remote_id: stone.at for stone in stones(ids)}
    assert found[bad] is not None
    assert len(found) == 7


def test_the_bad_copy_of_a_released_archive_is_not_replaced_and_can_still_be_fetched(ids: Inside, place: Place, stored: str) -> None:
    ids.release(stored)
    before = dict(place.objects)
    bad = damaged(ids, place, stored)
    ids.app.engine.sync_now()
    ids.app.tombstones.run()
    assert ids.show(stored)["health"] == "lost"
    assert stones(ids) == []
    assert set(place.objects) == set(before)
    assert not place.objects[bad].trashed


def test_a_replacement_that_is_not_right_when_the_old_one_is_to_go_keeps_the_old_one(ids: Inside, place: Place, stored: str) -> None:
    bad = damaged(ids, place, stored)
    ids.wait_remote(stored)
    ids.job("integrity/verify", remote=True)
    new = ids.app.library.ledger(stored).remote_id(ids.app.connections.find("ids").id, 2) or ""
    place.flip(new)  # after the last check: nobody knows yet
    ids.app.tombstones.run()
    ids.app.tombstones.run()
    assert not place.objects[bad].trashed
    assert any("not right there" in why for why in ids.ask("integrity/tombstones")["held_back"])


@pytest.fixture
def before(tmp_path: Path, place: Place, content: bytes) -> Recorder:
    """A recorded life that ends right before a bad batch is stored anew; ``root`` holds the data folder."""
    root = tmp_path / "first"
    root.mkdir()
    with with_ids(root, place, grace_days=0) as inside:
        inside.connect(root / "ids", "ids")
        inside.wait_remote(inside.put(content))
        (bad,) = place.named(inside.app.library.ids()[0], batch_name(2))
        place.flip(bad)
        inside.app.library.ledger(inside.app.library.ids()[0]).unstored(inside.app.connections.find("ids").id, 2, "different")
    return Recorder(root)


def store_anew(root: Path, place: Place) -> None:
    """What a slot of the engine does with the batch, and housekeeping with the tombstone, without their threads."""
    inside = with_ids(root, place, grace_days=0)
    try:
        (archive_id,) = inside.app.library.ids()
        connection = inside.app.connections.find("ids")
        archive = inside.app.library.archive(archive_id)
        if not inside.app.library.ledger(archive_id).is_stored(connection.id, 2):
            work.upload_batch(inside.app.library, archive, 2, connection.id, IdRemote(place), FREE_GATE)
            inside.app.library.changed(archive_id)
        inside.app.tombstones.run()
        inside.app.tombstones.run()
    finally:
        inside.app.stop()


def test_a_replacement_that_is_cut_off_by_a_power_cut_at_any_write_ends_right_and_forgets_no_bad_object(
    tmp_path: Path, place: Place, before: Recorder, content: bytes
) -> None:
    good = content[2 * BATCH : 3 * BATCH]
    (bad,) = [key for key, one in place.objects.items() if one.name == batch_name(2)]
    seen: list[tuple[int, dict[str, Kept]]] = []
    with before:
        place.before = lambda _: seen.append((len(before.operations), dict(place.objects)))
        store_anew(before.root, place)
    place.before = lambda _: None
    seen.append((len(before.operations) + 1, dict(place.objects)))
    cuts = 0
    for prefix in before.prefixes():
        there = remote_at(prefix, seen)
        for variant, objects in itertools.product(before.variants(prefix, 1), there):
            place.objects, cuts = dict(objects), cuts + 1
            root = tmp_path / f"cut-{cuts}"
            variant.materialise(root)
            store_anew(root, place)
            right = [one.content for one in place.objects.values() if one.name == batch_name(2) and not one.trashed]
            assert good in right, f"after {variant.prefix} operations, {variant.name}"
            assert place.objects[bad].trashed, f"after {variant.prefix} operations, {variant.name}"
    assert cuts > 20


def remote_at(prefix: int, seen: list[tuple[int, dict[str, Kept]]]) -> list[dict[str, Kept]]:
    """What the remote may hold when the process is killed after that many operations: before and after what it was asked just then."""
    then = [there for count, there in seen if count == prefix]
    after = next(there for count, there in seen if count > prefix)
    return [*then, after] if after not in then else then
