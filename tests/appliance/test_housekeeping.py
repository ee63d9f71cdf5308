"""What is judged by age, and what is not while the clock cannot be right; and that the catalog can be made again from ledgers."""

from __future__ import annotations

import os
import random
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance import clock
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def look(inside: Inside) -> None:
    """All that housekeeping does seldom, now."""
    inside.app.housekeeper._keeping.expire()
    inside.app.housekeeper._keeping.tombstones.run()


def age(inside: Inside, archive_id: str, by: timedelta) -> None:
    inside.app.library.update(archive_id, created_at=inside.app.library.archive(archive_id).created_at + by)


def test_nothing_is_judged_by_age_while_the_clock_stands_before_what_it_already_was(data: Path) -> None:
    with Inside(data, batch_bytes=BATCH, undo_days=0, unfinished_days=1e-9) as inside:
        removed, newer = inside.put(b"old", "old"), inside.put(b"new", "new")
        announced = inside.begin(b"never committed")
        inside.ask("archive/remove", archive=removed)
        age(inside, newer, timedelta(days=1))
        look(inside)
        assert removed in inside.app.library.views
        assert inside.ask("archive/upload", archive_id=announced)["state"] == "filling"
        age(inside, newer, -timedelta(days=1))
        look(inside)
        assert removed not in inside.app.library.views
        assert not (data / "uploads" / announced).exists()


def test_an_unfinished_file_expires_by_its_last_write_and_says_when(data: Path) -> None:
    with Inside(data, batch_bytes=BATCH, unfinished_days=2) as inside:
        written, left = inside.begin(b"still coming", "written"), inside.begin(b"left", "left")
        long_ago = clock.now() - timedelta(days=3)
        for upload_id in (written, left):
            document = inside.app.library.db.table("uploads").get(doc_id=upload_id)
            inside.app.library.db.apply({"uploads": {upload_id: {**document, "announced_at": clock.iso(long_ago)}}})
        os.utime(data / "uploads" / left, (long_ago.timestamp(), long_ago.timestamp()))
        told = {each["archive_id"]: each for each in inside.ask("archive/uploads")["uploads"]}
        days = {key: (datetime.fromisoformat(each["expires_at"]) - clock.now()).total_seconds() / 86400 for key, each in told.items()}
        assert days == {written: pytest.approx(2, abs=0.1), left: pytest.approx(-1, abs=0.1)}
        inside.app.intake.expire(lambda at, age: clock.now() - at >= age)
        assert [each["archive_id"] for each in inside.ask("archive/uploads")["uploads"]] == [written]
        assert (told[written]["state"], told[written]["filled_bytes"], told[written]["title"]) == ("filling", 12, "written")
        assert [(data / "uploads" / each).exists() for each in (written, left)] == [True, False]


def test_files_on_their_way_in_are_listed_by_owner_the_last_first(data: Path) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        for owner in ("anna", "ben", "anna"):
            inside.begin(b"x", f"of {owner}", owner=owner)
        inside.put(b"done")
        listed = inside.ask("archive/uploads", owner="anna", limit=1)
        assert ([each["title"] for each in listed["uploads"]], listed["total"]) == (["of anna"], 2)
        assert inside.ask("archive/uploads")["total"] == 3


def test_a_catalog_that_is_gone_is_made_again_from_the_ledgers_and_that_is_said(data: Path, tmp_path: Path) -> None:
    sent = random.Random(1).randbytes(3 * BATCH + 1)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "remote")
        archive_id = inside.put(sent, "film.mkv", title="Before", owner="anna")
        inside.wait_remote(archive_id)
        inside.ask("archive/rename", archive=archive_id, title="After")
    shutil.rmtree(data / "catalog")
    with Inside(data, batch_bytes=BATCH) as inside:
        found = inside.show(archive_id)
        assert (found["title"], found["owner"], found["local"]) == ("After", "anna", True)
        assert inside.local_bytes(archive_id) == sent
        assert "catalog_lost" in inside.problems()
        inside.connect(tmp_path / "remote")
        inside.wait_remote(archive_id)
        assert inside.job("integrity/verify")["result"]["damage_left"] == 0
        wait_for(lambda: "catalog_lost" not in inside.problems(), what="the problem to be cleared")
