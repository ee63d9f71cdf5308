"""Discovery against what Home Assistant enforces, as far as that can be seen without it. tests/home_assistant has the real one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, get_args

import pytest

from appliance.settings import Settings
from mqtt import discovery
from mqtt.commands import COMMANDS
from mqtt.discovery import Facts
from mqtt.discovery_entities import EVENT_TYPES, MAX_UPLOAD_LIMIT_KB_PER_S, Thing, entities
from mqtt.messages import ApplianceState, Event, EventName, FrontPanelState, HardwareState, Message
from mqtt.topics import Topics

BARE = Facts(appliance_id="attic-1", version="1.2.3")
FULL = replace(BARE, has=frozenset(Thing))
TOPICS = Topics(BARE.appliance_id)
BY_TOPIC: dict[str, type[Message]] = {TOPICS(each.topic): each for each in (ApplianceState, Event, FrontPanelState, HardwareState)}

COMMON = {"p", "name", "unique_id", "default_entity_id", "qos", "encoding", "icon", "entity_category", "value_template", "device_class"}
ATTRIBUTES = {"json_attributes_topic", "json_attributes_template"}
STATISTICS = {"unit_of_measurement", "state_class", "suggested_display_precision"}
KEYS = {
    "sensor": COMMON | ATTRIBUTES | STATISTICS | {"options", "state_topic"},
    "binary_sensor": COMMON | ATTRIBUTES | {"state_topic"},
    "button": (COMMON - {"value_template"}) | {"command_topic", "payload_press"},
    "switch": COMMON | {"command_topic", "payload_on", "payload_off", "state_on", "state_off", "optimistic"},
    "number": COMMON | {"command_topic", "unit_of_measurement", "min", "max", "step", "mode"},
    "event": COMMON | {"state_topic", "event_types"},
}
"""What we use of the keys that Home Assistant 2026.2 knows; it drops unknown ones without a word."""
UNITS: dict[str, set[str | None]] = {
    "data_size": {"GB"},
    "data_rate": {"kB/s"},
    "duration": {"min"},
    "timestamp": {None},
    "enum": {None},
    "temperature": {"°C"},
}
CONTROLS = {"button", "switch", "number"}


def payload(facts: Facts = FULL) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(discovery.config(facts))
    return found


def shown(facts: Facts = FULL) -> dict[str, dict[str, Any]]:
    """The components that are there."""
    return {key: component for key, component in payload(facts)["cmps"].items() if "unique_id" in component}


each_component = pytest.mark.parametrize("component", shown().values(), ids=shown())


def test_the_topic_is_that_of_one_device() -> None:
    assert discovery.config_topic("homeassistant", "attic-1") == "homeassistant/device/attic-1/config"
    assert re.fullmatch(r"[A-Za-z0-9_-]+", BARE.appliance_id)


def test_the_device_says_what_it_is() -> None:
    device = payload()["dev"]
    assert device["ids"] == ["pyarchive_attic-1"]
    assert (device["name"], device["sw"], device["sn"]) == ("PyArchive", "1.2.3", "attic-1")
    assert set(device) <= {"ids", "name", "mf", "mdl", "mdl_id", "sw", "hw", "sn", "cu"}
    assert payload()["o"] == {"name": "PyArchive", "sw": "1.2.3"}


def test_nothing_unknown_stands_at_the_top() -> None:
    assert set(payload()) == {"dev", "o", "cmps", "state_topic", "availability", "availability_mode"}


def test_what_is_available_says_so_itself_and_behind_a_bridge_too() -> None:
    assert [each["topic"] for each in payload()["availability"]] == [TOPICS.availability, TOPICS.bridge]
    assert {(each["payload_available"], each["payload_not_available"]) for each in payload()["availability"]} == {("online", "offline")}
    assert payload()["availability"][1]["value_template"] == "{{ 'online' if value == 'online' else 'offline' }}"
    assert payload()["availability_mode"] == "all"


@pytest.mark.parametrize(
    ("url", "there"), [("http://pi.local:8080/", True), ("pi.local", False), ("javascript:alert(1)", False), ("", False)]
)
def test_the_panel_is_linked_only_by_an_address_that_a_browser_can_open(url: str, *, there: bool) -> None:
    assert ("cu" in payload(replace(FULL, panel_url=url))["dev"]) is there


def test_every_entity_of_the_design_is_there() -> None:
    by_platform = {
        "sensor": "status bytes_at_risk protected_by upload_rate eta progress archives batches_pending free_disk remote_quota last_sync "
        "last_problem last_proof last_check version lamp temperature card_wear",
        "binary_sensor": "problem remote_connectivity sign_in_needed transferring under_voltage",
        "button": "sync verify", "switch": "pause metered", "number": "upload_limit", "event": "event",
    }  # fmt: skip
    expected = {key: platform for platform, keys in by_platform.items() for key in keys.split()}
    assert {key: component["p"] for key, component in shown().items()} == expected


@pytest.mark.parametrize(
    ("thing", "keys"),
    [
        (Thing.REMOTE, {"remote_connectivity"}), (Thing.QUOTA, {"remote_quota"}), (Thing.SIGN_IN, {"sign_in_needed"}),
        (Thing.TEMPERATURE, {"temperature"}), (Thing.POWER, {"under_voltage"}), (Thing.CARD_WEAR, {"card_wear"}),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named_with_its_platform_alone_which_removes_it(thing: Thing, keys: set[str]) -> None:
    facts = replace(FULL, has=FULL.has - {thing})
    without = payload(facts)
    assert shown().keys() - shown(facts).keys() == keys
    for key in keys:
        assert without["cmps"][key] == {"p": payload()["cmps"][key]["p"]}
    assert discovery.components(json.dumps(without).encode()) == shown().keys() - keys


def test_a_payload_of_somebody_else_has_no_components_of_ours() -> None:
    for other in (b"", b"\xff", b"[]", b"{}", b'{"cmps": []}', b'{"cmps": {"a": null}}'):
        assert discovery.components(other) == set()


@each_component
def test_a_component_uses_keys_that_its_platform_knows(component: dict[str, Any]) -> None:
    assert set(component) <= KEYS[component["p"]]


@each_component
def test_a_component_has_what_is_not_inherited(component: dict[str, Any]) -> None:
    assert component["qos"] == 1
    assert component["encoding"] == "utf-8"
    assert component["unique_id"].startswith("attic-1_")
    assert component["default_entity_id"].startswith(f"{component['p']}.pyarchive_")
    assert component["name"]
    assert "PyArchive" not in component["name"]
    assert "retain" not in component


@each_component
def test_a_component_has_an_icon_or_a_device_class_that_brings_one(component: dict[str, Any]) -> None:
    assert component.get("icon", "").startswith("mdi:") or component.get("device_class") in {"problem", "connectivity"}


@each_component
def test_only_what_is_read_is_diagnostic_and_only_controls_are_configuration(component: dict[str, Any]) -> None:
    allowed = {None, "config"} if component["p"] in CONTROLS else {None, "diagnostic"}
    assert component.get("entity_category") in allowed


@each_component
def test_units_and_statistics_fit_the_device_class(component: dict[str, Any]) -> None:
    device_class, unit = component.get("device_class"), component.get("unit_of_measurement")
    assert unit in UNITS.get(str(device_class), {unit})
    if component["p"] == "sensor":
        numeric = "unit_of_measurement" in component
        assert (component.get("state_class") == "measurement") is numeric
        assert ("suggested_display_precision" in component) is numeric
        assert ("options" in component) is (device_class == "enum")


def test_the_statuses_are_those_of_the_message() -> None:
    assert shown()["status"]["options"] == list(get_args(ApplianceState.model_fields["status"].annotation))


def test_event_types_are_those_of_the_contract_but_for_those_of_single_batches() -> None:
    assert set(EventName) - set(EVENT_TYPES) == {EventName.BATCH_STORED, EventName.BATCH_RESTORED}
    assert shown()["event"]["event_types"] == EVENT_TYPES
    assert all(f"'{name}'" in shown()["event"]["value_template"] for name in EVENT_TYPES)


def test_a_command_is_one_of_the_contract_and_what_is_sent_is_allowed() -> None:
    found = {key: component for key, component in shown().items() if component["p"] in CONTROLS}
    assert {component["command_topic"] for component in found.values()} == {TOPICS(command.topic) for command in COMMANDS.values()}
    for component in found.values():
        command = next(each for each in COMMANDS.values() if TOPICS(each.topic) == component["command_topic"])
        sent = [component[key] for key in ("payload_press", "payload_on", "payload_off", "min", "max") if key in component]
        assert sent
        assert all(command.allows(str(value).encode()) for value in sent)


def test_the_limit_has_the_range_of_the_setting() -> None:
    allowed = next(each for each in Settings.model_fields["upload_limit_kb_per_s"].metadata if hasattr(each, "le"))
    number = shown()["upload_limit"]
    assert (number["min"], number["max"], number["step"]) == (0, allowed.le, 1)
    assert allowed.le == MAX_UPLOAD_LIMIT_KB_PER_S


GET = re.compile(r"\(value_json \| default\(\{\}, true\)\)\.get\('(\w+)'\)(?: or \{\}\)\.get\('(\w+)'\))?")


def templates(component: dict[str, Any]) -> list[str]:
    return [component[key] for key in ("value_template", "json_attributes_template") if key in component]


@each_component
def test_a_template_asks_for_keys_that_the_message_has(component: dict[str, Any]) -> None:
    message = BY_TOPIC[component.get("state_topic", payload()["state_topic"])]
    for template in templates(component):
        keys = GET.findall(template)
        assert keys or message is Event
        for outer, inner in keys:
            assert outer in message.model_fields
            assert not inner or inner in nested(message, outer)


def nested(message: type[Message], name: str) -> set[str]:
    """The fields of the message that stands there; one that may be none as well."""
    annotation = message.model_fields[name].annotation
    kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type) and issubclass(kind, Message)]
    return {field for kind in kinds for field in kind.model_fields}


@each_component
def test_a_template_reaches_for_nothing_that_may_be_missing(component: dict[str, Any]) -> None:
    for template in templates(component):
        assert "value_json." not in template
        assert "value_json[" not in template


def test_the_counts_of_the_templates_are_those_of_the_message() -> None:
    paths = {match for component in shown().values() for template in templates(component) for match in GET.findall(template)}
    assert ("counts", "archives") in paths
    assert ("disk", "free_bytes") in paths


def test_two_appliances_on_one_broker_share_nothing() -> None:
    other = shown(replace(FULL, appliance_id="cellar-2"))
    assert not {c["unique_id"] for c in shown().values()} & {c["unique_id"] for c in other.values()}
    assert not set(payload()["dev"]["ids"]) & set(payload(replace(FULL, appliance_id="cellar-2"))["dev"]["ids"])


def test_unique_ids_are_unique() -> None:
    assert len({component["unique_id"] for component in shown().values()}) == len(shown()) == len(entities())


@pytest.mark.parametrize(
    ("name", "begins"), [("Dachboden Süd", "dachboden_sud"), ("PyArchive", "pyarchive"), ("归档", "pyarchive"), ("  A--b ", "a_b")]
)
def test_entity_ids_begin_with_the_device_s_name(name: str, begins: str) -> None:
    assert discovery.slug(name) == begins
    assert shown(replace(FULL, name=name))["status"]["default_entity_id"] == f"sensor.{begins}_status"


def test_an_id_that_is_no_topic_level_is_refused() -> None:
    with pytest.raises(ValueError, match="appliance id"):
        discovery.config(replace(BARE, appliance_id="a/b/#"))


def test_the_message_fits_into_what_every_broker_takes() -> None:
    assert len(discovery.config(replace(FULL, name="x" * 64))) < 32 * 1024
