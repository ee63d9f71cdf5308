"""The timetable: every minute has one answer, and the next change is the next one, whatever the wall clock does."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings import SettingsError, SettingsStore
from appliance.timetable import Timetable, local_time, timetable

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca"]
MINUTE = timedelta(minutes=1)


def at(text: str, zone: str = "UTC") -> datetime:
    """A wall-clock time there, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def clock_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def rules(draw: st.DrawFn) -> str:
    begin = draw(st.integers(0, 1439))
    end = draw(st.integers(0, 1440).filter(lambda minute: minute != begin))
    days = draw(st.one_of(st.just("daily"), st.lists(st.sampled_from([*DAYS, "mon-fri", "fri-mon", "sat-sun"]), min_size=1).map(",".join)))
    value = draw(st.one_of(st.sampled_from(["pause", "free"]), st.integers(1, 10_000_000).map(str)))
    return f"{days} {clock_time(begin)}-{clock_time(end)} {value}"


texts = st.lists(rules(), max_size=5).map("; ".join)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def walked(table: Timetable, begin: datetime) -> datetime | None:
    """The next change, found the slow way: minute by minute."""
    now = table.limit_at(begin)
    then = begin.replace(second=0, microsecond=0) + MINUTE
    while then < begin + timedelta(days=15):
        if table.limit_at(then) != now:
            return then
        then += MINUTE
    return None


@given(texts, st.sampled_from(ZONES), st.integers(0, 7 * 1440 - 1))
def test_every_minute_of_the_week_has_the_answer_of_the_first_rule_that_holds(text: str, zone: str, minute: int) -> None:
    table = timetable(text, zone)
    moment = datetime(2026, 6, 1, tzinfo=UTC) + minute * MINUTE
    local = local_time(moment, table.zone)
    holding = [rule for rule in table.rules if rule.holds(local.weekday(), local.hour * 60 + local.minute)]
    assert table.limit_at(moment) == (holding[0].limit_kb_per_s if holding else 0)


@given(texts, st.sampled_from(ZONES), moments)
def test_the_next_change_is_one_and_nothing_changes_before_it(text: str, zone: str, moment: datetime) -> None:
    table = timetable(text, zone)
    then = table.next_change_at(moment)
    now = table.limit_at(moment)
    if then is None:
        assert all(table.limit_at(moment + hours * timedelta(hours=1)) == now for hours in range(24 * 14))
        return
    assert then > moment
    assert table.limit_at(then) != now
    span = then - moment
    assert all(table.limit_at(moment + span * n / 200) == now for n in range(200))
    assert table.limit_at(then - timedelta(seconds=1)) == now or then - moment < timedelta(seconds=1)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("text", ["sun 01:45-02:15 pause; sun 02:15-03:15 7", "daily 02:30-02:45 pause", "sat 22:00-02:30 9"])
def test_the_next_change_agrees_with_a_walk_minute_by_minute_over_both_changes_of_the_clock(zone: str, text: str) -> None:
    table = timetable(text, zone)
    for begin in ("2026-03-07 12:00", "2026-03-28 12:00", "2026-04-04 12:00", "2026-10-03 12:00", "2026-10-24 12:00", "2026-10-31 12:00"):
        moment = at(begin, zone)
        for _ in range(4):
            then = table.next_change_at(moment)
            assert then is not None
            assert then == walked(table, moment)
            moment = then


def test_an_hour_that_comes_twice_has_its_rule_twice_and_one_that_is_left_out_has_none() -> None:
    table = timetable("sun 02:30-02:45 pause", "Europe/Berlin")
    begin = at("2026-10-25 00:00", "Europe/Berlin")
    paused = sum(table.limit_at(begin + n * MINUTE) is None for n in range(6 * 60))
    assert paused == 30
    begin = at("2026-03-29 00:00", "Europe/Berlin")
    assert not any(table.limit_at(begin + n * MINUTE) is None for n in range(6 * 60))
    before = at("2026-03-22 03:00", "Europe/Berlin")
    assert table.next_change_at(before) == at("2026-04-05 02:30", "Europe/Berlin")


def test_a_span_over_midnight_belongs_to_the_day_it_begins() -> None:
    table = timetable("fri 22:00-06:00 pause", "UTC")
    assert table.limit_at(at("2026-11-27 22:00")) is None
    assert table.limit_at(at("2026-11-28 05:59")) is None
    assert table.limit_at(at("2026-11-28 06:00")) == 0
    assert table.limit_at(at("2026-11-27 05:00")) == 0
    assert table.next_change_at(at("2026-11-27 23:00")) == at("2026-11-28 06:00")


