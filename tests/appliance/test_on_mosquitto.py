"""The appliance and its command under their own logins, on Mosquitto as the project sets it up."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeBroker
from tests.installed import Installed
from tests.mqtt.listening import Ear
from tests.processes import House
from tests.waiting import wait_for

MIB = 1 << 20


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, broker="mosquitto", upload_limit_kb_per_s=4000) as running:
        yield running


def mosquitto(house: House) -> Installed:
    assert isinstance(house.broker, Installed)
    return house.broker


def online(house: House) -> bool:
    return house.seen.get(house.topics.availability) == b"online"


def test_a_file_goes_from_the_command_to_the_remote_by_the_credentials_that_were_written(house: House, tmp_path: Path) -> None:
    house.connect()
    shutil.copy(mosquitto(house).folder / "credentials/cli.toml", house.data / "client.toml")
    (tmp_path / "file.bin").write_bytes(random.Random(1).randbytes(2 * MIB))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYARCHIVE_")}
    command = [sys.executable, "-m", "ui.cli", "--data", str(house.data)]
    put = [*command, "put", str(tmp_path / "file.bin"), "--wait"]
    done = subprocess.run(put, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run([*command, "list", "--json"], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert [archive["rung"] for archive in json.loads(listed.stdout)["archives"]] == ["remote"]


def test_the_appliance_finds_its_broker_in_the_file_of_its_credentials(house: House) -> None:
    wait_for(lambda: online(house))
    house.stop()
    wait_for(lambda: not online(house))
    environment = os.environ | {
        "PYARCHIVE_CONFIG": str(mosquitto(house).folder / "credentials/appliance.toml"),
        "PYARCHIVE_DATA": str(house.data),
    }
    house.process = subprocess.Popen([sys.executable, "-m", "appliance"], env=environment, stderr=subprocess.DEVNULL)
    wait_for(lambda: online(house))


def test_a_request_that_home_assistant_writes_never_reaches_the_appliance(house: House, make_broker: MakeBroker) -> None:
    wait_for(lambda: online(house))
    answers, commands = Ear(), Ear()
    house.client.subscribe(house.topics("response/#"), answers)
    house.client.subscribe(house.topics("command/#"), commands)
    stranger = make_broker(mosquitto(house).address_of("homeassistant", lan=True))
    for login in ("cli", "panel", "homeassistant"):
        payload = json.dumps({"transaction": f"stolen-{login}"}).encode()
        stranger.publish(house.topics(f"request/{login}/transfer/pause"), payload, retain=False)
    stranger.publish(house.topics("command/sync"), b"PRESS", retain=False)
    commands.wait_for(b"PRESS")  # behind the requests, so they have been refused by now
    assert house.ask("transfer/list")
    assert json.loads(house.seen[house.topics("appliance/state")])["paused"] is False
    assert not [payload for payload in answers.payloads if b"stolen" in payload]


@pytest.mark.parametrize("appliance_is_there", [True, False])
def test_with_persistence_what_was_retained_is_there_again_before_anybody_says_it(
    house: House, make_broker: MakeBroker, appliance_is_there: bool
) -> None:
    installed = mosquitto(house)
    installed.stop()
    installed.configure(persistence=str(installed.own_folder("kept")))
    installed.start()
    house.connect()
    archive_id = house.put(random.Random(1).randbytes(4 * MIB))
    wait_for(lambda: house.topics(f"archive/{archive_id}/state") in house.seen and online(house))
    if not appliance_is_there:
        house.kill()
        wait_for(lambda: not online(house))
    installed.stop()
    ear = Ear()
    late = make_broker(installed.address_of("panel"), start=False)
    late.subscribe(house.topics("#"), ear)
    installed.start()
    late.start()
    wait_for(lambda: ear.last(house.topics(f"archive/{archive_id}/state")))
    assert next(payload for topic, payload, _ in ear.heard if topic == house.topics.availability) == b"offline"
    if appliance_is_there:
        house.wait_remote(archive_id)
        wait_for(lambda: ear.last(house.topics.availability) == b"online")


def test_a_wrong_password_stops_no_transfer_is_said_and_is_over_once_the_broker_knows_it(house: House, tmp_path: Path) -> None:
    house.connect()
    wait_for(lambda: online(house))
    installed = mosquitto(house)
    credentials = installed.folder / "credentials/appliance.toml"
    before = credentials.read_text()
    credentials.unlink()
    installed.configure()
    installed.stop()
    installed.start()
    log = tmp_path / "appliance.log"
    wait_for(lambda: b"wrong user name or password" in log.read_bytes())
    (house.data / "inbox/home").mkdir(parents=True, exist_ok=True)
    (house.data / "inbox/home/file.bin").write_bytes(random.Random(1).randbytes(2 * MIB))
    wait_for(lambda: list(house.remote.glob("*/*/manifest.json")), what="the file to be remote")
    house.seen.clear()
    credentials.write_text(before)
    installed.configure()
    installed.reload()
    wait_for(lambda: online(house), 60)
    wait_for(lambda: house.ask("archive/list")["archives"][0]["rung"] == "remote")
    assert str(installed.address_of("appliance").password).encode() not in log.read_bytes()
