"""What the appliance promises at its broker, on the embedded one and on Mosquitto as the project sets it up."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mqtt.client import Broker
from mqtt.requests import RequestFailed
from tests.brokers import KINDS
from tests.conftest import MakeBroker
from tests.mqtt.listening import Ear
from tests.processes import House
from tests.waiting import wait_for

MIB = 1 << 20
QUIET_S = 3.0


@pytest.fixture(params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, broker=request.param, upload_limit_kb_per_s=4000) as running:
        yield running


def online(house: House) -> bool:
    return house.seen.get(house.topics.availability) == b"online"


def retained(house: House, make_broker: MakeBroker) -> dict[str, bytes]:
    """What a late subscriber gets."""
    ear = Ear()
    late: Broker = make_broker(house.broker.address_of("cli"), start=False)
    late.subscribe(house.topics("#"), ear)
    late.start()
    wait_for(lambda: ear.last(house.topics.availability))
    house.ask("archive/list")  # goes the same way, and behind
    return {topic: payload for topic, payload, was_retained in ear.heard if was_retained}


def test_requests_are_answered_once_each_and_bad_ones_change_nothing(house: House) -> None:
    wait_for(lambda: online(house))
    before = house.ask("settings/get", name="undo_days")
    with pytest.raises(RequestFailed, match="no request"):
        house.ask("archive/explode")
    with pytest.raises(RequestFailed, match="undo_days"):
        house.ask("settings/set", name="undo_days", value=-1)
    for payload in (
        b"",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"transaction": 5}',
        b"x" * 300_000,
        b'{"transaction": "long", "x": "' + b"y" * 270_000 + b'"}',
    ):
        house.client.publish(house.topics("request/cli/settings/set"), payload, retain=False)
    assert house.ask("settings/get", name="undo_days") == before


def test_a_request_that_was_left_on_the_broker_is_none_at_the_next_start(house: House) -> None:
    wait_for(lambda: online(house))
    topic, ear = house.topics("request/cli/settings/set"), Ear()
    house.client.subscribe(house.topics("response/cli/settings/set"), ear)
    house.client.publish(topic, json.dumps({"transaction": "kept", "name": "undo_days", "value": 1}).encode(), retain=True)
    wait_for(lambda: ear.heard)
    house.ask("settings/set", name="undo_days", value=5)
    house.stop()
    wait_for(lambda: not online(house))
    house.start()
    wait_for(lambda: online(house))
    assert house.ask("settings/get", name="undo_days")["value"] == 5


def test_a_repeated_transaction_gets_its_first_answer(house: House) -> None:
    ear = Ear()
    house.client.subscribe(house.topics("response/cli/archive/begin"), ear)
    payload = json.dumps({"transaction": "twice", "file_name": "a", "size_bytes": 1}).encode()
    wait_for(lambda: online(house))
    for times in range(1, 4):
        house.client.publish(house.topics("request/cli/archive/begin"), payload, retain=False)
        wait_for(lambda times=times: len(ear.heard) == times)  # type: ignore[misc]  # bound now
    assert len(set(ear.payloads)) == 1


def test_after_a_restart_of_the_broker_all_that_is_retained_is_back_and_then_nothing_is_said_for_nothing(
    house: House, make_broker: MakeBroker
) -> None:
    house.connect()
    archives = [house.put(random.Random(seed).randbytes(3 * MIB), f"{seed}.bin") for seed in range(3)]
    transferring = house.topics("transfer/1/state")
    wait_for(lambda: house.seen.get(transferring))
    house.broker.stop()
    house.seen.clear()
    house.broker.start()
    wait_for(lambda: online(house))
    assert house.process is not None
    assert house.process.poll() is None
    states = [house.topics(f"archive/{archive_id}/state") for archive_id in archives]
    wait_for(lambda: all(json.loads(house.seen.get(topic, b"{}")).get("rung") == "remote" for topic in states), 60)
    wait_for(lambda: state(house)["status"] == "idle" and not any("/transfer/" in topic and said for topic, said in house.seen.items()))
    there = retained(house, make_broker)
    assert {house.topics(name) for name in ("appliance/state", "appliance/settings", "availability", "bridge")} | set(
        states
    ) <= there.keys()
    assert there[house.topics.bridge] == b"online"
    assert all(json.loads(there[topic])["rung"] == "remote" for topic in states)
    assert not [topic for topic in there if "/transfer/" in topic]
    ear = Ear()
    make_broker(house.broker.address_of("cli")).subscribe(house.topics("#"), ear)
    wait_for(Silence(ear).heard, what=f"{QUIET_S} s in which nothing is said")


def state(house: House, name: str = "appliance/state") -> Any:
    return json.loads(house.seen.get(house.topics(name), b'{"status": "unknown", "rung": "unknown"}'))


class Silence:
    """``heard()``: nothing was heard for QUIET_S."""

    def __init__(self, ear: Ear) -> None:
        self._ear, self._count, self._since_s = ear, -1, 0.0

    def heard(self) -> bool:
        count = len(self._ear.heard)
        if count != self._count:
            self._count, self._since_s = count, time.monotonic()
        return time.monotonic() - self._since_s >= QUIET_S


def test_a_broker_that_stays_away_costs_no_memory_and_has_the_last_values_when_it_is_back(house: House) -> None:
    house.connect()
    wait_for(lambda: online(house))
    assert house.process is not None
    process = psutil.Process(house.process.pid)
    house.broker.stop()
    inbox = house.data / "inbox/home"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "first.bin").write_bytes(random.Random(1).randbytes(4 * MIB))
    wait_for(lambda: manifests(house) == 1, 60)
    before = process.memory_info().rss
    (inbox / "second.bin").write_bytes(random.Random(2).randbytes(8 * MIB))
    wait_for(lambda: manifests(house) == 2, 60)
    assert process.memory_info().rss - before < 16 * MIB
    house.seen.clear()
    house.broker.start()
    wait_for(lambda: online(house))
    wait_for(lambda: len([topic for topic in house.seen if "/archive/" in topic]) == 2)
    assert state(house)["counts"]["archives"] == 2


def manifests(house: House) -> int:
    return len(list(house.remote.glob("*/*/manifest.json")))
