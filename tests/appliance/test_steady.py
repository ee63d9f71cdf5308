"""Values that people read do not flicker, and are not wrong by more than they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.extremes import Largest
from appliance.steady import Steady, coarse_s, three_digits

AT = datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)


def test_a_rate_is_kept_until_it_is_a_twentieth_off() -> None:
    steady = Steady()
    assert [steady.rate("up", rate) for rate in (601_234.0, 599_000.0, 625_000.0, 640_000.0, 0.0)] == [
        601_000,
        601_000,
        601_000,
        640_000,
        0,
    ]


def test_space_is_kept_until_it_is_a_thousandth_off() -> None:
    steady = Steady()
    assert [steady.space("disk", free, 1_000_000) for free in (5000, 5999, 4001, 3999, 0)] == [5000, 5000, 5000, 3999, 0]


def test_an_estimated_time_is_rounded_by_its_distance_and_kept_while_it_is_about_right() -> None:
    steady = Steady()
    said = steady.at("by", AT + timedelta(minutes=40), 2400)
    assert said == datetime(2026, 11, 25, 12, 41, tzinfo=UTC)
    assert steady.at("by", AT + timedelta(minutes=41, seconds=30), 2490) == said
    assert steady.at("by", AT + timedelta(minutes=50), 3000) == datetime(2026, 11, 25, 12, 51, tzinfo=UTC)
    assert steady.at("far", AT + timedelta(days=19), 19 * 86400) == datetime(2026, 12, 14, 13, 0, tzinfo=UTC)


def test_two_names_are_two_values() -> None:
    steady = Steady()
    assert (steady.rate("up", 100.0), steady.rate("down", 101.0)) == (100, 101)


@pytest.mark.parametrize(("seconds", "said"), [(0.1, 5), (61, 65), (3599, 3600), (7201, 7800), (1_641_601, 1_645_200)])
def test_a_duration_is_as_coarse_as_it_is_long_and_never_too_short(seconds: float, said: int) -> None:
    assert coarse_s(seconds) == said


def test_three_digits_of_a_number() -> None:
    assert [three_digits(number) for number in (0, 7, 1234567, 999.6)] == [0, 7, 1_230_000, 1000]


def test_the_largest_of_what_comes_and_goes() -> None:
    largest = Largest()
    assert largest.get() is None
    for value in (3.0, 5.0, 5.0, 4.0):
        largest.add(value, 1)
    found = [largest.get()]
    for value in (5.0, 5.0, 4.0, 3.0):
        largest.add(value, -1)
        found.append(largest.get())
    assert found == [5.0, 5.0, 4.0, 3.0, None]


def test_a_value_that_goes_and_comes_again_and_again_takes_no_more_memory() -> None:
    largest = Largest()
    for value in (1.0, 2.0):
        largest.add(value, 1)
    for _ in range(100):
        largest.add(1.0, -1)
        largest.add(1.0, 1)
    assert len(largest._heap) == 2
