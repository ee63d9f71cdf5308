"""One broker, one appliance and one Home Assistant for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import BrokerProcess, end_broker, start_broker
from tests.home_assistant.parts import Home, bench, home_assistant


@pytest.fixture(scope="module")
def mosquitto() -> Iterator[BrokerProcess]:
    bench()  # skips before anything is started
    broker = start_broker("mosquitto")
    yield broker
    end_broker(broker)


@pytest.fixture(scope="module")
def home(mosquitto: BrokerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home"), mosquitto) as home:
        home.connect()
        yield home


@pytest.fixture(scope="module")
def ha(mosquitto: BrokerProcess, home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    config: Path = tmp_path_factory.mktemp("home-assistant")
    with home_assistant(mosquitto, config) as ha:
        ha.wait_for(ha.devices)
        ha.wait_for_birth()
        yield ha
