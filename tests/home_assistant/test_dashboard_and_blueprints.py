"""What docs/home-assistant offers, loaded and run in a real Home Assistant."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import urllib.request
from typing import Any

import pytest

from tests.home_assistant.parts import DOCS
from tests.processes import House
from tests.waiting import wait_for

_AT_ONCE = {"seconds": 0}
_A_MOMENT = {"seconds": 1}


def tell(title: str) -> list[dict[str, Any]]:
    return [{"action": "persistent_notification.create", "data": {"notification_id": title, "title": title, "message": "{{ message }}"}}]


def told(ha: Any, notification: str) -> str | None:
    found = {each["notification_id"]: each["message"] for each in ha.command("persistent_notification/get")}
    return found.get(notification)


def automation(ha: Any, blueprint: str, **inputs: Any) -> str:
    """Made as the user interface makes it; its entity id."""
    key = f"{blueprint}_{secrets.token_hex(2)}"
    body = {"alias": key, "use_blueprint": {"path": f"pyarchive/{blueprint}.yaml", "input": inputs}}
    assert ha.request(f"/api/config/automation/config/{key}", body)["result"] == "ok"
    ha.wait_for_state(f"automation.{key}", "on")
    return f"automation.{key}"


def switched_off(ha: Any, entity_id: str) -> None:
    ha.call_service("automation", "turn_off", entity_id=entity_id)


def test_the_dashboard_shows_entities_that_exist_or_may_be_missing(ha: Any) -> None:
    config = ha.command("lovelace/config", url_path="pyarchive-dashboard")
    named = set(re.findall(r"\b(?:sensor|binary_sensor|switch|number|button|event)\.pyarchive_\w+", str(config)))
    there = {each["entity_id"] for each in ha.entities()}
    assert len(named) > 15
    assert named - there == {"binary_sensor.pyarchive_sign_in_needed"}  # shown only where it is on
    custom = re.findall(r"'type': 'custom:[^']+'", str(config))
    assert custom == []


def test_the_dashboard_s_templates_give_words(ha: Any) -> None:
    config = ha.command("lovelace/config", url_path="pyarchive-dashboard")
    texts = [config["views"][0]["header"]["card"]["content"]]
    texts += [card["content"] for section in config["views"][0]["sections"] for card in section["cards"] if card["type"] == "markdown"]
    for text in texts:
        assert re.search(r"[A-Za-z]{3}", rendered(ha, text))
    assert "Everything is" in rendered(ha, texts[0])


def rendered(ha: Any, template: str) -> str:
    """As a card shows it; the bench reads JSON alone, and this is text."""
    headers = {"Authorization": f"Bearer {ha.token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{ha.url}/api/template", json.dumps({"template": template}).encode(), headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("domain", ["automation", "script"])
def test_every_blueprint_loads(ha: Any, domain: str) -> None:
    listed = {path: each for path, each in ha.command("blueprint/list", domain=domain).items() if path.startswith("pyarchive/")}
    files = {f"pyarchive/{path.name}" for path in (DOCS / "blueprints" / domain).glob("*.yaml")}
    assert listed.keys() == files
    assert [each["error"] for each in listed.values() if "error" in each] == []


def test_it_tells_when_something_needs_you_and_when_that_is_over(ha: Any, home: House) -> None:
    made = automation(ha, "needs_you", patience=_A_MOMENT, tell=tell("needs"), mended=tell("mended"))
    store = home.data / "store"
    marker = store / ".pyarchive"
    hidden = home.data / "hidden"
    shutil.move(marker, hidden)
    ha.wait_for_state("sensor.pyarchive_status", "needs_you")
    ha.wait_for_state("binary_sensor.pyarchive_problem", lambda state: state["state"] == "on" and state["attributes"]["needs_you"])
    message = wait_for(lambda: told(ha, "needs"), what="the message")
    assert message == ha.state("sensor.pyarchive_status")["attributes"]["reason"]
    assert told(ha, "mended") is None
    shutil.move(hidden, marker)
    ha.wait_for_state("sensor.pyarchive_status", "idle")
    wait_for(lambda: told(ha, "mended"), what="the end of it")
    switched_off(ha, made)


def test_it_tells_when_the_appliance_is_silent(ha: Any, home: House) -> None:
    made = automation(ha, "needs_you", patience=_A_MOMENT, silence=_A_MOMENT, tell=tell("silent"), mended=tell("heard"))
    home.kill()
    message = wait_for(lambda: told(ha, "silent"), what="the message")
    assert "Is it on" in str(message)
    home.start()
    wait_for(lambda: told(ha, "heard"), what="the end of it")
    switched_off(ha, made)


def test_it_pauses_while_something_is_busy_and_goes_on_afterwards(ha: Any) -> None:
    made = automation(ha, "pause_while_busy", busy=["input_boolean.player"], calm=_A_MOMENT)
    ha.call_service("input_boolean", "turn_on", entity_id="input_boolean.player")
    ha.wait_for_state("switch.pyarchive_pause", "on")
    ha.call_service("input_boolean", "turn_off", entity_id="input_boolean.player")
    ha.wait_for_state("switch.pyarchive_pause", "off")
    switched_off(ha, made)


def test_it_tells_when_everything_is_protected(ha: Any, home: House) -> None:
    made = automation(ha, "all_protected", calm=_AT_ONCE, tell=tell("protected"))
    ha.call_service("switch", "turn_on", entity_id="switch.pyarchive_pause")
    ha.wait_for_state("switch.pyarchive_pause", "on")
    home.put(os.urandom(2_000_000), "letters.zip")
    ha.wait_for_state("sensor.pyarchive_bytes_at_risk", lambda state: float(state["state"]) > 0)
    assert told(ha, "protected") is None
    ha.call_service("switch", "turn_off", entity_id="switch.pyarchive_pause")
    message = wait_for(lambda: told(ha, "protected"), what="the message")
    assert message == "Nothing exists only on the backup appliance any more (1 archives)."
    switched_off(ha, made)


def script(ha: Any, **inputs: Any) -> str:
    key = f"shut_down_{secrets.token_hex(2)}"
    shut_down = [{"action": "input_boolean.turn_on", "target": {"entity_id": "input_boolean.shut_down"}}]
    body = {"alias": key, "use_blueprint": {"path": "pyarchive/shut_down_when_protected.yaml", "input": {"shut_down": shut_down, **inputs}}}
    assert ha.request(f"/api/config/script/config/{key}", body)["result"] == "ok"
    ha.call_service("input_boolean", "turn_off", entity_id="input_boolean.shut_down")
    ha.wait_for_state(f"script.{key}", "off")
    return f"script.{key}"


def test_a_shutdown_waits_until_nothing_is_at_risk(ha: Any, home: House) -> None:
    made = script(ha)
    ha.call_service("switch", "turn_on", entity_id="switch.pyarchive_pause")
    ha.wait_for_state("switch.pyarchive_pause", "on")
    home.put(os.urandom(2_000_000), "photos.zip")
    ha.wait_for_state("sensor.pyarchive_bytes_at_risk", lambda state: float(state["state"]) > 0)
    ha.call_service("script", "turn_on", entity_id=made)
    wait_for(lambda: "the house commands: sync" in home.log.read_text(), what="the appliance to be hurried")
    assert ha.state("input_boolean.shut_down")["state"] == "off"
    ha.call_service("switch", "turn_off", entity_id="switch.pyarchive_pause")
    ha.wait_for_state("input_boolean.shut_down", "on")
    assert ha.state("sensor.pyarchive_bytes_at_risk")["state"] == "0"


@pytest.mark.parametrize(("anyway", "ends"), [(True, "on"), (False, "off")])
def test_a_shutdown_that_has_waited_long_enough_ends_as_it_was_told(ha: Any, home: House, ends: str, *, anyway: bool) -> None:
    made = script(ha, longest=_A_MOMENT, anyway=anyway)
    ha.call_service("switch", "turn_on", entity_id="switch.pyarchive_pause")
    archive_id = home.put(os.urandom(100_000), "more.zip")
    ha.wait_for_state("sensor.pyarchive_bytes_at_risk", lambda state: float(state["state"]) > 0)
    ha.call_service("script", "turn_on", entity_id=made)
    ha.wait_for_state(made, "off")
    assert ha.state("input_boolean.shut_down")["state"] == ends
    assert anyway == (told(ha, "pyarchive_shutdown_held") is None)
    ha.call_service("switch", "turn_off", entity_id="switch.pyarchive_pause")
    home.wait_remote(archive_id)
    ha.wait_for_state("sensor.pyarchive_bytes_at_risk", "0")


def test_home_assistant_has_nothing_to_complain_about(ha: Any) -> None:
    assert ha.problems() == []
