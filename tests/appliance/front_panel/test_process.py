"""Lamp and button of an appliance in a process of its own, over the broker, by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mqtt.requests import RequestFailed
from tests.processes import House
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    stand_in = folder / "systemctl"
    stand_in.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n')
    stand_in.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}:{before}"
    try:
        with House(folder, shutdown_enabled=True) as opened:
            yield opened
    finally:
        os.environ["PATH"] = before


def pyarchive(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    address = house.address_of("cli")
    environment = os.environ | {
        "PYARCHIVE_DATA": str(house.data), "PYARCHIVE_APPLIANCE_ID": house.topics.appliance_id, "PYARCHIVE_MQTT_PORT": str(address.port),
        "PYARCHIVE_MQTT_USERNAME": str(address.username), "PYARCHIVE_MQTT_PASSWORD": str(address.password),
    }  # fmt: skip
    return subprocess.run([sys.executable, "-m", "ui.cli", *arguments], env=environment, capture_output=True, text=True, check=False)


def state(house: House) -> Any:
    return json.loads(house.seen.get(house.topics("frontpanel/state"), b"{}"))


def test_the_command_presses_and_says_what_came_of_it(house: House) -> None:
    done = pyarchive(house, "press")
    assert (done.returncode, done.stdout) == (0, "pressed for 0.2 s: everything that waited is tried again\n"), done.stderr
    done = pyarchive(house, "press", "3.1", "--json")
    assert (json.loads(done.stdout)["step"], json.loads(done.stdout)["result"]) == ("pause", "transfers are paused")
    wait_for(lambda: state(house).get("lamp_reason", "").startswith("transfers are paused"), what="the lamp's reason")
    assert "lamp      steady (simulated)" in pyarchive(house, "status").stdout
    assert pyarchive(house, "press", "nan").returncode == 2


def test_a_press_is_told_as_it_goes_on(house: House) -> None:
    steps: list[Any] = []

    def note(_topic: str, payload: bytes, _retained: bool) -> None:
        steps.append(json.loads(payload)["button_step"])

    house.client.subscribe(house.topics("frontpanel/state"), note)
    house.ask("frontpanel/hold")
    wait_for(lambda: steps[-1:] == ["pause"], what="the second step")
    with pytest.raises(RequestFailed, match="held down"):
        house.ask("frontpanel/press")
    house.ask("frontpanel/let-go")
    wait_for(lambda: steps[-1:] == [None], what="the release")
    assert [step for number, step in enumerate(steps) if number == 0 or step != steps[number - 1]] == [None, "sync", "pause", None]


def test_a_real_hold_of_ten_seconds_asks_the_system_to_shut_down_and_a_stop_turns_the_lamp_off(house: House, tmp_path: Path) -> None:
    house.ask("frontpanel/press", seconds=10.1)
    asked = house.log.parent / "asked"
    wait_for(asked.exists, 30, "the system to be asked")
    assert asked.read_text() == "--no-ask-password --no-wall poweroff\n"
    house.ask("frontpanel/press")
    wait_for(lambda: not house.ask("frontpanel/history")["presses"][-1]["done"], what="the next press")
    assert house.ask("frontpanel/history")["presses"][-1]["result"] == "the computer shuts down already"
    house.stop()
    wait_for(lambda: state(house)["lamp"] == "off", what="the last word")
