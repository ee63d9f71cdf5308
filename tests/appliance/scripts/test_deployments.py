"""Deployments: their turns come, whatever became of the last one; desired state outlives every restart."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.errors import BadRequest, Conflict, NotFound
from appliance.scripts.deployments import Schedule, schedule_of
from appliance.scripts.turns import Turns
from tests.appliance.scripts.conftest import Scene
from tests.inside import Inside
from tests.waiting import wait_for

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def deploy(scene: Scene, **more: Any) -> Any:
    return scene.ask("deployment/save", script="hello", **({} if "cron" in more else {"every_s": 1}) | more)


def test_it_runs_again_and_again_each_time_the_newest_version_whatever_became_of_the_last_run(scene: Scene) -> None:
    scene.save()
    saved = deploy(scene, arguments=["--all"])
    assert len(saved["next_at"]) == 3
    first = wait_for(lambda: next(iter(scene.runner.orders), ""), what="its first turn")
    scene.save(source=b"print(2)\n", based_on=1)
    scene.runner.end(first, exit_status=1)
    second = wait_for(lambda: next((each for each in scene.runner.orders if each != first), ""), what="its second turn")
    assert scene.runner.orders[second].source == b"print(2)\n"
    assert scene.runner.orders[second].arguments == ["--all"]
    run = scene.facts(second)
    assert (run["deployment_id"], run["asked_by"], run["version"]) == (saved["id"], "deployment", 2)
    listed = scene.ask("deployment/list")["deployments"][0]
    assert listed["last_run"]["run_id"] == second
    scene.ask("deployment/pause-all", paused=True)
    ids = {run.run_id for run in scene.house.app.scripts.running.of(script="hello")}
    wait_for(lambda: ids <= scene.runner.orders.keys(), what="their orders")
    for run_id in ids:
        scene.runner.end(run_id)
        scene.wait_state(run_id, "ended")
    with pytest.raises(Conflict, match="is deployed"):
        scene.ask("script/delete", script="hello")
    scene.ask("deployment/remove", id=saved["id"])
    scene.ask("deployment/remove", id=saved["id"])
    assert scene.ask("deployment/list") == {"deployments": [], "paused": True}


def test_one_that_still_runs_keeps_the_next_one_from_it(scene: Scene) -> None:
    scene.save()
    saved = deploy(scene)
    first = wait_for(lambda: next(iter(scene.runner.orders), ""), what="its first turn")
    look(scene, 3)
    assert list(scene.runner.orders) == [first]
    deploy(scene, id=saved["id"], overlap="queue")
    wait_for(lambda: scene.house.app.scripts.planner._places[saved["id"]].owed, what="its next turn")
    scene.runner.end(first)
    second = wait_for(lambda: next((each for each in scene.runner.orders if each != first), ""), what="the turn that waited")
    deploy(scene, id=saved["id"], overlap="end_the_old_one")
    wait_for(lambda: scene.runner.kills, what="the old one to be ended")
    assert scene.runner.kills[0] == second
    scene.runner.end(second, "killed", -15)
    wait_for(lambda: len(scene.runner.orders) == 3, what="the new one")


def look(scene: Scene, seconds: float) -> None:
    """Two turns and more pass: nothing else would show that nothing came."""
    threading.Event().wait(seconds * 0.7)
    assert scene.house.app.scripts.planner._thread.is_alive()


def test_a_runner_that_is_away_costs_no_future_turn_and_one_missed_turn_is_made_up_for_where_that_is_wanted(scene: Scene) -> None:
    scene.save()
    scene.runner.go()
    scene.wait_online(False)
    deploy(scene, every_s=1, catch_up="once")
    daily = deploy(scene, every_s=86_400)
    planner = scene.house.app.scripts.planner
    wait_for(lambda: any(place.owed and place.why_not for place in planner._places.values()), what="a turn that came to nothing")
    scene.runner.come()
    wait_for(lambda: scene.runner.orders, what="its turn")
    assert len(scene.ask("deployment/list")["deployments"]) == 2
    assert planner._places[daily["id"]].owed is False


def test_paused_and_disabled_ones_have_no_turns(scene: Scene) -> None:
    scene.save()
    saved = deploy(scene, every_s=3600)
    assert deploy(scene, id=saved["id"], every_s=3600, enabled=False)["next_at"] == []
    assert scene.ask("script/list")["scripts"][0]["next_run_at"] is None
    assert deploy(scene, id=saved["id"], every_s=3600)["next_at"] != []
    scene.ask("deployment/pause-all", paused=True)
    assert scene.ask("deployment/list")["deployments"][0]["next_at"] == []
    scene.ask("deployment/pause-all", paused=False)
    (facts,) = [each for each in scene.ask("script/list")["scripts"] if each["id"] == "hello"]
    assert (facts["deployments"], facts["next_run_at"] is None) == (1, False)


def test_what_is_deployed_is_kept_over_restarts_and_so_is_a_pause(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        inside.ask("script/save", script="hello", title="Hello", source_base64="")
        inside.ask("deployment/save", script="hello", cron="30 3 * * mon-fri", time_zone="Europe/Berlin", overlap="queue", catch_up="once")
        inside.ask("deployment/pause-all", paused=True)
        before = inside.ask("deployment/list")
        inside.app.db.apply({"deployments": {"0badc0de": {"every_s": 0}, "../x": {}}})
    with Inside(tmp_path) as inside:
        assert inside.ask("deployment/list") == before
        assert json.dumps(before).count("Europe/Berlin") == 1


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "either every_s or cron"), ({"every_s": 1, "cron": "* * * * *"}, "either every_s or cron"), ({"every_s": 0.5}, "every_s"),
        ({"cron": "* * *"}, "3 fields"), ({"cron": "* * * * *", "time_zone": "Mars/Base"}, "no time zone"),
        ({"every_s": 5, "time_zone": "Europe/Berlin"}, "leave it out"), ({"every_s": 5, "overlap": "both"}, "overlap"),
    ],
)  # fmt: skip
def test_a_schedule_that_is_none_is_refused_in_words_and_nothing_is_kept(tmp_path: Path, parameters: dict[str, Any], words: str) -> None:
    with Inside(tmp_path) as inside:
        inside.ask("script/save", script="hello", title="Hello", source_base64="")
        with pytest.raises(BadRequest, match=words):
            inside.ask("deployment/save", script="hello", **parameters)
        with pytest.raises(NotFound):
            inside.ask("deployment/save", script="nobody", every_s=5)
        with pytest.raises(NotFound):
            inside.ask("deployment/save", id="12345678", script="hello", every_s=5)
        assert inside.ask("deployment/list")["deployments"] == []


class Time:
    """Both clocks, in the test's hands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.s = NOON, 1000.0
        monkeypatch.setattr(clock, "now", lambda: self.at)
        monkeypatch.setattr(clock, "monotonic_s", lambda: self.s)

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.s += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def schedule(**more: Any) -> Schedule:
    return schedule_of(script_id="hello", **more)


