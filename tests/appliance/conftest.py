"""Somebody else at the appliance's broker."""

from __future__ import annotations

import pytest

from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from tests.conftest import MakeBroker


@pytest.fixture
def heard() -> dict[str, bytes]:
    """The last payload of each of the appliance's topics, as ``someone`` heard it."""
    return {}


@pytest.fixture
def someone(make_broker: MakeBroker, broker_address: BrokerAddress, topics: Topics, heard: dict[str, bytes]) -> Broker:
    """Another client in the house."""
    client = make_broker(broker_address, name="someone")
    client.subscribe(topics("#"), lambda topic, payload, _: heard.__setitem__(topic, payload))
    return client
