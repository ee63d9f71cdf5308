"""An appliance with a stand-in for the runner at a real broker."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from tests.appliance.in_house import InHouse
from tests.appliance.scripts.stand_in import StandIn
from tests.conftest import MakeBroker
from tests.waiting import wait_for

HELLO = b"print('hello')\n"


@dataclass(frozen=True, slots=True)
class Scene:
    house: InHouse
    runner: StandIn
    heard: dict[str, bytes]
    topics: Topics

    def ask(self, verb: str, **parameters: Any) -> Any:
        return self.house.ask(verb, **parameters)

    def save(self, script: str = "hello", source: bytes = HELLO, **more: Any) -> Any:
        told = {"title": "Hello", "source_base64": base64.b64encode(source).decode()} | more
        return self.ask("script/save", script=script, **told)

    def run(self, script: str = "hello", **more: Any) -> str:
        """Asked for, and taken by the runner."""
        run_id = str(self.ask("script/run", script=script, **more)["run_id"])
        wait_for(lambda: run_id in self.runner.orders, what="the order")
        return run_id

    def facts(self, run_id: str) -> Any:
        return self.ask("script/output", run_id=run_id)["run"]

    def wait_state(self, run_id: str, state: str, timeout_s: float = 20.0) -> Any:
        return wait_for(lambda: (run := self.facts(run_id))["state"] == state and run, timeout_s, f"the run to be {state}")

    def retained(self, run_id: str) -> bytes:
        return self.heard.get(self.topics(f"script/{run_id}/state"), b"")

    def wait_online(self, online: bool = True) -> None:
        wait_for(lambda: self.house.app.scripts.running.is_online is online, what="the runner to be there or away")


@pytest.fixture
def scene(
    someone: Broker, make_broker: MakeBroker, broker_address: BrokerAddress, topics: Topics, heard: dict[str, bytes], tmp_path: Path
) -> Iterator[Scene]:
    client = make_broker(broker_address, name="appliance", start=False)
    with InHouse(tmp_path / "data", client, topics, heard) as house:
        runner = StandIn(someone, topics)
        scene = Scene(house, runner, heard, topics)
        runner.come()
        scene.wait_online()
        yield scene
