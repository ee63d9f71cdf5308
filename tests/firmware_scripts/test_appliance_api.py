"""What a script imports, from inside a script: objects, pages, jobs, values, errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mqtt.requests import RequestFailed
from tests.firmware_scripts.conftest import Stage, raise_stage

_ARCHIVES = [{"id": f"archive-{n:04}", "title": f"Film {n}", "created_at": "2026-11-25T20:00:00Z", "removed_at": None} for n in range(250)]


class Answers:
    """An appliance of 250 archives, with one job that takes three looks."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, verb: str, parameters: dict[str, Any]) -> Any:
        match verb:
            case "archive/list":
                offset = parameters["offset"]
                return {"archives": _ARCHIVES[offset : offset + parameters["limit"]], "total": len(_ARCHIVES)}
            case "integrity/verify":
                return {"job_id": "job-1"}
            case "integrity/job":
                self.looks += 1
                done = self.looks >= 3
                facts = {"what": "check", "done_bytes": self.looks, "total_bytes": 3, "error": None}
                return {**facts, "state": "done" if done else "running", "result": {"damaged": []} if done else None}
            case "transfer/sync":
                raise RequestFailed("unauthorised", "a run may not ask for transfer/sync")
            case "archive/show":
                raise RequestFailed("not_found", "there is no archive 'x'")
        return {"verb": verb, **parameters}


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        stage = raise_stage(stack, tmp_path_factory)
        stage.orders.answer_with(Answers())
        yield stage


def run(stage: Stage, source: str) -> list[str]:
    state = stage.orders.run("from appliance_api import *\n" + source)
    assert state.exit_status == 0, stage.orders.text(state.run_id)
    return stage.orders.text(state.run_id)


def test_all_archives_come_page_by_page_as_objects(knowing: Stage) -> None:
    text = run(
        knowing, "found = list(appliance.archives())\nprint(len(found), found[249].title, found[0].created_at.year, found[0].removed_at)"
    )
    assert text == ["250 Film 249 2026 None"]


def test_what_an_answer_has_not_is_named(knowing: Stage) -> None:
    text = run(knowing, "try: next(appliance.archives()).colour\nexcept AttributeError as error: print(error)")
    assert text == ["Archive has no 'colour'; it has id, title, created_at, removed_at"]


def test_a_job_is_waited_for_with_its_progress(knowing: Stage) -> None:
    text = run(knowing, "print(appliance.verify(local=True).wait(lambda job: print(job.done_bytes, 'of', job.total_bytes)))")
    assert text == ["1 of 3", "2 of 3", "3 of 3", "{'damaged': []}"]


def test_an_error_has_the_appliances_words_and_says_how_to_be_allowed(knowing: Stage) -> None:
    text = run(knowing, "try: appliance.sync()\nexcept NotAllowed as error: print(error.code, error)")
    assert text == [
        "unauthorised a run may not ask for transfer/sync; if this script is meant to change things, save it with the permission `change`"
    ]
    text = run(knowing, "try: appliance.archive('x')\nexcept NotFound as error: print(error)")
    assert text == ["there is no archive 'x'"]


def test_a_value_is_published_also_one_that_is_unknown(knowing: Stage) -> None:
    run(knowing, "appliance.publish('at_risk', 1.5, unit='GB')\nappliance.publish('at_risk', None)")
    first, second = (parameters for _, verb, parameters in knowing.orders.asked if verb == "script/value")
    assert (first["name"], first["value"], first["unit"]) == ("at_risk", 1.5, "GB")
    assert second["value"] is None


def test_any_verb_is_within_reach_with_its_parameters(knowing: Stage) -> None:
    text = run(knowing, "print(appliance.ask('log/query', limit=3, text=None)['limit'])")
    assert text == ["3"]
    assert "text" not in knowing.orders.asked[-1][2]


def test_threads_share_the_way(knowing: Stage) -> None:
    source = """
import threading
def one(n):
    assert appliance.ask("log/query", limit=n)["limit"] == n
threads = [threading.Thread(target=one, args=(n,)) for n in range(1, 20)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print("right")
"""
    assert run(knowing, source) == ["right"]
