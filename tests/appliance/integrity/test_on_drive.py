"""The same on the real Drive remote, against a fake Drive: damage behind our back, replacement, orphans, emptying, and a large check."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.archive import Archive
from appliance.catalog.ledger import ArchiveFacts
from appliance.tombstone import all_of
from appliance.transfer.work import manifest_of
from tests.appliance.integrity.on_drive import BATCH, connect_drive
from tests.fakes.drive import FakeDrive, Record, Seed
from tests.inside import Inside
from tests.waiting import wait_for

CONTENT = random.Random(4).randbytes(3 * BATCH + 7)
MANY = 65_536


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        yield drive
        assert drive.violations == []


@pytest.fixture
def inside(tmp_path: Path, fake: FakeDrive) -> Iterator[Inside]:
    settings = {"drive_endpoint": fake.root, "undo_days": 0, "grace_days": 0}
    with Inside(tmp_path / "data", batch_bytes=BATCH, **settings) as running:  # type: ignore[arg-type]  # settings are free words
        connect_drive(running, fake)
        yield running


@pytest.fixture
def stored(inside: Inside) -> str:
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    return archive_id


def connection(inside: Inside) -> str:
    return inside.app.connections.find("Drive").id


def batch(fake: FakeDrive, name: str) -> Record:
    (found,) = [record for record in fake.files.values() if record.name == name and not record.trashed]
    return found


def verify(inside: Inside, **parameters: Any) -> Any:
    job = inside.job("integrity/verify", remote=True, **parameters)
    assert job["state"] == "done", job
    return job["result"]


def test_a_batch_that_somebody_trashed_is_taken_out_and_not_sent_again(inside: Inside, fake: FakeDrive, stored: str) -> None:
    trashed = batch(fake, "00000001")
    fake.trash(trashed.id)
    received = fake.received_bytes
    assert [(f["what"], f["repaired"]) for f in verify(inside)["findings"]] == [("was in the remote's trash", True)]
    assert not fake.files[trashed.id].trashed
    assert (inside.show(stored)["rung"], fake.received_bytes) == ("remote", received)


def test_a_batch_that_somebody_deleted_is_sent_again(inside: Inside, fake: FakeDrive, stored: str) -> None:
    fake.delete(batch(fake, "00000001").id)
    assert verify(inside, repair=True)["damage_left"] == 0
    assert fake.content(batch(fake, "00000001").id) == CONTENT[BATCH : 2 * BATCH]
    assert stored


def test_a_bad_batch_is_replaced_under_a_new_id_and_goes_to_the_trash_afterwards(inside: Inside, fake: FakeDrive, stored: str) -> None:
    bad = batch(fake, "00000001")
    fake.flip(bad.id, 9)
    assert verify(inside, repair=True)["damage_left"] == 0
    assert not fake.files[bad.id].trashed
    inside.wait_remote(stored)
    assert verify(inside)["damage_left"] == 0
    inside.app.tombstones.run()
    wait_for(lambda: inside.app.tombstones.run() == 0 and not list(all_of(inside.app.db)))
    assert fake.files[bad.id].trashed
    assert fake.content(batch(fake, "00000001").id) == CONTENT[BATCH : 2 * BATCH]
    assert verify(inside, read_back=True)["findings"] == []
    assert inside.show(stored)["rung"] == "proven"


def test_a_listing_that_lags_behind_is_no_damage(inside: Inside, fake: FakeDrive, stored: str) -> None:
    fake.lag(creations=10_000)
    received = fake.received_bytes
    result = verify(inside, repair=True)
    assert (result["findings"], result["unknown"]) == ([], [])
    assert (inside.show(stored)["rung"], fake.received_bytes) == ("remote", received)


@pytest.mark.parametrize("kind", ["503", "429", "rateLimitExceeded", "cut", "html"])
def test_a_sweep_that_fails_is_repeated_or_unknown_and_never_damage(inside: Inside, fake: FakeDrive, stored: str, kind: Any) -> None:
    inside.ask("transfer/pause")
    how: dict[str, Any] = {"of": "response", "after_bytes": 90} if kind == "cut" else {}
    fake.fault(kind, match="list", **how)
    assert verify(inside)["findings"] == []
    assert inside.show(stored)["batches_stored"] == 4


def test_without_a_sha256_the_md5_of_the_local_copy_decides(inside: Inside, fake: FakeDrive, stored: str) -> None:
    for record in fake.files.values():
        fake.drop_checksums(record.id)
    assert verify(inside)["findings"] == []
    inside.release(stored)
    assert "no checksum of 4 batches" in str(verify(inside)["unknown"])
    assert inside.show(stored)["health"] == "ok"


def test_duplicates_are_listed_and_one_that_is_right_is_taken_up_for_what_is_lost(inside: Inside, fake: FakeDrive, stored: str) -> None:
    inside.release(stored)
    lost = batch(fake, "00000002").id
    fake.duplicate(lost)
    fake.delete(lost)
    assert verify(inside)["damage_left"] == 1
    assert inside.show(stored)["health"] == "lost"
    (found,) = inside.job("integrity/orphans", adopt=True)["result"]["orphans"]
    assert (found["name"], found["adopted"]) == ("00000002", True)
    inside.ask("archive/restore", archive=stored)
    inside.wait_local(stored)
    assert inside.local_bytes(stored) == CONTENT


def test_our_folder_is_emptied_and_its_trash_after_it(inside: Inside, fake: FakeDrive, stored: str, tmp_path: Path) -> None:
    inside.connect(tmp_path / "disk")
    wait_for(lambda: all(p["rung"] == "remote" for p in inside.show(stored)["placements"]) and len(inside.show(stored)["placements"]) == 2)
    job = inside.job("connection/empty", connection="Drive", confirm="Drive")
    assert (job["state"], job["result"]["archives"]) == ("done", 1)
    assert not [record for record in fake.files.values() if record.name.isdigit() and not record.trashed]
    job = inside.job("connection/trash", connection="Drive", purge=True)
    assert job["result"]["purged"] == job["result"]["objects"] >= 5
    assert not [record for record in fake.files.values() if record.name.isdigit()]
    assert inside.ask("connection/validate", connection="Drive")["valid"]
    assert inside.local_bytes(stored) == CONTENT


def test_a_check_of_65536_batches_takes_at_most_70_calls(inside: Inside, fake: FakeDrive) -> None:
    table = random.Random(6).randbytes(32 * MANY)
    facts = ArchiveFacts(
        archive_id="archive-0001", title="Large", file_name="large.bin", owner="home", size_bytes=MANY * (16 << 20), sha256=table[:32],
        batch_bytes=16 << 20, created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    marks = {"pyarchive_appliance": inside.app.folder.appliance_id, "pyarchive_archive": facts.archive_id}
    ids = fake.seed(
        [
            Seed(
                name=f"{index:08d}", parent="root", size_bytes=16 << 20, checksums={"sha256": table[32 * index : 32 * index + 32].hex()},
                app_properties={**marks, "pyarchive_role": "batch"},
            )
            for index in range(MANY)
        ]
    )  # fmt: skip
    ledger = inside.app.library.create_ledger(facts, table, local=False)
    ledger.stored_many(connection(inside), list(enumerate(ids)))
    content = manifest_of(ledger, connection(inside))
    digest = hashlib.sha256(content)
    (manifest,) = fake.seed(
        [
            Seed(
                name="manifest.json", parent="root", size_bytes=len(content), checksums={"sha256": digest.hexdigest()},
                app_properties={**marks, "pyarchive_role": "manifest"},
            )
        ]
    )  # fmt: skip
    ledger.manifest_stored(connection(inside), manifest, digest.digest())
    inside.app.library.add(Archive.from_facts(facts, title="Large", owner="home", removed_at=None))
    before, began_s = dict(fake.requests), time.monotonic()
    result = verify(inside)
    took_s = time.monotonic() - began_s
    assert (result["damage_left"], result["unknown"], result["batches_checked"]) == (0, [], MANY)
    assert fake.requests["list"] - before.get("list", 0) <= 70
    assert fake.requests["get"] - before.get("get", 0) <= 5
    assert took_s <= 60
