"""The wall clock steps while the appliance runs, as on a Pi that is told the time a minute after its start: work and reports go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.problems import Problems
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
JUMPS = [timedelta(days=-20_000), timedelta(days=3650), timedelta(hours=-1), timedelta(seconds=-3)]


class WallClock:
    """Shown in place of the system's; ``jump`` is what it is wrong by."""

    def __init__(self) -> None:
        self.jump = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.jump


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[WallClock]:
    wall = WallClock()
    monkeypatch.setattr(clock, "now", wall.now)
    yield wall
    wall.jump = timedelta()


def state(inside: Inside) -> Any:
    return json.loads(inside.outbox.retained.get(f"pyarchive/{inside.app.folder.appliance_id}/appliance/state", b"{}"))


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_an_upload_goes_on_and_its_rate_stays_true(tmp_path: Path, wall: WallClock, jump: timedelta) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, upload_limit_kb_per_s=400) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * 600_000)  # 1.5 s
        wait_for(lambda: inside.app.engine.moving)
        wall.jump = jump
        inside.app.reporter.changed()  # type: ignore[union-attr]  # attached by Inside
        moving = wait_for(lambda: (s := state(inside)).get("upload_rate_bytes_per_s") and s)
        assert 0 < moving["upload_rate_bytes_per_s"] < 4_000_000
        assert moving["eta_s"] is None or 0 <= moving["eta_s"] < 60
        inside.wait_remote(archive_id)
        wait_for(lambda: state(inside)["status"] == "idle")
        assert state(inside)["bytes_at_risk"] == 0


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_what_waits_is_tried_again_in_its_time(tmp_path: Path, wall: WallClock, jump: timedelta) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        marker = tmp_path / "disk" / ".pyarchive"
        marker.rename(tmp_path / "marker")
        archive_id = inside.put(b"x" * BATCH)
        wait_for(lambda: inside.ask("archive/show", archive=archive_id)["waiting_until_at"])
        wall.jump = jump
        until = wait_for(lambda: inside.ask("archive/show", archive=archive_id)["waiting_until_at"])
        assert abs(clock.from_iso(until) - clock.now()) < timedelta(seconds=30)
        (tmp_path / "marker").rename(marker)
        inside.wait_remote(archive_id)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_problems_stay_in_the_order_in_which_they_came(wall: WallClock, jump: timedelta) -> None:
    problems = Problems()
    problems.raise_("a", "x", "first", "wait", needs_you=False)
    wall.jump = jump
    problems.raise_("b", "x", "second", "wait", needs_you=False)
    problems.raise_("c", "x", "serious", "do it", needs_you=True)
    wall.jump = timedelta()
    problems.raise_("d", "x", "third", "wait", needs_you=False)
    problems.raise_("a", "x", "first, in other words", "wait", needs_you=False)
    assert [problem.code for problem in problems.standing()] == ["c", "a", "b", "d"]
    assert problems.last
    assert problems.last.code == "a"


def test_a_jump_alone_floods_nobody(tmp_path: Path, wall: WallClock) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        for number in range(5):
            inside.wait_remote(inside.put(b"x" * BATCH, f"{number}.bin"))
        wait_for(lambda: state(inside)["status"] == "idle")
        events = len(inside.outbox.events)
        for jump in JUMPS:
            wall.jump = jump
            inside.app.reporter.changed()  # type: ignore[union-attr]  # attached by Inside
        inside.wait_remote(inside.put(b"y" * BATCH, "more.bin"))
        assert len(inside.outbox.events) - events <= 5
        assert inside.app.problems.standing() == []
