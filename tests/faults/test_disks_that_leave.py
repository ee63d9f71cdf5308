"""Disks that turn read-only or leave, and come back: said, nothing lost, nothing written where they were, and no restart."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from appliance import durable
from appliance.data_folder import DataFolder
from appliance.durable import Operation
from appliance.errors import ApplianceError, StoreUnavailable
from appliance.remotes.remote import Remote
from tests.faults.disks import MakeDisk, SmallDisk, at_operation, wait_no_problem, wait_problem
from tests.faults.wrapped import Around
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 256 * 1024
HARMS = {"read-only": (SmallDisk.make_read_only, SmallDisk.make_writable), "unmounted": (SmallDisk.unmount, SmallDisk.mount)}
Harm = tuple[Callable[[SmallDisk], None], Callable[[SmallDisk], None]]


@pytest.fixture(params=HARMS)
def harm(request: pytest.FixtureRequest) -> Harm:
    """What is done to the disk, and how it is taken back."""
    return HARMS[request.param]


@pytest.fixture
def store(data: Path, make_disk: MakeDisk) -> SmallDisk:
    """The store on a disk of its own, mounted before the first start."""
    return make_disk(data / "store", 48)


def content(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def commit(inside: Inside, archive_id: str, sent: bytes) -> None:
    inside.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(sent).hexdigest())


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def on_remote(inside: Inside, remote: Path, archive_id: str) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(inside.remote_folder(remote, archive_id).glob("0*")))


@contextlib.contextmanager
def bytes_written(below: Path) -> Iterator[Counter[str]]:
    """How many bytes were written into files below, by their name without ``.part``."""
    counted: Counter[str] = Counter()
    lock = threading.Lock()

    def observe(operation: Operation) -> None:
        if operation.kind == "write" and operation.path.is_relative_to(below):
            with lock:
                counted[operation.path.name.removeprefix(".").removesuffix(".part")] += len(operation.data)

    before, durable.observer = durable.observer, observe
    try:
        yield counted
    finally:
        durable.observer = before


def test_an_upload_waits_for_the_store_and_no_batch_is_called_damaged(data: Path, remote: Path, store: SmallDisk, harm: Harm) -> None:
    sent = content(24 * BATCH)
    with Inside(data, batch_bytes=BATCH, upload_limit_kb_per_s=8000) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        wait_for(lambda: inside.show(archive_id)["batches_stored"] >= 3)
        harm[0](store)
        assert "store" in wait_problem(inside, "store_unavailable", "store").message
        wait_for(lambda: not inside.app.engine.moving)
        if harm is HARMS["unmounted"]:
            assert is_empty(store.place)
        harm[1](store)
        assert inside.show(archive_id)["batches_cached"] == 24
        state = inside.wait_remote(archive_id)
        wait_no_problem(inside)
        assert (state["health"], state["batches_cached"], state["local"]) == ("ok", 24, True)
        assert on_remote(inside, remote, archive_id) == sent


def test_a_store_that_leaves_right_before_a_batch_is_read_makes_no_damage(data: Path, remote: Path, store: SmallDisk) -> None:
    sent = content(4 * BATCH)

    def leave(inner: Remote) -> None:  # called after the store was looked at, before the batch is read
        if store.place.is_mount():
            store.unmount()
        inner.check()

    leaving = Around({})
    with Inside(data, batch_bytes=BATCH, transfers=1, wrap=leaving.around) as inside:
        inside.connect(remote)
        leaving.calls["check"] = leave
        archive_id = inside.put(sent)
        wait_problem(inside, "store_unavailable", "transfer-store")
        assert inside.show(archive_id)["batches_cached"] == 4
        leaving.calls.clear()
        store.mount()
        assert inside.wait_remote(archive_id)["health"] == "ok"
        wait_no_problem(inside)


def test_a_file_on_its_way_in_waits_for_the_store(data: Path, store: SmallDisk, harm: Harm) -> None:
    sent = content(2 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        archive_id = inside.begin(sent)
        with at_operation(lambda each: each.kind == "take", lambda: harm[0](store)):  # before it is hashed
            commit(inside, archive_id, sent)
            problem = wait_problem(inside, "store_unavailable", "intake")
        assert "check its disk" in problem.message or "mount its disk" in problem.message
        assert inside.ask("archive/list")["total"] == 0
        with pytest.raises(StoreUnavailable, match="mount"):
            inside.begin(b"one more")
        if harm is HARMS["unmounted"]:
            assert is_empty(store.place)
        harm[1](store)
        wait_for(lambda: inside.ask("archive/upload", archive_id=archive_id)["state"] == "received")
        assert inside.local_bytes(archive_id) == sent
        wait_no_problem(inside)


def test_a_file_in_the_inbox_stays_there_while_the_store_is_away(data: Path, store: SmallDisk, harm: Harm) -> None:
    sent = content(2 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        source = data / "inbox" / "home" / "film.mkv"
        with at_operation(lambda each: each.kind == "take", lambda: harm[0](store)):
            source.write_bytes(sent)
            wait_problem(inside, "store_unavailable", "inbox/home/film.mkv")
        assert source.read_bytes() == sent
        if harm is HARMS["unmounted"]:
            assert is_empty(store.place)
        harm[1](store)
        wait_for(lambda: not source.exists(), what="the file to leave the inbox")
        [archive] = inside.ask("archive/list")["archives"]
        assert inside.local_bytes(archive["id"]) == sent
        wait_no_problem(inside)
        assert inside.app.db.table("uploads").ids() == []
        assert is_empty(data / "uploads")


def test_a_restore_waits_for_the_store_and_goes_on(data: Path, remote: Path, store: SmallDisk, harm: Harm) -> None:
    sent = content(40 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        # Whatever batches are cached is known to be in the file: the disk leaves between two syncs of it.
        with at_operation(lambda each: each.kind == "sync" and each.path.name == ".restoring", lambda: harm[0](store)):
            inside.ask("archive/restore", archive=archive_id)
            wait_problem(inside, "store_unavailable", "transfer-store")
        wait_for(lambda: not inside.app.engine.moving)
        if harm is HARMS["unmounted"]:
            assert is_empty(store.place)
        harm[1](store)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == sent
        wait_no_problem(inside)


def test_a_store_that_leaves_between_the_look_and_the_write_gets_nothing_into_its_empty_place(
    data: Path, remote: Path, store: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = content(12 * BATCH)
    look, looks = DataFolder.check_store, list[int]()

    def look_and_leave(folder: DataFolder) -> None:
        look(folder)
        if threading.current_thread().name.startswith("slot-"):
            looks.append(len(looks))
            if len(looks) == 2:  # the last one before it writes: as a job begins, and as its room is looked for
                store.unmount()

    with Inside(data, batch_bytes=BATCH, transfers=1) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        monkeypatch.setattr(DataFolder, "check_store", look_and_leave)
        inside.ask("archive/restore", archive=archive_id)
        wait_problem(inside, "store_unavailable", "transfer-store")
        wait_for(lambda: not inside.app.engine.moving)
        assert is_empty(store.place)
        assert inside.show(archive_id)["batches_cached"] == 0
        store.mount()
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == sent


def test_the_end_of_a_restore_waits_for_the_store(data: Path, remote: Path, store: SmallDisk, harm: Harm) -> None:
    sent = content(2 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        ledger = inside.app.library.ledger(archive_id)
        with at_operation(lambda each: each.path.parent.name == "ledger" and ledger.cached_count == 2, lambda: harm[0](store)):
            inside.ask("archive/restore", archive=archive_id)
            wait_problem(inside, "store_unavailable", "transfer-store")
        if harm is HARMS["unmounted"]:
            assert is_empty(store.place)
        with bytes_written(store.place) as written:
            harm[1](store)
            inside.wait_local(archive_id)
        assert written.total() == 0
        assert inside.local_bytes(archive_id) == sent


def test_no_copy_is_called_gone_because_its_disk_is(data: Path, store: SmallDisk) -> None:
    with Inside(data) as inside:
        ids = [inside.put(content(1000, seed), f"{seed}.bin") for seed in range(3)]
    store.unmount()
    with Inside(data) as inside:
        wait_problem(inside, "store_unavailable", "store")
        for archive_id in ids:
            assert inside.show(archive_id)["local"]
            with pytest.raises(StoreUnavailable, match="connect and mount its disk"):
                inside.ask("archive/locate", archive=archive_id)
        assert is_empty(store.place)
        store.mount()
        wait_no_problem(inside)
        assert [inside.local_bytes(archive_id) for archive_id in ids] == [content(1000, seed) for seed in range(3)]
        assert all(inside.show(archive_id)["health"] == "ok" for archive_id in ids)


@pytest.mark.parametrize("verb", ["archive/remove", "archive/undo"])
def test_a_removal_or_its_undo_is_refused_while_the_store_is_away_and_changes_nothing(
    data: Path, store: SmallDisk, harm: Harm, verb: str
) -> None:
    with Inside(data) as inside:
        archive_id = inside.put(content(1000))
        if verb == "archive/undo":
            inside.ask("archive/remove", archive=archive_id)
        before = inside.show(archive_id)
        harm[0](store)
        with pytest.raises(StoreUnavailable, match="mount"):
            inside.ask(verb, archive=archive_id)
        assert inside.show(archive_id) == before
        if harm is HARMS["unmounted"]:
            assert is_empty(store.place)
        harm[1](store)
        inside.ask(verb, archive=archive_id)
        if verb == "archive/remove":
            inside.ask("archive/undo", archive=archive_id)
        assert inside.local_bytes(archive_id) == content(1000)


def test_a_release_that_cannot_free_the_copy_frees_it_when_the_store_is_back(
    data: Path, remote: Path, store: SmallDisk, harm: Harm
) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(content(BATCH))
        inside.wait_remote(archive_id)
        ledger = inside.app.library.ledger(archive_id)
        with at_operation(lambda _: ledger.is_released, lambda: harm[0](store)):
            inside.job("archive/release", archive=archive_id)
        wait_problem(inside, "store_unavailable", "store")
        harm[1](store)
        wait_for(lambda: not (data / "store" / archive_id).exists(), what="the copy to be freed")
        wait_no_problem(inside)
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == content(BATCH)


def test_a_remote_that_leaves_in_mid_batch_is_waited_for_and_nothing_is_sent_twice(data: Path, remote: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(remote, 64)
    sent = content(12 << 20)
    batch_bytes = 4 << 20
    with Inside(data, batch_bytes=batch_bytes, upload_limit_kb_per_s=4000) as inside, bytes_written(remote) as written:
        connection_id = inside.connect(remote)
        archive_id = inside.put(sent)
        for part_bytes in (2 << 20, 7 << 20):
            wait_for(partial(lambda goal: written.total() > goal, part_bytes))
            disk.unmount()
            problem = wait_problem(inside, "remote_away", connection_id)
            assert "connected" in problem.message or "connect it" in problem.message
            wait_for(lambda: not inside.app.engine.moving)
            assert is_empty(remote)
            assert inside.show(archive_id)["batches_stored"] <= written.total() // batch_bytes
            disk.mount()
            # Where a busy computer let nothing but the manifest remain, that moves too quickly to be seen.
            wait_for(lambda: inside.app.engine.moving or inside.show(archive_id)["rung"] == "remote", what="the upload to go on")
        inside.wait_remote(archive_id)
        wait_no_problem(inside)
        assert on_remote(inside, remote, archive_id) == sent
        batches = sum(count for name, count in written.items() if name.startswith("0"))
        assert batches - len(sent) < 2 * 3 * 256 * 1024  # two times, three slots


def test_while_a_remote_is_away_nothing_is_concluded_from_it(data: Path, remote: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(remote, 16)
    with Inside(data, batch_bytes=BATCH) as inside:
        connection_id = inside.connect(remote)
        archive_id = inside.put(content(4 * BATCH))
        inside.wait_remote(archive_id)
        disk.unmount()
        before = inside.show(archive_id)
        job = inside.job("integrity/verify", archives=[archive_id], remote=True)
        assert job["state"] == "done"
        assert (job["result"]["batches_damaged"], bool(job["result"]["unknown"])) == (0, True)
        assert inside.job("archive/release", archive=archive_id)["state"] == "failed"
        with pytest.raises(ApplianceError, match="not mounted"):
            inside.ask("connection/validate", connection=connection_id)
        after = inside.show(archive_id)
        assert (after["rung"], after["batches_stored"], after["placements"]) == (
            before["rung"], before["batches_stored"], before["placements"]
        )  # fmt: skip
        assert is_empty(remote)
        disk.mount()
        inside.release(archive_id)
        disk.unmount()
        inside.ask("archive/restore", archive=archive_id)
        wait_problem(inside, "remote_away", connection_id)
        disk.mount()
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == content(4 * BATCH)
        wait_no_problem(inside)


def test_a_remote_that_turns_read_only_is_said_and_goes_on_when_it_is_writable(data: Path, remote: Path, make_disk: MakeDisk) -> None:
    disk = make_disk(remote, 16)
    with Inside(data, batch_bytes=BATCH) as inside:
        connection_id = inside.connect(remote)
        disk.make_read_only()
        archive_id = inside.put(content(4 * BATCH))
        problem = wait_problem(inside, "remote_read_only", connection_id)
        assert "mount it writable" in problem.message
        disk.make_writable()
        inside.wait_remote(archive_id)
        wait_no_problem(inside)
