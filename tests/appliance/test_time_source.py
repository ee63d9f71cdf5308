"""When the date can be believed: somebody has said so, or the computer has a clock of its own that does not stand before what it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from appliance import clock, time_source
from appliance.time_source import TimeSource
from appliance.witness import clock_is_trusted, why_not_trusted
from tests.appliance.moved_clock import a_pi, set_time
from tests.inside import Inside
from tests.processes import House
from tests.waiting import wait_for

YEARS = timedelta(days=20 * 365)
BATCH = 64 * 1024


class Wall:
    """What the date is wrong by."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr(clock, "now", wall.now)
    return wall


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], TimeSource]:
    def on(root: Path) -> TimeSource:
        monkeypatch.setattr(time_source, "told", TimeSource(root))
        return time_source.told

    return on


def test_a_pi_is_not_believed_before_it_was_told_the_time_nor_after_somebody_set_it_otherwise(
    tmp_path: Path, wall: Wall, on: Callable[[Path], TimeSource]
) -> None:
    root = a_pi(tmp_path / "pi")
    told = on(root)
    assert (told.is_right(), told.has_own_clock()) == (None, False)
    set_time(root)
    assert told.is_right()
    for off in (YEARS, -YEARS, timedelta(minutes=-6)):
        wall.off = off
        assert told.is_right() is None
        wall.off = timedelta(seconds=3)
        assert told.is_right()


def test_the_kernel_is_believed_again_once_it_was_set_right(monkeypatch: pytest.MonkeyPatch, wall: Wall, tmp_path: Path) -> None:
    told = TimeSource(a_pi(tmp_path / "pi"))
    monkeypatch.setattr(time_source, "kernel_is_synced", lambda: True)
    assert told.is_right()
    monkeypatch.setattr(time_source, "kernel_is_synced", lambda: False)  # after nine hours without a server, or when the time is set
    assert told.is_right()
    wall.off = YEARS
    assert told.is_right() is None
    monkeypatch.setattr(time_source, "kernel_is_synced", lambda: True)
    assert told.is_right()


def test_what_a_remote_says_counts_more_than_the_kernel(monkeypatch: pytest.MonkeyPatch, wall: Wall, tmp_path: Path) -> None:
    told = TimeSource(a_pi(tmp_path / "pi"))
    for nonsense in (None, "", "yesterday", "Wed, 99 Nov 2026 25:61:00 GMT"):
        told.heard(nonsense)
    assert told.is_right() is None
    told.heard(format_datetime(wall.now() - timedelta(seconds=2), usegmt=True))
    assert told.is_right()
    monkeypatch.setattr(time_source, "kernel_is_synced", lambda: True)
    wall.off = YEARS
    assert told.is_right() is False


NO_RIGHTS = ["setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]


@pytest.mark.parametrize("caps", [[], NO_RIGHTS], ids=["as it is", "without any right"])
def test_asking_the_kernel_takes_no_right_and_changes_nothing(caps: list[str]) -> None:
    if caps and os.geteuid():
        pytest.skip("giving up rights takes root")
    asks = "from appliance.time_source import kernel_is_synced as k; print(k(), k())"
    said = subprocess.run([*caps, sys.executable, "-c", asks], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert said.stdout.split() in (["True"] * 2, ["False"] * 2)


@pytest.mark.parametrize("off", [YEARS, -YEARS], ids=["ahead", "behind"])
def test_an_archive_of_a_wrong_date_keeps_nobody_from_believing_a_clock_that_is_known_to_be_right(
    tmp_path: Path, wall: Wall, on: Callable[[Path], TimeSource], off: timedelta
) -> None:
    root = a_pi(tmp_path / "pi")
    on(root)
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        wall.off = off
        inside.put(b"of another year")
        assert "nobody has told this computer the time" in str(why_not_trusted(inside.app.library))
        wall.off = timedelta()
        set_time(root)
        assert clock_is_trusted(inside.app.library)


def test_a_computer_with_a_clock_is_believed_unless_it_stands_before_what_it_was_and_so_is_one_that_an_admin_trusts(
    tmp_path: Path, wall: Wall, on: Callable[[Path], TimeSource]
) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.put(b"x")
        assert clock_is_trusted(inside.app.library)
        wall.off = -timedelta(days=2)
        assert "already" in str(why_not_trusted(inside.app.library))
        wall.off = timedelta()
        told = on(a_pi(tmp_path / "pi"))
        assert not clock_is_trusted(inside.app.library)
        inside.ask("settings/set", name="trust_clock", value=True)
        assert told.trusts_own_clock
        assert clock_is_trusted(inside.app.library)


def test_a_clock_that_is_not_right_is_said_after_ten_minutes_with_what_to_do(
    tmp_path: Path, wall: Wall, on: Callable[[Path], TimeSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = on(a_pi(tmp_path / "pi"))
    with Inside(tmp_path / "data") as inside:
        keeping = inside.app.housekeeper._keeping
        keeping.look_at_clock()
        assert inside.problems() == {}
        monkeypatch.setattr("appliance.housekeeping._CLOCK_PATIENCE_S", 0.0)
        keeping.look_at_clock()
        assert "nobody has told this computer the time" in inside.problems()["clock_wrong"]
        told.heard(format_datetime(wall.now() + YEARS, usegmt=True))
        keeping.look_at_clock()
        assert f"the remote says that it is {wall.now().year + 20}" in inside.problems()["clock_wrong"]
        wall.off = YEARS
        keeping.look_at_clock()
        assert inside.problems() == {}


@pytest.mark.parametrize("off", [YEARS, -YEARS], ids=["ahead", "behind"])
def test_a_pi_that_is_told_the_time_late_moves_what_its_timetable_allows_within_seconds(tmp_path: Path, off: timedelta) -> None:
    root = a_pi(tmp_path / "pi")
    settings: dict[str, Any] = {"test_clock_offset_s": off.total_seconds(), "test_computer": root, "timetable": "daily 00:00-24:00 100000"}
    with House(tmp_path, ["-m", "tests.appliance.moved_clock"], **settings) as house:
        house.connect()
        archive_id = house.put(b"x" * BATCH)
        wait_for(lambda: "clock" in (house.show(archive_id)["waiting_for"] or ""), what="the upload to wait for the clock")
        assert house.show(archive_id)["batches_stored"] == 0
        set_time(root)
        house.wait_remote(archive_id, 15.0)