def test_the_first_rule_that_holds_wins_and_no_rule_is_no_limit() -> None:
    table = timetable("mon 08:00-12:00 free; mon-fri 08:00-18:00 500; daily 00:00-24:00 pause;", "UTC")
    assert table.limit_at(at("2026-11-23 09:00")) == 0
    assert table.limit_at(at("2026-11-24 09:00")) == 500
    assert table.limit_at(at("2026-11-28 09:00")) is None
    assert timetable("", None).limit_at(at("2026-11-28 09:00")) == 0
    assert timetable("daily 00:00-24:00 500", None).next_change_at(at("2026-11-28 09:00")) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mon-fri 08:00-18:00", "days, times and a value"),
        ("mon-fri 08:00-18:00 500 kB/s", "days, times and a value"),
        ("daily 00:00-24:00 5; mo 08:00-18:00 500", "rule 'mo 08:00-18:00 500': 'mo' is no day"),
        ("mon- 08:00-18:00 500", "'' is no day"),
        ("mon-fri-sun 08:00-18:00 500", "'fri-sun' is no day"),
        ("mon,,fri 08:00-18:00 500", "'' is no day"),
        ("mon 8-18 500", "'8-18' is no span of time"),
        ("mon 08:60-18:00 500", "goes from 00:00 to 24:00"),
        ("mon 24:00-25:00 500", "goes from 00:00 to 24:00"),
        ("mon 08:00-24:01 500", "goes from 00:00 to 24:00"),
        ("mon 08:00-08:00 500", "begins when it ends"),
        ("mon 08:00-18:00 0", "'0' is no limit"),
        ("mon 08:00-18:00 -5", "'-5' is no limit"),
        ("mon 08:00-18:00 \N{SUPERSCRIPT TWO}", "is no limit"),
        ("mon 08:00-18:00 10000001", "is no limit"),
        ("mon 08:00-18:00 " + "9" * 60, "is no limit"),
        ("mon 08:00-18:00 slow", "write pause, free, or kB/s"),
        (";".join(["mon 08:00-18:00 5"] * 51), "51 rules"),
    ],
)
def test_bad_text_is_refused_naming_rule_and_cause_and_changes_nothing(text: str, words: str) -> None:
    settings = SettingsStore({})
    settings.attach({}, lambda _: None)
    with pytest.raises(SettingsError) as refusal:
        settings.set("timetable", text)
    assert "setting timetable" in str(refusal.value)
    assert words in str(refusal.value)
    assert settings.current.timetable == ""


@given(st.text(max_size=60))
def test_any_text_is_a_timetable_or_refused_as_bad_setting_and_never_fails_otherwise(text: str) -> None:
    settings = SettingsStore({})
    settings.attach({}, lambda _: None)
    with contextlib.suppress(SettingsError):
        settings.set("timetable", text)
    assert settings.current.timetable in {"", text}


@pytest.mark.parametrize("zone", ["Berlin", "Europe/Nowhere", "../etc/passwd", "/etc/passwd", "Europe", "", "x" * 300, "a\0b"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    settings = SettingsStore({})
    settings.attach({}, lambda _: None)
    with pytest.raises(SettingsError, match=r"setting time_zone: .* is no time zone; write one like Europe/Berlin"):
        settings.set("time_zone", zone)


def test_without_a_zone_the_computers_own_counts() -> None:
    program = (
        "from datetime import UTC, datetime; from appliance.timetable import timetable; "
        "table = timetable('daily 02:00-03:00 pause', None); "
        "print(table.next_change_at(datetime(2026, 7, 1, 12, tzinfo=UTC)), table.next_change_at(datetime(2026, 12, 1, 12, tzinfo=UTC)))"
    )
    environment = os.environ | {"TZ": "Europe/Berlin", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2026-07-02", "00:00:00+00:00", "2026-12-02", "01:00:00+00:00"]


def test_a_computer_without_time_zones_says_what_to_install() -> None:
    program = (
        "import zoneinfo; zoneinfo.reset_tzpath(['/nowhere']); from appliance.timetable import timetable; timetable('', 'Europe/Berlin')"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert "install the package tzdata" in done.stderr
