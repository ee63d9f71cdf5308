"""How long a command goes on without an answer."""

from __future__ import annotations

import pytest

from tests.ui.stand_in import until
from ui import patience
from ui.patience import Patience, endless


def test_an_appliance_that_never_answered_is_given_up_soon_and_one_that_did_much_later() -> None:
    waiting = Patience(first_s=15, silence_s=600)
    assert 14 < waiting.left_s() <= 15
    with waiting.listening():
        pass
    assert 599 < waiting.left_s() <= 600


def test_hours_of_copying_between_two_questions_are_no_silence() -> None:
    waiting = Patience(first_s=0.05, silence_s=0.05)
    until(lambda: waiting.over)
    waiting.ask()
    assert not waiting.over


def test_a_time_out_bounds_the_whole_command() -> None:
    waiting = endless(0.05, print)
    with waiting.listening():
        pass
    until(lambda: waiting.over)
    waiting.ask()
    assert waiting.over


def test_a_long_silence_and_its_end_are_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_SAID_AFTER_S", 0.01)
    said: list[str] = []
    waiting = endless(None, said.append)
    for _ in range(2):
        with waiting.listening():
            until(lambda: said)
    assert [line.split(";")[0] for line in said[:2]] == ["the appliance does not answer", "the appliance answers again"]
