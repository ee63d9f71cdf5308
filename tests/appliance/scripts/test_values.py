"""Values of scripts: retained, bounded, sensors of Home Assistant, and gone with their script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.app import answer
from appliance.errors import ApplianceError, BadRequest, Conflict
from mqtt.discovery_scripts import ScriptSensor
from mqtt.messages import RunnerState, ScriptValues
from tests.appliance.scripts.conftest import Scene
from tests.inside import Inside
from tests.waiting import wait_for


def publish(inside: Any, run_id: str, name: str, value: Any, **more: Any) -> Any:
    return answer(inside.app, "scripts", "script/value", {"run_id": run_id, "name": name, "value": value, **more})


def started(inside: Inside, script: str = "hello") -> str:
    inside.app.scripts.running.heard_runner(RunnerState(online=True, version="1"))
    inside.ask("script/save", script=script, title=script, source_base64="")
    return str(inside.ask("script/run", script=script)["run_id"])


def test_home_assistant_shows_a_value_and_takes_it_away_with_its_script(scene: Scene) -> None:
    def components() -> dict[str, Any]:
        raw = scene.house.house._home_assistant._retained
        return dict(json.loads(raw)["cmps"]) if raw else {}

    scene.save()
    run_id = scene.run()
    publish(scene.house, run_id, "free_space", 120.5, unit="GB", title="Free space")
    publish(scene.house, run_id, "word", "fine")
    topic = scene.topics("script/hello/values")
    wait_for(lambda: len(json.loads(scene.heard.get(topic, b"") or '{"values": {}}')["values"]) == 2, what="both values")
    told = ScriptValues.model_validate_json(scene.heard[topic])
    assert {name: (each.value, each.unit) for name, each in told.values.items()} == {"free_space": (120.5, "GB"), "word": ("fine", None)}
    found = wait_for(lambda: {k: v for k, v in components().items() if k.startswith("script_hello__") and "unique_id" in v}, what="sensors")
    wait_for(lambda: "unique_id" in components().get("script_hello__word", {}), what="the other sensor")
    assert found["script_hello__free_space"]["state_topic"] == topic
    assert found["script_hello__free_space"]["unit_of_measurement"] == "GB"
    scene.runner.end(run_id)
    scene.wait_state(run_id, "ended")
    scene.ask("script/delete", script="hello")
    wait_for(lambda: scene.heard[topic] == b"", what="the values to go")
    wait_for(lambda: components().get("script_hello__word") in ({"p": "sensor"}, None), what="the sensor to go")


def test_values_have_an_end_and_are_what_can_be_shown(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        run_id = started(inside)
        for number in range(10):
            publish(inside, run_id, f"n{number}", number)
        publish(inside, run_id, "n3", None)
        with pytest.raises(Conflict, match="10 values at most"):
            publish(inside, run_id, "one_more", 1)
        wrongs: list[dict[str, Any]] = [
            {"name": "A", "value": 1}, {"name": "a__b", "value": 1}, {"name": "x" * 41, "value": 1}, {"name": "n1", "value": "x" * 256},
            {"name": "n1", "value": []}, {"name": "n1", "value": "text", "unit": "GB"}, {"name": "n1"},
        ]  # fmt: skip
        for wrong in wrongs:
            with pytest.raises(BadRequest):
                answer(inside.app, "scripts", "script/value", {"run_id": run_id, **wrong})
        never_saved = inside.ask("script/run", source_base64="")["run_id"]
        with pytest.raises(Conflict, match="has to be saved"):
            publish(inside, never_saved, "n1", 1)
        with pytest.raises(ApplianceError, match="only a running script"):
            inside.ask("script/value", name="n1", value=1)


def test_what_the_broker_kept_is_taken_up_after_a_restart_and_cleared_where_its_script_is_gone(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        run_id = started(inside)
        publish(inside, run_id, "n1", 1)
        (raw,) = (payload for topic, payload in inside.outbox.retained.items() if topic.endswith("/values"))
        values, kept = ScriptValues.model_validate_json(raw), inside.app.scripts.values
        kept.forget("hello")
        assert kept.sensors() == ()
        kept.heard(values, is_saved=True)
        assert [each.key for each in kept.sensors()] == ["script_hello__n1"]
        kept.forget("hello")
        kept.heard(values, is_saved=False)
        assert kept.sensors() == ()


def test_two_scripts_never_share_a_sensor() -> None:
    pairs = [("a-b", "c"), ("a", "b_c"), ("a--b", "c"), ("a-", "c"), ("a", "c"), ("a-b-c", "d"), ("a-b", "c_d")]
    assert len({ScriptSensor(script_id=script, name=name, title="x").key for script, name in pairs}) == len(pairs)
