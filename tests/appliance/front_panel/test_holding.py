"""A finger on the button of the mock pins: what the lamp's pin shows meanwhile, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import clock
from appliance.errors import Conflict, DiskFull
from appliance.front_panel.button import Times
from appliance.front_panel.patterns import ROWS
from mqtt.messages import Lamp
from tests.appliance.front_panel.bench import Bench, acknowledged_s, contains, wait_for_s
from tests.waiting import at_best, wait_for

_SLACK_S = 0.09  # on a machine that has other things to do


def test_a_short_press_is_acknowledged_and_syncs(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.press(0.1)
        assert bench.done == ["sync"]
        press = bench.presses()[0]
        assert (press.number, press.step, press.done, press.result) == (1, "sync", True, "sync")
        assert press.held_s == pytest.approx(0.1, abs=_SLACK_S)
        # Dark, bright, dark; then dark once more, and bright for longer: it is done.
        wait_for(lambda: _seen(bench, [(0, 0.06), (1, 0.1), (0, 0.12), (1, 0.3)]), what="the acknowledgement and the confirmation")


def _seen(bench: Bench, wanted: list[tuple[float, float]]) -> bool:
    """What is shown once may come late on a machine that has other things to do: another press shows it again."""
    bench.press(0.1)
    wait_for_s(1.0)
    return contains(bench.pins.lamp_states, wanted, _SLACK_S)


def test_the_lamp_counts_the_steps_while_the_button_is_held_and_the_longest_is_done_on_release(tmp_path: Path) -> None:
    with Bench(tmp_path, times=Times(settle_s=0.01, pause_s=1.4, shutdown_s=2.8), shutdown_enabled=True) as bench:
        bench.pins.push(closed=True)
        for step, flashes in (("sync", 1), ("pause", 2), ("shutdown", 3)):
            _wait_for_step(bench, step, flashes)
            assert bench.done == []
        bench.pins.push(closed=False)
        wait_for(lambda: bench.done, what="the deed")
        assert bench.done == ["shutdown"]


def _wait_for_step(bench: Bench, step: str, flashes: int) -> None:
    wait_for(lambda: bench.panel.state().button_step == step, what=step)
    seen = [*[(1.0, 0.12), (0.0, 0.12)] * (flashes - 1), (1.0, 0.12)]
    dark = [(0.0, 1.2 - 0.12 * (2 * flashes - 1))] if flashes == 3 else []
    wait_for(lambda: contains(bench.pins.lamp_states, seen + dark, _SLACK_S), what=f"{flashes} flashes")


def test_a_hold_of_ten_seconds_shuts_down_only_where_that_is_enabled(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.press(1.0)
        assert bench.done == ["pause"]
    with Bench(tmp_path, shutdown_enabled=True) as bench:
        bench.press(1.0)
        assert bench.done == ["shutdown"]


def test_a_press_while_the_computer_shuts_down_does_nothing(tmp_path: Path) -> None:
    with Bench(tmp_path, shutdown_enabled=True) as bench:
        bench.press(1.0)
        bench.press(1.0)
        bench.press(0.1)
        assert bench.done == ["shutdown"]
        assert [press.done for press in bench.presses()] == [True, False, False]
        wait_for(lambda: bench.levels()[-1] not in (0, 1), what="the lamp to fade out again and again")


def test_what_cannot_be_done_is_shown_as_refused_and_said(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.fails = DiskFull("the disk is full")
        bench.press(0.1)
        press = bench.presses()[0]
        assert (press.done, press.result) == (False, "the disk is full")
        wait_for(lambda: _seen(bench, [(0, 0.04), (1, 0.04)] * 5), what="six quick flashes")
        bench.fails = None
        bench.press(0.1)
        assert bench.done == ["sync"]


def test_a_bouncing_contact_is_one_press(tmp_path: Path) -> None:
    with Bench(tmp_path, times=Times()) as bench:
        for closed in (True, False, True, False, True):
            bench.pins.push(closed=closed)
        wait_for(lambda: bench.panel.state().button_pressed, what="the press")
        for closed in (False, True, False):
            bench.pins.push(closed=closed)
        wait_for(bench.presses, what="the release")
        wait_for_s(0.2)
        assert bench.done == ["sync"]


def test_a_stuck_button_is_reported_once_and_does_nothing_and_works_again_when_it_is_free(tmp_path: Path) -> None:
    with Bench(tmp_path, shutdown_enabled=True) as bench:
        bench.pins.push(closed=True)
        assert "stuck" in bench.problem("button_stuck")
        wait_for(lambda: 0 < bench.levels()[-1] < 1, what="the lamp to breathe again, stuck button or not")
        bench.pins.push(closed=False)
        wait_for(lambda: not bench.problems.standing(), what="the problem to be over")
        assert bench.done == []
        bench.press(0.1)
        assert bench.done == ["sync"]


def test_pressing_from_afar_is_a_finger_on_the_pin(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        begun = bench.panel.press(0.4)
        assert (begun.number, begun.step) == (1, "pause")
        wait_for(lambda: bench.panel.state().button_pressed, what="the press")
        with pytest.raises(Conflict, match="held down"):
            bench.panel.press(0.2)
        wait_for(bench.presses, what="the press to be over")
        assert bench.done == ["pause"]
        assert 0.39 < bench.presses()[0].held_s < 2


def test_held_from_afar_it_stays_down_until_let_go(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.panel.hold()
        wait_for(lambda: bench.panel.state().button_step == "pause", what="the second step")
        bench.panel.hold()
        bench.panel.let_go()
        wait_for(bench.presses, what="the press to be over")
        bench.panel.let_go()
        assert bench.done == ["pause"]


def test_a_face_that_goes_away_while_it_holds_the_button_lets_go_of_it_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.front_panel.board._AFAR_S", 0.5)
    with Bench(tmp_path, shutdown_enabled=True) as bench:
        bench.panel.hold()
        press = wait_for(bench.presses, what="the button to go up by itself")[0]
        assert (press.done, bench.done) == (False, [])


@pytest.mark.parametrize("row", ["needs_you", "transferring", "waiting", "idle"])
def test_the_acknowledgement_comes_within_a_fifth_of_a_second(tmp_path: Path, row: Lamp) -> None:
    def measured_s() -> float:
        with Bench(tmp_path, times=Times()) as bench:
            bench.row = (row, "so it is")
            wait_for(lambda: bench.panel.board.pattern == ROWS[row], what="the row")
            wait_for(lambda: bench.levels()[-1] > 0.05, what="light: dark cannot be seen to get dark")
            pressed_s = clock.monotonic_s()
            bench.pins.push(closed=True)
            wait_for_s(0.4)
            return acknowledged_s(bench, pressed_s) - pressed_s

    assert at_best(measured_s, 0.2) < 0.2
