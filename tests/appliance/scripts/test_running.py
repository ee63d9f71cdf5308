"""Runs: ordered, followed, ended, lost; and what they wrote is there for who comes late."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from appliance.errors import BadRequest, Conflict, NotFound
from appliance.scripts import running as running_module
from mqtt.client import Broker, BrokerAddress
from mqtt.messages import ScriptState
from mqtt.topics import Topics
from tests.appliance.in_house import InHouse
from tests.appliance.scripts.conftest import HELLO, Scene
from tests.appliance.scripts.stand_in import StandIn
from tests.conftest import MakeBroker
from tests.waiting import wait_for


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "_GRACE_S", 0.2)


def test_a_run_gets_its_source_byte_for_byte_and_its_life_is_followed_to_its_end(scene: Scene) -> None:
    scene.save(permission="change", limits={"wall_s": 9})
    run_id = scene.run(arguments=["one", "--two"])
    order = scene.runner.orders[run_id]
    assert (order.source, order.arguments, order.permission, order.limits.wall_s) == (HELLO, ["one", "--two"], "change", 9)
    scene.wait_state(run_id, "running")
    scene.runner.write(run_id, "hello", "again")
    scene.runner.end(run_id, exit_status=3, reason="it ended with 3")
    run = scene.wait_state(run_id, "ended")
    assert (run["exit_status"], run["reason"], run["lines"], run["version"], run["asked_by"]) == (3, "it ended with 3", 2, 1, "cli")
    page = scene.ask("script/output", run_id=run_id)
    assert ([line["text"] for line in page["lines"]], page["first_kept"], page["more"]) == (["hello", "again"], 0, False)
    (listed,) = [each for each in scene.ask("script/list")["scripts"] if each["id"] == "hello"]
    assert listed["last_run"]["run_id"] == run_id


def test_what_was_never_saved_runs_too(scene: Scene) -> None:
    run_id = scene.ask("script/run", source_base64=base64.b64encode(HELLO).decode(), title="Try")["run_id"]
    wait_for(lambda: run_id in scene.runner.orders, what="the order")
    assert scene.facts(run_id)["script_id"] is None
    assert (scene.runner.orders[run_id].name, scene.runner.orders[run_id].permission) == ("Try", "read")
    scene.save()
    for wrong in ({}, {"script": "hello", "title": "x"}, {"source_base64": "", "version": 1}):
        with pytest.raises(BadRequest):
            scene.ask("script/run", **wrong)
    with pytest.raises(NotFound):
        scene.ask("script/run", script="nobody")


def test_who_comes_late_gets_what_was_missed_from_any_line_on(scene: Scene) -> None:
    scene.save()
    run_id = scene.run()
    for _ in range(20):
        scene.runner.write(run_id, *["x" * 1000] * 50)
    scene.runner.write(run_id, "twice", at=999)  # a message that comes again tells nothing new
    wait_for(lambda: scene.facts(run_id)["lines"] == 1000, what="all lines")
    got, first = [], 0
    while True:
        page = scene.ask("script/output", run_id=run_id, from_sequence=first, limit=300)
        assert len(json.dumps(page)) < 256 * 1024
        got += [line["sequence"] for line in page["lines"]]
        first = got[-1] + 1
        if not page["more"]:
            break
    assert got == list(range(1000))


def test_nothing_begins_while_the_runner_is_away(scene: Scene) -> None:
    scene.save()
    scene.runner.go()
    scene.wait_online(False)
    with pytest.raises(Conflict, match="the runner of scripts is away"):
        scene.ask("script/run", script="hello")
    assert scene.ask("script/runs")["total"] == 0
    assert scene.ask("script/list")["runner"] == "offline"


def test_nothing_is_ordered_while_another_process_of_this_id_has_the_word(scene: Scene) -> None:
    scene.save()
    scene.house.broker.hold(but=frozenset(), deaf=True)
    with pytest.raises(Conflict, match="the runner of scripts is away"):
        scene.ask("script/run", script="hello")
    scene.house.broker.release()
    assert scene.run() in scene.runner.orders


def test_a_run_that_a_new_runner_does_not_know_is_lost_and_the_house_is_told(scene: Scene) -> None:
    scene.save()
    run_id = scene.run()
    scene.wait_state(run_id, "running")
    scene.runner.crash_and_come()
    run = scene.wait_state(run_id, "lost")
    assert "went away" in run["reason"]
    assert run["ended_at"] is not None
    wait_for(lambda: ScriptState.model_validate_json(scene.retained(run_id)).state == "lost", what="the house to be told")
    scene.runner.end(run_id)  # it was there all the time, and knows better
    scene.wait_state(run_id, "ended")


def test_an_order_that_the_runner_does_not_take_is_not_left_waiting(scene: Scene) -> None:
    scene.save()
    scene.runner._begins = False
    run_id = scene.run()
    assert "did not take it" in scene.wait_state(run_id, "refused")["reason"]


def test_what_has_printed_had_begun_whatever_word_on_that_is_missing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "_GRACE_S", 60.0)
    scene.save()
    scene.runner._begins = False
    run_id = scene.run()
    scene.runner.write(run_id, "begun")
    wait_for(lambda: scene.facts(run_id)["lines"] == 1, what="the line")
    monkeypatch.setattr(running_module, "_GRACE_S", 0.2)
    assert "went away" in scene.wait_state(run_id, "lost")["reason"]


def test_a_run_outlives_the_appliance_and_one_that_ended_meanwhile_is_known_to_have(
    scene: Scene, make_broker: MakeBroker, broker_address: BrokerAddress, topics: Topics, heard: dict[str, bytes], tmp_path: Path
) -> None:
    scene.save()
    goes_on, ends = scene.run(), scene.run()
    for run_id in (goes_on, ends):
        scene.wait_state(run_id, "running")
    scene.runner.write(goes_on, "before")
    wait_for(lambda: scene.facts(goes_on)["lines"] == 1, what="its line")
    scene.house.house.stop(2.0)
    scene.house.app.stop()
    scene.house.broker.stop(1.0)
    scene.runner.end(ends, exit_status=4)
    client = make_broker(broker_address, name="appliance-2", start=False)
    heard.clear()
    with InHouse(tmp_path / "data", client, topics, heard) as again:
        later = Scene(again, scene.runner, heard, topics)
        assert later.wait_state(ends, "ended")["exit_status"] == 4
        assert later.wait_state(goes_on, "running")
        assert [line["text"] for line in later.ask("script/output", run_id=goes_on)["lines"]] == ["before"]
    scene.house.app = again.app  # stopped already
    scene.house.__class__ = type("Stopped", (InHouse,), {"__exit__": lambda *_: None})


def test_a_kill_reaches_the_runner_and_one_that_waits_never_begins(scene: Scene) -> None:
    scene.save()
    runs = [scene.run() for _ in range(running_module.AT_ONCE)]
    waits = scene.ask("script/run", script="hello")["run_id"]
    assert ScriptState.model_validate_json(wait_for(lambda: scene.retained(waits), what="its state")).state == "waiting"
    scene.ask("script/kill", run_id=waits)
    assert scene.facts(waits)["state"] == "killed"
    scene.ask("script/kill", run_id=runs[0])
    wait_for(lambda: scene.runner.kills == [runs[0]], what="the order to end it")
    scene.runner.end(runs[0], "killed", -9, "somebody ended it")
    scene.wait_state(runs[0], "killed")
    scene.ask("script/kill", run_id=runs[0])  # again, and nothing
    assert waits not in scene.runner.orders


def test_so_many_run_at_once_the_others_wait_their_turn_and_too_many_are_refused(scene: Scene) -> None:
    scene.save()
    running = scene.house.app.scripts.running
    running._most_waiting = 2
    runs = [scene.run() for _ in range(running_module.AT_ONCE)]
    waiting = [scene.ask("script/run", script="hello")["run_id"] for _ in range(2)]
    with pytest.raises(Conflict, match="2 runs wait already"):
        scene.ask("script/run", script="hello")
    scene.runner.end(runs[0])
    wait_for(lambda: waiting[0] in scene.runner.orders, what="the next one's turn")
    assert waiting[1] not in scene.runner.orders


def test_a_script_that_runs_is_not_deleted(scene: Scene) -> None:
    scene.save()
    run_id = scene.run()
    with pytest.raises(Conflict, match=run_id):
        scene.ask("script/delete", script="hello")
    scene.runner.end(run_id)
    scene.wait_state(run_id, "ended")
    scene.ask("script/delete", script="hello")
    assert scene.ask("script/runs")["runs"][0]["title"] == "Hello"


def test_a_state_stays_until_it_is_dismissed_and_never_more_than_so_many(scene: Scene) -> None:
    scene.save()
    scene.house.app.scripts.told._most_retained = 2
    runs = [scene.run() for _ in range(3)]
    with pytest.raises(Conflict, match="has not ended"):
        scene.ask("script/dismiss", run_id=runs[0])
    for run_id in runs:
        scene.runner.end(run_id)
        scene.wait_state(run_id, "ended")
    wait_for(lambda: scene.retained(runs[0]) == b"", what="the oldest to go")
    scene.ask("script/dismiss", run_id=runs[2])
    wait_for(lambda: scene.retained(runs[2]) == b"", what="it to go")
    assert scene.retained(runs[1])
    assert scene.ask("script/runs", script="hello")["total"] == 3


def test_the_lines_of_a_run_are_in_the_log_and_a_flood_of_them_is_not(scene: Scene) -> None:
    scene.save()
    run_id = scene.run()
    for _ in range(100):
        scene.runner.write(run_id, *["flood"] * 100)
    wait_for(lambda: scene.facts(run_id)["lines"] == 10_000, what="all lines")
    told = scene.house.app.scripts.told
    assert told._left_out > 9_000


def test_what_is_not_as_the_contract_has_it_changes_nothing(scene: Scene, someone: Broker) -> None:
    scene.save()
    run_id = scene.run()
    other = scene.run()
    for name in (f"script/{run_id}/state", f"script/{run_id}/output", "runner/state"):
        for payload in (b"x", b"[]", b"{}", b"\xff", scene.retained(other) or b"1"):
            someone.publish(scene.topics(name), payload, retain=False)
    scene.runner.write(run_id, "still followed")
    wait_for(lambda: scene.facts(run_id)["lines"] == 1, what="its line")
    assert scene.facts(run_id)["state"] == "running"
    assert isinstance(scene.runner, StandIn)
