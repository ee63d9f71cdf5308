"""Drive and a disk as connections of one appliance: archives go from one to the other, and the engine bears what Drive says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.drive import FakeDrive
from tests.inside import Inside
from tests.waiting import wait_for

MIB = 1 << 20
CONTENT = random.Random(11).randbytes(5 * MIB + 17)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        yield drive
        assert drive.violations == []


def appliance(tmp_path: Path, fake: FakeDrive, **settings: Any) -> Inside:
    return Inside(tmp_path / "data", drive_endpoint=fake.root, **settings)


def connect_drive(inside: Inside, fake: FakeDrive) -> str:
    connection_id = str(inside.ask("connection/add", kind="drive", name="Drive", credentials=json.dumps(fake.account()))["id"])
    inside.ask("connection/validate", connection=connection_id)
    inside.ask("connection/activate", connection=connection_id)
    return connection_id


def wait_on(inside: Inside, archive_id: str, connection_id: str) -> None:
    def rungs() -> dict[str, str]:
        return {each["connection_id"]: each["rung"] for each in inside.show(archive_id)["placements"]}

    wait_for(lambda: rungs().get(connection_id) in {"remote", "proven"}, 40, "the archive to be on the connection")


def on_drive(fake: FakeDrive) -> bytes:
    """All batches in the order of their names."""
    found = [record for record in fake.files.values() if record.name.isdigit() and not record.trashed]
    return b"".join(fake.content(record.id) for record in sorted(found, key=lambda record: record.name))


def test_what_was_released_goes_from_the_disk_to_drive_and_back_to_another_disk(tmp_path: Path, fake: FakeDrive) -> None:
    with appliance(tmp_path, fake) as inside:
        inside.connect(tmp_path / "one", "one")
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        drive = connect_drive(inside, fake)
        wait_on(inside, archive_id, drive)
        assert on_drive(fake) == CONTENT
        inside.ask("connection/remove", connection="one")
        two = inside.connect(tmp_path / "two", "two")
        wait_on(inside, archive_id, two)
        folder = inside.remote_folder(tmp_path / "two", archive_id)
        assert b"".join(path.read_bytes() for path in sorted(folder.glob("[0-9]*"))) == CONTENT
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == CONTENT


def test_a_batch_on_its_way_to_drive_goes_on_where_it_was_after_a_restart(tmp_path: Path, fake: FakeDrive) -> None:
    with appliance(tmp_path, fake, batch_size_mib=4) as inside:
        inside.connect(tmp_path / "one", "one")
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        inside.ask("settings/set", name="upload_limit_kb_per_s", value=1500)
        drive = connect_drive(inside, fake)
        wait_for(lambda: fake.received_bytes > 2 * MIB)
    fetched = sum(path.stat().st_size for path in (tmp_path / "data" / "spool").glob("*/*"))
    assert fetched > 0
    with appliance(tmp_path, fake, batch_size_mib=4) as inside:
        inside.ask("settings/set", name="upload_limit_kb_per_s", value=0)
        wait_on(inside, archive_id, drive)
        assert on_drive(fake) == CONTENT
    assert fake.received_twice_bytes < 3 * 256 * 1024


def test_a_full_drive_takes_nothing_gives_back_everything_and_goes_on_when_there_is_room(tmp_path: Path, fake: FakeDrive) -> None:
    with appliance(tmp_path, fake, retry_cap_s=3600) as inside:
        connect_drive(inside, fake)
        archive_id = inside.put(CONTENT)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        fake.quota(limit_bytes=len(CONTENT) + MIB)
        second = inside.put(CONTENT, "second.bin")
        wait_for(lambda: "remote_full" in inside.problems())
        assert inside.app.states.appliance().status == "needs_you"
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        fake.quota(limit_bytes=None)
        inside.ask("transfer/sync")
        inside.wait_remote(second)
        wait_for(lambda: inside.problems() == {})


def test_single_refusals_among_many_requests_cost_no_minute_and_are_no_news(tmp_path: Path, fake: FakeDrive) -> None:
    with appliance(tmp_path, fake, retry_cap_s=300) as inside:
        connect_drive(inside, fake)
        for after in (2, 9, 16):
            fake.fault("503", match=["open", "chunk"], after=after)
        archive_id = inside.put(CONTENT * 3)
        inside.wait_remote(archive_id, 20)
        assert sum(fake.faults.values()) == 3
        assert inside.app.problems.last is None


def test_a_revoked_sign_in_stops_everything_and_says_what_to_do(tmp_path: Path, fake: FakeDrive) -> None:
    with appliance(tmp_path, fake, retry_cap_s=3600) as inside:
        connection_id = connect_drive(inside, fake)
        fake.revoke()
        archive_id = inside.put(CONTENT)
        wait_for(lambda: "sign_in_needed" in inside.problems())
        state = inside.app.states.appliance()
        assert (state.status, "pyarchive connection sign-in Drive" in state.status_reason) == ("needs_you", True)
        assert inside.ask("connection/show", connection=connection_id)["sign_in"] == "needed"
        assert inside.show(archive_id)["waiting_until_at"]
