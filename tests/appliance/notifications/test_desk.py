"""What is told of problems, and when: once each, and what comes and goes is told as that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.notifications.desk import Desk, Pace
from mqtt.messages import Problem


class Time:
    def __init__(self) -> None:
        self.s = 1000.0
        self.jumped = timedelta()
        self.trusted = True

    def now(self) -> datetime:
        return datetime(2026, 11, 25, tzinfo=UTC) + timedelta(seconds=self.s) + self.jumped

    def is_over(self, at: datetime, age: timedelta) -> bool:
        return self.trusted and self.now() - at >= age


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "monotonic_s", lambda: time.s)
    monkeypatch.setattr(clock, "now", time.now)
    return time


@pytest.fixture
def db(tmp_path: Path) -> Iterator[CatalogDB]:
    (tmp_path / "catalog").mkdir()
    db = CatalogDB.open(tmp_path / "catalog")
    yield db
    db.close()


PACE = Pace(settle_s=60, collect_s=0, again_s=3600, start_s=600)


def problem(about: str = "disk", message: str = "it is full") -> Problem:
    return Problem(code="disk_full", about=about, message=message, next_step="make room", needs_you=True, since_at=datetime.now(UTC))


def told(desk: Desk) -> list[tuple[str, int, bool]]:
    return [(news.problem.about, news.returns, news.is_standing) for news in desk.take_due()]


def test_a_problem_is_told_once_after_it_has_stood_for_a_while(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, PACE)
    desk.raised(problem())
    assert told(desk) == []
    time.s += 61
    desk.raised(problem(message="other words"))
    assert told(desk) == [("disk", 0, True)]
    time.s += 86_400 * 3
    desk.raised(problem())
    assert told(desk) == [], "it still stands: that is no news"


def test_what_comes_due_within_a_moment_is_told_together(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, Pace(settle_s=60, collect_s=10))
    desk.raised(problem("disk"))
    time.s += 5
    desk.raised(problem("line"))
    time.s += 56
    assert told(desk) == [], "the first is due, and waits for the others"
    time.s += 10
    assert told(desk) == [("disk", 0, True), ("line", 0, True)]


def test_what_passes_by_itself_at_once_is_not_told(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, PACE)
    for _ in range(50):
        desk.raised(problem())
        time.s += 30
        desk.cleared(problem())
    time.s += 61
    assert told(desk) == []


def test_what_flaps_is_told_as_that_once_in_a_while(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, PACE)
    desk.raised(problem())
    time.s += 61
    assert told(desk) == [("disk", 0, True)]
    messages = []
    for _ in range(110):  # nearly two hours
        desk.cleared(problem())
        time.s += 30
        desk.raised(problem())
        time.s += 30
        messages += told(desk)
    assert [about for about, _, _ in messages] == ["disk"]
    assert messages[0][1] == 60
    desk.cleared(problem())
    time.s += 3600
    assert told(desk) == [("disk", 50, False)]


def test_a_problem_of_another_day_is_a_new_one(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, PACE)
    desk.raised(problem())
    time.s += 61
    told(desk)
    desk.cleared(problem())
    time.s += 86_400
    desk.raised(problem())
    time.s += 61
    assert told(desk) == [("disk", 0, True)]


def test_before_the_clock_is_right_no_day_has_passed(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, PACE)
    desk.raised(problem())
    time.s += 61
    told(desk)
    desk.cleared(problem())
    time.jumped = timedelta(days=400)
    time.trusted = False
    desk.raised(problem())
    time.s += 61
    assert told(desk) == []


def test_over_a_restart_what_was_told_and_still_stands_is_not_told_again(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, PACE)
    for about in ("disk", "other"):
        desk.raised(problem(about))
    time.s += 61
    assert len(told(desk)) == 2
    again = Desk(db, time.is_over, PACE)
    again.raised(problem("disk"))
    time.s += 700
    assert told(again) == []
    again.raised(problem("other"))
    time.s += 3601
    assert told(again) == [("other", 1, True)], "it was mended while the appliance was off, and came back"


def test_what_is_remembered_stays_bounded(time: Time, db: CatalogDB) -> None:
    desk = Desk(db, time.is_over, PACE)
    for n in range(300):
        desk.raised(problem(f"archive-{n}"))
    time.s += 61
    assert len(told(desk)) == 300
    for n in range(300):
        desk.cleared(problem(f"archive-{n}"))
    rows: Any = db.table("told_problems")
    assert len(rows) <= 201
