"""A ledger that cannot be read is made again from what is left, and that is said."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
CONTENT = random.Random(8).randbytes(4 * BATCH + 9)


def damage(ledger: Path) -> None:
    content = bytearray(ledger.read_bytes())
    content[60] ^= 1
    ledger.write_bytes(content)


def one_remote(tmp_path: Path, *, release: bool = False, removed: bool = False) -> str:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(CONTENT, title="Title", owner="anna")
        inside.wait_remote(archive_id)
        if release:
            inside.release(archive_id)
        if removed:
            inside.ask("archive/remove", archive=archive_id)
        return archive_id


@pytest.mark.parametrize("harm", ["damaged", "gone"])
@pytest.mark.parametrize("release", [False, True], ids=["local", "released"])
def test_a_ledger_is_made_again_and_nothing_is_sent_again(tmp_path: Path, harm: str, release: bool) -> None:
    archive_id = one_remote(tmp_path, release=release)
    ledger = tmp_path / "data" / "ledger" / archive_id
    damage(ledger) if harm == "damaged" else ledger.unlink()
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        batch = inside.remote_folder(tmp_path / "disk", archive_id) / "00000000"
        before = batch.stat().st_mtime_ns
        wait_for(lambda: not inside.app.library.broken)
        state = inside.wait_remote(archive_id)
        assert (state["title"], state["owner"], state["local"]) == ("Title", "anna", not release)
        assert batch.stat().st_mtime_ns == before
        wait_for(lambda: "ledger" not in inside.problems())
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == CONTENT
        assert ledger.with_name(f".damaged-{archive_id}").exists() == (harm == "damaged")


def test_a_removed_archive_stays_removed_when_its_ledger_is_made_again(tmp_path: Path) -> None:
    archive_id = one_remote(tmp_path, removed=True)
    damage(tmp_path / "data" / "ledger" / archive_id)
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        wait_for(lambda: not inside.app.library.broken)
        assert inside.show(archive_id)["removed_at"] is not None
        inside.ask("archive/undo", archive=archive_id)
        assert inside.local_bytes(archive_id) == CONTENT


def test_damage_of_ledger_and_local_copy_together_is_mended_with_the_remotes_manifest(tmp_path: Path) -> None:
    archive_id = one_remote(tmp_path)
    damage(tmp_path / "data" / "ledger" / archive_id)
    local = tmp_path / "data" / "store" / archive_id / "file.bin"
    content = bytearray(CONTENT)
    content[BATCH + 5] ^= 1
    local.write_bytes(content)
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        wait_for(lambda: not inside.app.library.broken)
        wait_for(lambda: inside.show(archive_id)["health"] == "ok" and inside.show(archive_id)["batches_cached"] == 5)
        assert local.read_bytes() == CONTENT


def test_where_nothing_is_left_the_problem_stays_and_nothing_is_deleted(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        archive_id = inside.put(CONTENT)
    ledger, local = tmp_path / "data" / "ledger" / archive_id, tmp_path / "data" / "store" / archive_id / "file.bin"
    damage(ledger)
    local.write_bytes(CONTENT[:-1])
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        wait_for(lambda: any(job.state == "done" for job in inside.app.jobs._jobs.values()))
        assert "ledger" in inside.problems()
        assert ledger.exists()
        assert local.read_bytes() == CONTENT[:-1]
