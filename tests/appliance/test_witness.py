"""What counts as old: by the date, and by how long the appliance has been running since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.witness import Witness

START = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Time:
    """The date, which may be set, and the monotonic clock, which only goes on."""

    def __init__(self) -> None:
        self.date = START
        self.ran_s = 1000.0

    def passes(self, time: timedelta) -> None:
        self.date += time
        self.ran_s += time.total_seconds()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "now", lambda: time.date)
    return time


@pytest.fixture
def db(tmp_path: Path) -> Iterator[CatalogDB]:
    db = CatalogDB.open(tmp_path / "catalog")
    yield db
    db.close()


def run(witness: Witness, time: Time, span: timedelta) -> None:
    """Housekeeping goes on all the while."""
    for _ in range(int(span / HOUR)):
        time.passes(HOUR)
        witness.keep()


def started(db: CatalogDB, time: Time) -> Witness:
    witness = Witness(db, lambda: time.ran_s)
    witness.keep()
    return witness


def test_what_is_old_by_the_date_is_old_when_the_appliance_was_running_for_half_of_the_time(db: CatalogDB, time: Time) -> None:
    witness = started(db, time)
    run(witness, time, 6 * DAY)
    assert not witness.is_older(START, 7 * DAY)
    run(witness, time, DAY)
    assert witness.is_older(START, 7 * DAY)


@pytest.mark.parametrize("jump", [timedelta(days=8), timedelta(days=365)])
def test_a_jump_ahead_makes_nothing_old_until_the_appliance_has_been_running_long_enough(
    db: CatalogDB, time: Time, jump: timedelta
) -> None:
    witness = started(db, time)
    run(witness, time, 2 * HOUR)
    time.date += jump
    witness.keep()
    run(witness, time, 2 * DAY)
    assert not witness.is_older(START, 7 * DAY)
    run(witness, time, 2 * DAY)
    assert witness.is_older(START, 7 * DAY)


def test_long_running_before_makes_nothing_old_that_came_after(db: CatalogDB, time: Time) -> None:
    witness = started(db, time)
    run(witness, time, 30 * DAY)
    dated = clock.now()
    run(witness, time, 2 * HOUR)
    time.date += timedelta(days=365)
    assert not witness.is_older(dated, 7 * DAY)


def test_a_jump_over_a_restart_makes_nothing_old_either(db: CatalogDB, time: Time) -> None:
    run(started(db, time), time, 2 * HOUR)
    time.date += timedelta(days=365)
    time.ran_s = 5.0  # a machine that was switched on again
    witness = started(db, time)
    assert not witness.is_older(START, 7 * DAY)


def test_running_adds_up_over_restarts(db: CatalogDB, time: Time) -> None:
    for _ in range(8):
        run(started(db, time), time, DAY)
        time.ran_s = 5.0
    assert started(db, time).ran() >= 7 * DAY
    assert started(db, time).is_older(START, 7 * DAY)


def test_what_was_dated_while_the_clock_was_ahead_is_not_old_when_it_is_right_again(db: CatalogDB, time: Time) -> None:
    witness = started(db, time)
    time.date += timedelta(days=365)
    witness.keep()
    dated = clock.now()
    time.date -= timedelta(days=365)
    run(witness, time, 30 * DAY)
    assert not witness.is_older(dated, 7 * DAY)


def test_a_machine_that_is_switched_on_for_a_few_hours_a_day_gets_there_later(db: CatalogDB, time: Time) -> None:
    for _ in range(8):
        run(started(db, time), time, 4 * HOUR)
        time.date += 20 * HOUR
    assert not started(db, time).is_older(START, 7 * DAY)
    for _ in range(16):
        run(started(db, time), time, 4 * HOUR)
        time.date += 20 * HOUR
    assert started(db, time).is_older(START, 7 * DAY)


def test_an_age_of_nothing_is_reached_at_once(db: CatalogDB, time: Time) -> None:
    assert started(db, time).is_older(START, timedelta(0))


def test_the_notes_of_years_stay_few_and_are_written_seldom(db: CatalogDB, time: Time) -> None:
    witness = started(db, time)
    for _ in range(900):
        time.passes(DAY)
        witness.keep()
    assert len(db.table("clock")) == 401
    records = db.table("clock").items()
    for _ in range(50):
        time.passes(timedelta(minutes=1))
        witness.keep()
    assert dict(db.table("clock").items()) == dict(records)