def test_by_the_date_a_turn_comes_once_and_not_before_the_clock_is_right(time: Time) -> None:
    turns = Turns(schedule(cron="0 * * * *", time_zone="UTC"), NOON)
    assert not turns.is_due(clock_is_right=True)
    time.passes(3600)
    assert not turns.is_due(clock_is_right=False)
    assert turns.next_at(3, clock_is_right=False) == []
    turns = Turns(schedule(cron="0 * * * *", time_zone="UTC"), NOON)
    time.passes(3599)
    assert not turns.is_due(clock_is_right=True)
    time.passes(2)
    assert [turns.is_due(clock_is_right=True) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("catch_up", "expected"), [("no", [False, False]), ("once", [True, False])])
def test_turns_that_were_missed_are_made_up_for_once_or_not_at_all(time: Time, catch_up: str, expected: list[bool]) -> None:
    made = schedule(cron="0 * * * *", time_zone="UTC", catch_up=catch_up)
    time.passes(5 * 3600 + 300)
    assert [Turns(made, NOON).is_due(clock_is_right=True)] == expected[:1]
    turns = Turns(made, NOON)
    assert [turns.is_due(clock_is_right=True) for _ in range(2)] == expected
    time.passes(3300)
    assert turns.is_due(clock_is_right=True)


def test_a_clock_that_jumps_gives_no_turn_twice_and_takes_none(time: Time) -> None:
    turns = Turns(schedule(cron="0 * * * *", time_zone="UTC"), NOON)
    turns.is_due(clock_is_right=True)
    time.at += timedelta(days=400)
    assert not turns.is_due(clock_is_right=True)  # missed, by that date
    time.at -= timedelta(days=400)
    assert not turns.is_due(clock_is_right=True)
    time.passes(3600)
    assert turns.is_due(clock_is_right=True)


def test_every_so_many_seconds_goes_by_the_clock_that_nobody_sets(time: Time) -> None:
    turns = Turns(schedule(every_s=10), NOON)
    assert not turns.is_due(clock_is_right=False)
    time.at -= timedelta(days=4000)
    time.passes(10)
    assert [turns.is_due(clock_is_right=False) for _ in range(2)] == [True, False]
    time.passes(35)  # three were due: one comes, and the next in its rhythm
    assert [turns.is_due(clock_is_right=False) for _ in range(2)] == [True, False]
    time.passes(5)
    assert turns.is_due(clock_is_right=False)


def test_a_daily_turn_comes_although_the_appliance_is_started_anew_each_hour(time: Time) -> None:
    made = schedule(every_s=86_400)
    time.passes(23 * 3600)
    turns = Turns(made, NOON)
    assert not turns.is_due(clock_is_right=True)
    time.passes(3600)
    assert turns.is_due(clock_is_right=True)
    time.passes(2 * 86_400)
    late = [Turns(schedule(every_s=86_400, catch_up=rule), NOON).is_due(clock_is_right=True) for rule in ("no", "once")]
    assert late == [False, True]
