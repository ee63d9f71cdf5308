"""Cron expressions: each kind of field, names, days of both kinds, and the nights in which the clock is put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.scripts.cron import cron

NIGHT = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)  # a Wednesday


def turns(text: str, after: datetime, count: int, zone: str | None = "UTC") -> list[str]:
    found, at = [], after
    for _ in range(count):
        then = cron(text, zone).next_at(at)
        assert then is not None
        assert then > at
        found.append(f"{then:%Y-%m-%d %H:%M:%S}".removesuffix(":00"))
        at = then
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", ["2026-11-25 22:01", "2026-11-25 22:02"]),
        ("*/20 * * * *", ["2026-11-25 22:20", "2026-11-25 22:40", "2026-11-25 23:00"]),
        ("5/20 * * * *", ["2026-11-25 22:05", "2026-11-25 22:25", "2026-11-25 22:45", "2026-11-25 23:05"]),
        ("10-30/10 23 * * *", ["2026-11-25 23:10", "2026-11-25 23:20", "2026-11-25 23:30", "2026-11-26 23:10"]),
        ("0,30 3,15 * * *", ["2026-11-26 03:00", "2026-11-26 03:30", "2026-11-26 15:00", "2026-11-26 15:30"]),
        ("0 */12 * * *", ["2026-11-26 00:00", "2026-11-26 12:00"]),
        ("30 3 * * mon-fri", ["2026-11-26 03:30", "2026-11-27 03:30", "2026-11-30 03:30"]),
        ("30 3 * * MON,Wed", ["2026-11-30 03:30", "2026-12-02 03:30"]),
        ("0 0 * * 0", ["2026-11-29 00:00", "2026-12-06 00:00"]),
        ("0 0 * * 7", ["2026-11-29 00:00", "2026-12-06 00:00"]),
        ("0 0 * * sun", ["2026-11-29 00:00"]),
        ("0 0 * * fri-sun", ["2026-11-27 00:00", "2026-11-28 00:00", "2026-11-29 00:00", "2026-12-04 00:00"]),
        ("0 0 * * 5-7", ["2026-11-27 00:00", "2026-11-28 00:00", "2026-11-29 00:00", "2026-12-04 00:00"]),
        ("0 0 * * */3", ["2026-11-28 00:00", "2026-11-29 00:00", "2026-12-02 00:00"]),
        ("0 0 1 * *", ["2026-12-01 00:00", "2027-01-01 00:00"]),
        ("0 0 31 * *", ["2026-12-31 00:00", "2027-01-31 00:00", "2027-03-31 00:00"]),
        ("0 0 1 jan,jul *", ["2027-01-01 00:00", "2027-07-01 00:00"]),
        ("0 0 1 1-3/2 *", ["2027-01-01 00:00", "2027-03-01 00:00", "2028-01-01 00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 13 * fri", ["2026-11-27 00:00", "2026-12-04 00:00", "2026-12-11 00:00", "2026-12-13 00:00"]),  # either is enough
        ("0 0 */10 * fri", ["2026-12-11 00:00", "2027-01-01 00:00"]),  # a step is no restriction: both are needed
    ],
)
def test_the_next_turns_are_these(text: str, expected: list[str]) -> None:
    assert turns(text, NIGHT, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 fields"), ("* * * *", "4 fields"), ("* * * * * *", "6 fields"), ("@daily", "1 fields"), ("60 * * * *", "minute: '60'"),
        ("* 24 * * *", "hour: '24'"), ("* * 0 * *", "day of month: '0'"), ("* * * 13 *", "month: '13'"), ("* * * * 8", "day of week: '8'"),
        ("* * * foo *", "a name like jan"), ("* * * * monday", "a name like sun"), ("5-1 * * * *", "ends before it begins"),
        ("*/0 * * * *", "'0'"), ("*/x * * * *", "'x'"), ("1, * * * *", "minute: ''"), ("-1 * * * *", "minute: ''"),
        ("1- * * * *", "minute"),        ("\u0661 * * * *", "minute"), ("0 0 30 2 *", "never comes"), ("0 0 31 4,6,9,11 *", "never comes"),
        ("99999999999 * * * *", "minute"),
        ("1--3 * * * *", "minute"), ("*-3 * * * *", "minute"), ("1/2/3 * * * *", "minute"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_with_the_field_and_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cron(text, None)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        cron("* * * * *", "Mars/Base")


def test_the_wall_clock_of_the_zone_decides() -> None:
    assert turns("0 8 * * *", datetime(2026, 3, 27, tzinfo=UTC), 4, "Europe/Berlin") == [
        "2026-03-27 07:00", "2026-03-28 07:00", "2026-03-29 06:00", "2026-03-30 06:00",
    ]  # fmt: skip
    assert turns("0 0 * * *", NIGHT, 2, "Asia/Kolkata") == ["2026-11-26 18:30", "2026-11-27 18:30"]


def test_what_falls_into_the_hour_that_is_left_out_is_due_when_it_is_over_once() -> None:
    spring = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert turns("30 2 * * *", spring, 2, "Europe/Berlin") == ["2026-03-29 01:00", "2026-03-30 00:30"]
    assert turns("15,45 2 * * *", spring, 2, "Europe/Berlin") == ["2026-03-29 01:00", "2026-03-30 00:15"]
    assert turns("0 3 * * *", spring, 2, "Europe/Berlin") == ["2026-03-29 01:00", "2026-03-30 01:00"]
    assert turns("30 * * * *", spring + timedelta(hours=12), 3, "Europe/Berlin") == [
        "2026-03-29 00:30",
        "2026-03-29 01:30",
        "2026-03-29 02:30",
    ]
    # Lord Howe Island puts its clock forward by half an hour, Samoa once left out a whole day.
    assert turns("15 2 * * *", datetime(2026, 10, 3, 12, 0, tzinfo=UTC), 1, "Australia/Lord_Howe") == ["2026-10-03 15:30"]
    assert turns("0 12 30 12 *", datetime(2011, 12, 1, tzinfo=UTC), 2, "Pacific/Apia") == ["2011-12-30 10:00", "2012-12-29 22:00"]


def test_in_the_hour_that_comes_twice_a_certain_hour_comes_once_and_every_hour_twice() -> None:
    autumn = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert turns("30 2 * * *", autumn, 2, "Europe/Berlin") == ["2026-10-25 00:30", "2026-10-26 01:30"]
    assert turns("30 * * * *", autumn + timedelta(hours=11), 4, "Europe/Berlin") == [
        "2026-10-24 23:30", "2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30",
    ]  # fmt: skip


def test_every_minute_of_the_nights_in_which_the_clock_jumps_comes_once() -> None:
    for night in (datetime(2026, 3, 28, 22, 0, tzinfo=UTC), datetime(2026, 10, 24, 22, 0, tzinfo=UTC)):
        at = night
        for number in range(1, 6 * 60):
            found = cron("* * * * *", "Europe/Berlin").next_at(at)
            assert found == night + timedelta(minutes=number)
            at = found
