"""Runs and deployments in words."""

from __future__ import annotations

from typing import Any

import pytest

from ui.errors import Failed
from ui.panel.scripting import words
from ui.panel.scripting.details import id_of


def run(**facts: Any) -> dict[str, Any]:
    return {"state": "ended", "exit_status": 0, "reason": None, "started_at": None, "ended_at": None} | facts


def test_how_a_run_ended() -> None:
    assert words.state(run()) == ("done", "ok")
    assert words.ending(run()) == "exit status 0"
    assert words.state(run(exit_status=3)) == ("failed", "bad")
    assert words.ending(run(exit_status=3, reason="it ended with exit status 3")) == "it ended with exit status 3"
    assert words.ending(run(state="running", exit_status=None)) == ""
    assert words.ending(run(state="lost", exit_status=None, reason="the runner went away")) == "the runner went away"


@pytest.mark.parametrize(
    ("seconds", "said"), [(2.0, "every 2 seconds"), (60.0, "every minute"), (5400.0, "every 90 minutes"), (7200.0, "every 2 hours")]
)
def test_how_often_is_said_in_the_unit_that_goes_into_it(seconds: float, said: str) -> None:
    assert words.every({"cron": None, "every_s": seconds}) == said


def test_arguments_are_taken_apart_as_a_shell_does() -> None:
    assert words.arguments("one 'two three' --four=\"5 6\"") == ["one", "two three", "--four=5 6"]
    with pytest.raises(Failed, match="a quotation mark is missing"):
        words.arguments("it's")


def test_an_id_says_what_the_title_says() -> None:
    assert id_of("Größe & Maß: täglich!") == "groe-ma-taglich"
    assert id_of("x" * 60) == "x" * 40
