"""When to try again."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transfer.retry import Backoff

BACKOFF = Backoff(first_s=1, cap_s=300)


def test_each_wait_may_be_twice_as_long_up_to_the_cap() -> None:
    assert [BACKOFF.ceiling_s(attempt) for attempt in (0, 1, 2, 8, 9, 10_000)] == [1, 2, 4, 256, 300, 300]


def test_the_jitter_is_full_so_that_slots_spread_over_the_whole_wait() -> None:
    waits = [BACKOFF.delay_s(9, Random(seed), None) for seed in range(400)]
    assert min(waits) < 10
    assert max(waits) > 290
    assert 130 < sum(waits) / len(waits) < 170
    first = [BACKOFF.delay_s(0, Random(seed), None) for seed in range(400)]
    assert 0 <= min(first) < 0.05
    assert 0.95 < max(first) <= 1


def test_slots_that_were_all_told_the_same_time_do_not_come_back_at_once() -> None:
    waits = [BACKOFF.delay_s(5, Random(seed), 60) for seed in range(400)]
    assert 60 <= min(waits) < 65
    assert max(waits) > 85


@given(attempt=st.integers(min_value=-1, max_value=10**6), seed=st.integers(), told_s=st.none() | st.floats())
def test_it_never_gives_up_and_never_comes_back_before_it_is_told(attempt: int, seed: int, told_s: float | None) -> None:
    delay_s = BACKOFF.delay_s(attempt, Random(seed), told_s)
    assert 0 <= delay_s <= 86_400 + 300
    if told_s is not None and 0 < told_s <= 86_400:
        assert told_s <= delay_s <= told_s + 300


def test_what_is_no_time_to_wait_is_not_waited_for() -> None:
    for told_s in (math.nan, -5.0, 0.0):
        assert BACKOFF.delay_s(0, Random(1), told_s) == BACKOFF.delay_s(0, Random(1), None)


@pytest.mark.parametrize(("first_s", "cap_s"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)])
def test_a_policy_that_makes_no_sense_is_refused(first_s: float, cap_s: float) -> None:
    with pytest.raises(ValueError, match="back-off"):
        Backoff(first_s=first_s, cap_s=cap_s)
