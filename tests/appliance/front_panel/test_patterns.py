"""What the lamp shows, as data."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.front_panel.patterns import DONE, HELD, PRESSED, REFUSED, ROWS, SHUTTING_DOWN, frames
from mqtt.messages import ButtonStep, Lamp


def about(value: Any) -> Any:
    return pytest.approx(value)


@pytest.mark.parametrize(
    ("row", "levels", "ends_s"),
    [
        ("needs_you", (1.0, 0.0), (0.1, 0.2)),
        ("transferring", (1.0, 0.0), (0.5, 1.0)),
        ("waiting", (1.0,), (1.0,)),
        ("off", (0.0,), (1.0,)),
    ],
)
def test_fast_blinking_one_hertz_steady_and_dark_are_what_the_table_says(row: Lamp, levels: object, ends_s: object) -> None:
    made = frames(ROWS[row], can_dim=True)
    assert (made.levels, made.ends_s) == (levels, ends_s)
    assert not made.dims


def test_breathing_gets_slowly_bright_and_slowly_dark_and_rests() -> None:
    made = frames(ROWS["idle"], can_dim=True)
    top = made.levels.index(max(made.levels))
    assert max(made.levels) == 1
    assert list(made.levels[: top + 1]) == sorted(made.levels[: top + 1])
    assert list(made.levels[top:]) == sorted(made.levels[top:], reverse=True)
    assert made.round_s == about(5)
    assert made.dims


def test_a_pin_that_cannot_dim_breathes_in_two_steps_that_no_blinking_resembles() -> None:
    made = frames(ROWS["idle"], can_dim=False)
    assert made.levels == (1.0, 0.0)
    assert made.ends_s == about((1.8, 5.0))


def test_brightness_bounds_every_level() -> None:
    for pattern in ROWS.values():
        assert max(frames(pattern, can_dim=True, brightness=0.3).levels) <= 0.3
    assert frames(ROWS["waiting"], can_dim=True, brightness=0.3).dims


@pytest.mark.parametrize("row", ROWS)
def test_the_acknowledgement_is_seen_within_a_fifth_of_a_second_whatever_the_lamp_showed(row: Lamp) -> None:
    made = frames(PRESSED, can_dim=True)
    lit = made.levels.index(1.0)
    assert made.ends_s[lit - 1] <= 0.1
    assert made.levels[0] == 0.0


def test_what_is_shown_while_holding_counts_the_steps() -> None:
    for count, step in enumerate(ButtonStep, 1):
        assert frames(HELD[step], can_dim=True).levels.count(1.0) == count


def test_no_two_meanings_look_alike() -> None:
    all_patterns = [*ROWS.values(), *HELD.values(), SHUTTING_DOWN, PRESSED, DONE, REFUSED]
    for can_dim in (True, False):
        made = [frames(pattern, can_dim=can_dim) for pattern in all_patterns]
        assert len({(one.levels, tuple(round(end_s, 3) for end_s in one.ends_s)) for one in made}) == len(made)


def test_a_level_holds_until_the_next_one() -> None:
    made = frames(ROWS["transferring"], can_dim=True)
    assert made.at(0.0) == (1.0, about(0.5))
    assert made.at(0.6) == (0.0, about(0.4))
    assert made.at(7.2) == (1.0, about(0.3))
    assert frames(ROWS["waiting"], can_dim=True).at(99) == (1.0, None)
