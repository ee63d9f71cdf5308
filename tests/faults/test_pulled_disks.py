"""The store's USB disk is pulled, or its file system fails: no copy is called damaged for it, and all goes on when it is back."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import mounts
from appliance.batches import drop_cache_of
from appliance.errors import StoreUnavailable
from tests.faults.disks import at_operation, wait_no_problem, wait_problem
from tests.faults.pulled import MakeUsbDisk, UsbDisk, make_usb_disk
from tests.inside import Inside
from tests.waiting import wait_for

__all__ = ["make_usb_disk"]

BATCH = 256 * 1024
SENT = random.Random(1).randbytes(12 * BATCH)
HARMS = {"pulled": (UsbDisk.pull, UsbDisk.put_in_again), "failing": (UsbDisk.fail, UsbDisk.mend)}
Harm = tuple[Callable[[UsbDisk], None], Callable[[UsbDisk], None]]


@pytest.fixture(params=HARMS)
def harm(request: pytest.FixtureRequest) -> Harm:
    return HARMS[request.param]


@pytest.fixture
def store(data: Path, make_usb_disk: MakeUsbDisk) -> UsbDisk:
    return make_usb_disk(data / "store")


def only_copy(inside: Inside) -> str:
    """An archive that is nowhere else, and not in the memory of the computer."""
    archive_id = inside.put(SENT)
    drop_cache_of(inside.app.library.local_file(inside.app.library.archive(archive_id)))
    return archive_id


def test_the_only_copy_is_not_called_damaged_because_its_disk_was_pulled(data: Path, remote: Path, store: UsbDisk) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        archive_id = only_copy(inside)
        store.pull()
        inside.connect(remote)
        wait_problem(inside, "store_unavailable", "transfer-store")
        wait_for(lambda: not inside.app.engine.moving)
        shown = inside.show(archive_id)
        assert (shown["batches_cached"], shown["health"]) == (12, "ok")
        store.put_in_again()
        assert inside.wait_remote(archive_id)["batches_cached"] == 12
        wait_no_problem(inside)
        assert inside.local_bytes(archive_id) == SENT


def test_a_check_of_local_copies_concludes_nothing_from_a_disk_that_was_pulled(data: Path, store: UsbDisk) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        archive_id = only_copy(inside)
        store.pull()
        job = inside.job("integrity/verify", local=True)
        assert (job["result"] or {}).get("batches_damaged", 0) == 0
        assert inside.show(archive_id)["batches_cached"] == 12
        store.put_in_again()
        assert inside.job("integrity/verify", local=True)["result"]["batches_damaged"] == 0
        wait_no_problem(inside)


def test_a_file_on_its_way_in_waits_for_the_disk(data: Path, store: UsbDisk, harm: Harm) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        archive_id = inside.begin(SENT)
        with at_operation(lambda each: each.kind == "take", lambda: harm[0](store)):
            inside.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(SENT).hexdigest())
            wait_problem(inside, "store_unavailable", "intake")
        assert inside.ask("archive/list")["total"] == 0
        harm[1](store)
        wait_for(lambda: inside.ask("archive/upload", archive_id=archive_id)["state"] == "received")
        assert inside.local_bytes(archive_id) == SENT
        wait_no_problem(inside)


def test_a_restore_goes_on_when_the_disk_is_back(data: Path, remote: Path, store: UsbDisk, harm: Harm) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(SENT)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        with at_operation(lambda each: each.kind == "sync" and each.path.name == ".restoring", lambda: harm[0](store)):
            inside.ask("archive/restore", archive=archive_id)
            wait_problem(inside, "store_unavailable", "transfer-store")
        harm[1](store)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == SENT
        wait_no_problem(inside)


def test_a_release_frees_the_copy_when_the_disk_is_back(data: Path, remote: Path, store: UsbDisk, harm: Harm) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(SENT)
        inside.wait_remote(archive_id)
        ledger = inside.app.library.ledger(archive_id)
        with at_operation(lambda _: ledger.is_released, lambda: harm[0](store)):
            inside.job("archive/release", archive=archive_id)
        harm[1](store)
        wait_for(lambda: not (data / "store" / archive_id).exists(), what="the copy to be freed")
        wait_no_problem(inside)
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == SENT


def test_a_disk_whose_device_is_gone_is_noticed_without_reading_it(
    data: Path, store: UsbDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Inside(data) as inside:
        wait_no_problem(inside)
        (tmp_path / "sys/dev/block").mkdir(parents=True)
        monkeypatch.setattr(mounts, "SYSTEM", tmp_path / "sys")
        assert "has left" in wait_problem(inside, "store_unavailable", "store").message
        monkeypatch.undo()
        wait_no_problem(inside)


def test_another_disk_at_its_place_is_not_written_to(data: Path, store: UsbDisk, make_usb_disk: MakeUsbDisk, tmp_path: Path) -> None:
    with Inside(data) as inside:
        inside.put(b"x")
        store.unmount()
        other = UsbDisk(store.place, tmp_path / "other")
        try:
            other.attach()
            wait_problem(inside, "store_unavailable", "store")
            with pytest.raises(StoreUnavailable, match="connect and mount its disk"):
                inside.put(b"y")
            assert [path.name for path in store.place.iterdir()] == ["lost+found"]
        finally:
            other.put_away()
        store.mount()
        wait_no_problem(inside)
