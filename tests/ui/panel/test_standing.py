"""The headline of the overview, for whatever stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mqtt.docs.examples import EXAMPLES
from mqtt.messages import ApplianceState
from ui.panel.overview.figures import of_all
from ui.panel.overview.remedies import remedies
from ui.panel.overview.standing import standing

_BUSY: dict[str, Any] = EXAMPLES[ApplianceState].model_dump(mode="json")
_SAFE = {"bytes_at_risk": 0, "status": "idle", "queue": {**_BUSY["queue"], "bytes_up": 0, "batches_up": 0}}
_FULL = {"code": "disk_full", "about": "disk", "message": "no more files are taken in", "next_step": "release", "needs_you": True}


def _said(problems: list[dict[str, Any]] | None = None, **changes: Any) -> tuple[str, str, str]:
    state = {**_BUSY, "problems": problems or [], **changes}
    said = standing(of_all(state), state, state["problems"])
    return said.tone, said.title, said.detail


def _connection(**changes: Any) -> dict[str, Any]:
    return {**_BUSY["active_connection"], **changes}


@pytest.mark.parametrize(
    ("changes", "tone", "title", "detail"),
    [
        ({}, "busy", "25.2 MB are only here so far", "Safe by"),
        ({"paused": True, "status": "paused"}, "wait", "25.2 MB are only here so far", "Transfers are paused."),
        ({"status": "waiting", "status_reason": "the line is down"}, "wait", "25.2 MB are only here so far", "Waiting: the line is down."),
        ({"active_connection": None}, "warn", "25.2 MB are only here so far", "no connection"),
        (_SAFE, "ok", "Everything is safe on Drive", "12 archives"),
        ({**_SAFE, "queue": _BUSY["queue"]}, "ok", "Everything is safe", "still to be carried to Drive"),
        ({**_SAFE, "active_connection": _connection(reachable=False)}, "wait", "Everything was stored on Drive", "does not answer"),
        ({**_SAFE, "counts": {**_BUSY["counts"], "damaged": 1}}, "warn", "Everything is safe", "had damage"),
        ({**_SAFE, "counts": {**_BUSY["counts"], "archives": 0}}, "mute", "Nothing is kept here yet", "Hand in a file"),
        ({"problems": [_FULL]}, "bad", "Needs you: no more files are taken in", "25.2 MB are only here so far."),
        ({"status": "needs_you"}, "warn", "25.2 MB are only here so far", "An admin"),
    ],
)
def test_the_headline_says_what_is_so(changes: dict[str, Any], tone: str, title: str, detail: str) -> None:
    said = _said(**changes)
    assert said[:2] == (tone, title)
    assert detail in said[2]


def test_a_member_is_not_told_what_the_archives_of_others_wait_for() -> None:
    state = {**_BUSY, "status": "waiting", "status_reason": "Ada's secret is being replaced"}
    said = standing(replace(of_all(state), own=True), state, [])
    assert said.title == "25.2 MB of yours are only here so far"
    assert "secret" not in said.detail


def test_each_kind_of_problem_has_something_that_solves_it_first() -> None:
    def first(code: str, about: str) -> str:
        best = remedies({"code": code, "about": about})[0]
        return best.target or best.verb

    assert first("sign_in_needed", "c-1") == first("remote_full", "c-1") == "/connections/c-1"
    assert first("disk_full", "disk").startswith("/archives?")
    assert first("remote_away", "c-1") == "transfer/sync"
    assert first("damaged", "a/../b") == "integrity/verify"
    assert remedies({"code": "damaged", "about": "a/../b"})[1].target == "/archives/a%2F..%2Fb"
    assert first("safe_mode", "appliance") == "safe-mode/end"
    assert first("what nobody knows", "x") == "/log"
