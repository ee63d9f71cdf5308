"""Home Assistant with no more rights than we give it, at the broker that we set up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.home_assistant.parts import bench, home_assistant
from tests.installed import Installed, need_mosquitto
from tests.processes import House


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    bench()  # skips before anything is started
    need_mosquitto()
    with House(tmp_path, broker="mosquitto") as home:
        home.connect()
        yield home


def ours(home: House) -> Installed:
    assert isinstance(home.broker, Installed)
    return home.broker


def all_is_there(ha: Any) -> bool:
    entities, states = ha.entities(), ha.states()
    return len(entities) > 20 and all(states[each["entity_id"]]["state"] != "unavailable" for each in entities)


def works(ha: Any, home: House) -> None:
    """All is shown, an upload is followed, commands act and their state comes back."""
    ha.wait_for(lambda: all_is_there(ha), 30)
    home.wait_remote(home.put(os.urandom(200_000)))
    ha.wait_for_state("sensor.pyarchive_last_sync", lambda state: state["state"] != "unknown")
    for service, state in (("turn_on", "on"), ("turn_off", "off")):
        ha.call_service("switch", service, entity_id="switch.pyarchive_pause")
        ha.wait_for_state("switch.pyarchive_pause", state)
    ha.call_service("number", "set_value", entity_id="number.pyarchive_upload_limit", value=900)
    ha.wait_for_state("number.pyarchive_upload_limit", "900")
    event = ha.wait_for_state("event.pyarchive_event", lambda state: state["state"] != "unknown")
    assert event["attributes"]["event_type"] == "archive_remote"


def test_the_login_homeassistant_has_the_rights_that_home_assistant_needs(home: House, tmp_path: Path) -> None:
    (tmp_path / "ha").mkdir()
    with home_assistant(ours(home).address_of("homeassistant", lan=True), tmp_path / "ha") as ha:
        ha.wait_for_birth()
        works(ha, home)
        assert ha.problems() == []
