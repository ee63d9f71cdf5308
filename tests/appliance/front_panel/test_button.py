"""The button, told the time: what its contact does, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from appliance.front_panel.button import Button, Happening, Pressed, Reached, Released, Stuck, Times
from mqtt.messages import ButtonStep

SYNC, PAUSE, SHUTDOWN = ButtonStep


def about(seconds: float) -> Any:
    return pytest.approx(seconds)


def button(*, can_shut_down: bool = True) -> Button:
    made = Button(Times(), lambda: can_shut_down)
    made.begin(0.0, closed=False)
    return made


def played(made: Button, changes: Iterable[tuple[float, bool]], until_s: float) -> list[tuple[float, Happening]]:
    """All that happens, each with the time at which it was told: looked at when the button says that it is due, and at changes."""
    told: list[tuple[float, Happening]] = []
    for at_s, closed in [*changes, (until_s, False)]:
        while (due_s := made.due_s()) is not None and due_s < at_s:
            happened = made.look(due_s)
            assert happened or made.due_s() != due_s, "it is due for ever"
            told += [(due_s, one) for one in happened]
        if at_s < until_s:
            told += [(at_s, one) for one in made.contact(at_s, closed=closed)]
    return told


def test_a_short_press_is_told_when_it_has_settled_and_does_sync() -> None:
    told = played(button(), [(1.0, True), (1.2, False)], 2)
    assert told == [(about(1.03), Pressed()), (about(1.23), Released(SYNC, about(0.2)))]


@pytest.mark.parametrize(
    ("held_s", "step"), [(0.05, SYNC), (2.99, SYNC), (3.0, PAUSE), (9.99, PAUSE), (10.0, SHUTDOWN), (59.0, SHUTDOWN)]
)  # fmt: skip
def test_the_longest_step_reached_is_done_and_only_on_release(held_s: float, step: ButtonStep) -> None:
    told = [one for _, one in played(button(), [(1.0, True), (1.0 + held_s, False)], 100)]
    assert [one for one in told if isinstance(one, Released)] == [Released(step, about(held_s))]
    assert isinstance(told[-1], Released)


def test_each_step_is_told_at_the_moment_it_is_reached() -> None:
    told = played(button(), [(1.0, True), (13.0, False)], 20)
    assert told[1:3] == [(about(4.0), Reached(PAUSE)), (about(11.0), Reached(SHUTDOWN))]


def test_without_leave_to_shut_down_a_long_hold_stays_at_the_pause() -> None:
    told = [one for _, one in played(button(can_shut_down=False), [(1.0, True), (13.0, False)], 20)]
    assert told == [Pressed(), Reached(PAUSE), Released(PAUSE, about(12.0))]


def test_a_contact_that_bounces_is_one_press() -> None:
    bounces = [(1.0, True), (1.004, False), (1.006, True), (1.011, False), (1.012, True)]
    lets_go = [(1.3, False), (1.302, True), (1.305, False)]
    told = [one for _, one in played(button(), [*bounces, *lets_go], 3)]
    assert told == [Pressed(), Released(SYNC, about(0.293))]


def test_a_spike_on_the_wire_is_no_press() -> None:
    assert played(button(), [(1.0, True), (1.01, False)], 3) == []


def test_a_thread_that_comes_late_reads_the_same_from_the_times() -> None:
    made = button()
    told = [*made.contact(1.0, closed=True), *made.contact(4.5, closed=False), *made.look(9.0)]
    assert told == [Pressed(), Reached(PAUSE), Released(PAUSE, about(3.5))]


def test_a_stuck_button_is_told_once_and_does_nothing_when_it_comes_free() -> None:
    told = played(button(), [(1.0, True), (3600.0, False)], 4000)
    assert [one for one in told if isinstance(one[1], Stuck)] == [(about(61.0), Stuck())]
    assert told[-1][1] == Released(None, about(3599.0))


def test_a_button_that_is_down_at_the_start_was_pressed_by_nobody() -> None:
    made = Button(Times(), lambda: True)
    made.begin(0.0, closed=True)
    told = [one for _, one in played(made, [(5.0, False), (6.0, True), (6.2, False)], 7)]
    assert told == [Released(None, about(5.0)), Pressed(), Released(SYNC, about(0.2))]


def test_one_that_stays_down_from_the_start_is_stuck() -> None:
    made = Button(Times(), lambda: True)
    made.begin(0.0, closed=True)
    assert played(made, [], 200) == [(about(60.0), Stuck())]


def test_a_press_that_was_cancelled_does_nothing() -> None:
    made = button()
    made.contact(1.0, closed=True)
    made.look(1.5)
    made.cancel()
    made.contact(5.0, closed=False)
    assert made.look(6.0) == [Released(None, about(4.0))]
