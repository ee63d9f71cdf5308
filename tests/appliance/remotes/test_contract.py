"""What every remote promises, whatever its kind."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from appliance.errors import BadRequest, LocalDamaged, RemoteAway, RemoteDamaged, RemoteForeign, RemoteTaken, Stopped
from appliance.remotes.layout import MANIFEST_NAME
from appliance.remotes.remote import PIECE_BYTES, Remote
from tests.appliance.remotes.rigs import ARCHIVE, CountingGate, Reader, Rig, Sessions, StopAfterCalls, planned, put
from tests.waiting import wait_for

CONTENT = os.urandom(3 * PIECE_BYTES + 4711)
PIECES = 4
NAME = "00000000"


def get(remote: Remote, remote_id: str, offset_bytes: int, size_bytes: int, gate: CountingGate | None = None) -> bytes:
    return b"".join(remote.get(remote_id, offset_bytes, size_bytes, gate or CountingGate()))


@pytest.mark.parametrize("size_bytes", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, len(CONTENT)])
def test_what_is_put_is_reported_and_comes_back_byte_for_byte(rig: Rig, size_bytes: int) -> None:
    reader = Reader(CONTENT[:size_bytes])
    stored = put(rig.remote, NAME, reader)
    assert (stored.archive_id, stored.name, stored.size_bytes, stored.sha256, stored.trashed) == (
        ARCHIVE, NAME, size_bytes, reader.sha256, False,
    )  # fmt: skip
    assert rig.remote.stat(stored.remote_id) == stored
    assert get(rig.remote, stored.remote_id, 0, size_bytes) == CONTENT[:size_bytes] == rig.stored_bytes(stored.remote_id)


@pytest.mark.parametrize("stopped_at", range(PIECES + 1))
def test_an_upload_stopped_at_any_piece_goes_on_in_another_process_and_sends_nothing_twice(rig: Rig, stopped_at: int) -> None:
    sessions, reader = Sessions(), Reader(CONTENT)
    try:
        put(rig.remote, NAME, reader, CountingGate(until_bytes=stopped_at * PIECE_BYTES), sessions)
    except Stopped:
        wait_for(lambda: rig.moved_bytes() == stopped_at * PIECE_BYTES, what="what was sent")
    gate = CountingGate()
    stored = put(rig.restarted(), NAME, reader, gate, sessions)
    assert rig.stored_bytes(stored.remote_id) == CONTENT
    assert rig.moved_bytes() == len(CONTENT)
    assert sum(gate.passed) == max(0, len(CONTENT) - stopped_at * PIECE_BYTES)


@pytest.mark.parametrize("calls", range(3 * PIECES))
def test_an_upload_stopped_at_any_call_of_its_gate_goes_on(rig: Rig, calls: int) -> None:
    reader, sessions = Reader(CONTENT), Sessions()
    try:
        put(rig.remote, NAME, reader, StopAfterCalls(calls), sessions)
    except Stopped:
        for _ in rig.remote.list_objects(ARCHIVE, CountingGate()):
            pytest.fail("an object is listed that was not proved")
    stored = put(rig.restarted(), NAME, reader, None, sessions)
    assert rig.stored_bytes(stored.remote_id) == CONTENT
    assert rig.moved_bytes() == len(CONTENT)


def test_a_repeated_put_moves_nothing(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    moved, gate = rig.moved_bytes(), CountingGate()
    assert put(rig.restarted(), NAME, Reader(CONTENT), gate) == stored
    assert (rig.moved_bytes(), sum(gate.passed)) == (moved, 0)


def test_a_manifest_that_stands_there_with_other_bytes_is_replaced(rig: Rig) -> None:
    sessions = Sessions()
    put(rig.remote, MANIFEST_NAME, Reader(b"an older manifest"), None, sessions)
    stored = put(rig.remote, MANIFEST_NAME, Reader(b"the manifest"), None, sessions)
    assert rig.stored_bytes(stored.remote_id) == b"the manifest"
    assert list(rig.remote.list_objects(ARCHIVE, CountingGate())) == [stored]


def test_a_batch_that_stands_there_with_other_bytes_is_replaced_or_taken(rig: Rig) -> None:
    before = put(rig.remote, NAME, Reader(b"other bytes"))
    if rig.replaces_batches:
        stored = put(rig.remote, NAME, Reader(b"the batch"))
        assert rig.stored_bytes(stored.remote_id) == b"the batch"
        return
    with pytest.raises(RemoteTaken):
        put(rig.remote, NAME, Reader(b"the batch"))
    assert rig.stored_bytes(before.remote_id) == b"other bytes"


def test_pieces_are_as_small_as_the_gate_wants_them(rig: Rig) -> None:
    gate = CountingGate(piece_bytes=1000)
    stored = put(rig.remote, NAME, Reader(CONTENT[:5500]), gate)
    assert [size for size in gate.passed if size] == [1000] * 5 + [500]
    assert rig.stored_bytes(stored.remote_id) == CONTENT[:5500]


def test_a_local_copy_that_is_damaged_leaves_no_object(rig: Rig) -> None:
    with pytest.raises(LocalDamaged):
        put(rig.remote, NAME, Reader(CONTENT[:-1] + b"?", claimed=CONTENT))
    assert rig.remote.stat(planned(rig.remote, NAME)) is None
    stored = put(rig.remote, NAME, Reader(CONTENT))
    assert rig.stored_bytes(stored.remote_id) == CONTENT


@pytest.mark.parametrize("harm", ["flipped", "shortened"])
def test_damage_is_seen_by_stat_and_by_the_listing_and_mended_by_a_put(rig: Rig, harm: str) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    if harm == "flipped":
        rig.flip(stored.remote_id, len(CONTENT) // 2)
    else:
        rig.shorten(stored.remote_id, 5)
    seen = rig.remote.stat(stored.remote_id)
    assert seen is not None
    assert (seen.size_bytes, seen.sha256) != (stored.size_bytes, stored.sha256)
    assert list(rig.remote.list_objects(ARCHIVE, CountingGate())) == [seen]
    if rig.replaces_batches:
        assert put(rig.remote, NAME, Reader(CONTENT)) == rig.remote.stat(stored.remote_id) == stored
        return
    with pytest.raises(RemoteTaken):
        put(rig.remote, NAME, Reader(CONTENT))
    (other,) = rig.remote.new_ids(ARCHIVE, [NAME])
    mended = rig.remote.put(other, ARCHIVE, NAME, Reader(CONTENT), None, Sessions().confirmed, CountingGate())
    assert rig.remote.stat(other) == mended
    assert mended.sha256 == stored.sha256


def test_the_end_that_is_missing_is_damage_and_not_the_end(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    rig.shorten(stored.remote_id, len(CONTENT) - 1)
    with pytest.raises(RemoteDamaged):
        get(rig.remote, stored.remote_id, 0, len(CONTENT))


def test_any_range_can_be_fetched_in_pieces(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    for offset, size in [(0, 1), (PIECE_BYTES - 1, 2), (17, 2 * PIECE_BYTES), (len(CONTENT) - 1, 1), (5, 0)]:
        gate = CountingGate()
        assert get(rig.remote, stored.remote_id, offset, size, gate) == CONTENT[offset : offset + size]
        assert max(gate.passed, default=0) <= PIECE_BYTES
        assert sum(gate.passed) == size


def test_a_fetch_and_a_listing_end_when_told_to(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    with pytest.raises(Stopped):
        get(rig.remote, stored.remote_id, 0, len(CONTENT), CountingGate(until_bytes=PIECE_BYTES))
    with pytest.raises(Stopped):
        list(rig.remote.list_objects(ARCHIVE, StopAfterCalls(0)))


def test_what_is_absent_is_none_and_a_fetch_of_it_damage(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    rig.lose(stored.remote_id)
    assert rig.remote.stat(stored.remote_id) is None
    assert list(rig.remote.list_objects(ARCHIVE, CountingGate())) == []
    assert list(rig.remote.list_objects("archive-9999", CountingGate())) == []
    with pytest.raises(RemoteDamaged):
        get(rig.remote, stored.remote_id, 0, 1)


def test_nothing_is_known_and_nothing_written_while_the_place_is_away(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    remote, remote_id = rig.remote, stored.remote_id
    rig.take_away()
    for ask in (
        remote.check, remote.probe, remote.prepare, remote.usage, lambda: remote.stat(remote_id), lambda: remote.trash(remote_id),
        lambda: get(remote, remote_id, 0, 1), lambda: list(remote.list_archives()),
        lambda: list(remote.list_objects(ARCHIVE, CountingGate())), lambda: put(remote, "00000001", Reader(CONTENT)),
    ):  # fmt: skip
        with pytest.raises(RemoteAway):
            ask()
    assert not rig.touched_while_away()
    rig.bring_back()
    assert remote.stat(remote_id) == stored


@pytest.mark.parametrize("calls", range(PIECES))
def test_a_place_that_goes_away_in_mid_batch_and_comes_back_loses_nothing(rig: Rig, calls: int) -> None:
    class Unplug(CountingGate):
        def __call__(self, size_bytes: int) -> None:
            super().__call__(size_bytes)
            if len(self.passed) == calls + 1:
                rig.take_away()

    sessions = Sessions()
    with pytest.raises(RemoteAway):
        put(rig.remote, NAME, Reader(CONTENT), Unplug(), sessions)
    assert not rig.touched_while_away()
    rig.bring_back()
    stored = put(rig.remote, NAME, Reader(CONTENT), None, sessions)
    assert rig.stored_bytes(stored.remote_id) == CONTENT
    assert 0 <= rig.moved_bytes() - len(CONTENT) <= rig.sent_again_bytes


def test_a_place_that_goes_away_in_mid_listing_is_unknown_and_not_a_short_list(rig: Rig) -> None:
    for name in ("00000000", "00000001", "00000002"):
        put(rig.remote, name, Reader(name.encode()))
    listing = rig.remote.list_objects(ARCHIVE, CountingGate())
    assert next(listing).name == "00000000"
    rig.take_away()
    if rig.lists_at_once:
        assert [each.name for each in listing] == ["00000001", "00000002"]
        return
    with pytest.raises(RemoteAway):
        list(listing)


def test_the_listing_is_in_order_and_the_archives_are_known(rig: Rig) -> None:
    for name in ("00000002", "manifest.json", "00000000", "00000010"):
        put(rig.remote, name, Reader(name.encode()))
    names = [each.name for each in rig.remote.list_objects(ARCHIVE, CountingGate())]
    assert names == ["00000000", "00000002", "00000010", "manifest.json"]
    assert list(rig.remote.list_archives()) == [ARCHIVE]


def test_what_is_trashed_is_not_there_any_more_and_trashing_again_does_nothing(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    rig.remote.trash(stored.remote_id)
    found = rig.remote.stat(stored.remote_id)
    assert found is None or found.trashed
    rig.remote.trash(stored.remote_id)


def test_who_was_replaced_by_another_appliance_writes_no_more_but_may_read(rig: Rig) -> None:
    stored = put(rig.remote, NAME, Reader(CONTENT))
    rig.become_foreign()
    for write in (
        rig.remote.check, rig.remote.prepare, rig.remote.probe, lambda: rig.remote.trash(stored.remote_id),
        lambda: put(rig.remote, "00000001", Reader(b"")),
    ):  # fmt: skip
        with pytest.raises(RemoteForeign):
            write()
    assert rig.remote.stat(stored.remote_id) == stored


def test_a_ready_place_passes_check_probe_and_prepare_and_tells_its_space(rig: Rig) -> None:
    rig.remote.prepare()
    rig.remote.check()
    rig.remote.probe()
    usage = rig.remote.usage()
    assert usage.limit_bytes is None or 0 <= (usage.free_bytes or 0) <= usage.limit_bytes


def test_several_threads_may_put_at_once(rig: Rig) -> None:
    failures: list[Exception] = []

    def store(index: int) -> None:
        try:
            put(rig.remote, f"{index:08d}", Reader(CONTENT[index:]))
        except Exception as error:  # noqa: BLE001 (handed to the test)
            failures.append(error)

    threads = [threading.Thread(target=store, args=(index,), daemon=True) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    sizes = [each.size_bytes for each in rig.remote.list_objects(ARCHIVE, CountingGate())]
    assert sizes == [len(CONTENT) - index for index in range(6)]


HOSTILE_IDS = [
    "", "/", "..", "../owner.json", f"{ARCHIVE}/../../owner.json", f"/{ARCHIVE}/00000000", f"{ARCHIVE}/", f"{ARCHIVE}/.00000000.part",
    f"{ARCHIVE}/00000000/x", f"{ARCHIVE}//00000000", f"{ARCHIVE}/0000000", f"{ARCHIVE}/00000000\n", f"{ARCHIVE}/00000000\0",
    f"{ARCHIVE}/\u0660" + "0" * 7, "ARCHIVE-0001/00000000", ".trash/00000000", f"{ARCHIVE}/manifest.jsonx", "a" * 5000,
]  # fmt: skip


def test_an_id_that_leads_elsewhere_is_refused_everywhere(rig: Rig) -> None:
    for hostile in HOSTILE_IDS:
        for use in uses_of(rig.remote, hostile):
            with pytest.raises(BadRequest):
                use()


def uses_of(remote: Remote, remote_id: str) -> list[Callable[[], object]]:
    archive_id, _, name = remote_id.partition("/")
    return [
        lambda: remote.stat(remote_id),
        lambda: remote.get(remote_id, 0, 1, CountingGate()),
        lambda: remote.trash(remote_id),
        lambda: remote.put(remote_id, archive_id, name, Reader(b"x"), None, Sessions().confirmed, CountingGate()),
        lambda: remote.new_ids(archive_id, [name]),
    ]


def test_an_archive_id_that_leads_elsewhere_is_not_listed(rig: Rig) -> None:
    for hostile in ("..", ".", "", "../appliance-2", ".trash", "archive-0001/.."):
        with pytest.raises(BadRequest):
            rig.remote.list_objects(hostile, CountingGate())
