"""One broker, one appliance and one Home Assistant for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import BrokerProcess, end_broker, start_broker
from tests.home_assistant.parts import bench, home_assistant
from tests.processes import House


@pytest.fixture(scope="module")
def mosquitto() -> Iterator[BrokerProcess]:
    bench()  # skips before anything is started
    broker = start_broker("mosquitto")
    yield broker
    end_broker(broker)


@pytest.fixture(scope="module")
def home(mosquitto: BrokerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("home"), at=mosquitto.address) as home:
        home.connect()
        yield home


@pytest.fixture(scope="module")
def ha(mosquitto: BrokerProcess, home: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    config: Path = tmp_path_factory.mktemp("home-assistant")
    with home_assistant(mosquitto.address, config) as ha:
        ha.wait_for(ha.devices)
        ha.wait_for_birth()
        yield ha
