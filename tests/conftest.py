"""Brokers for all tests: session-long ones by ``broker_address``, one that may be stopped by ``mortal_broker``."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from appliance import time_source
from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from tests.brokers import KINDS, BrokerProcess, end_broker, start_broker
from tests.waiting import PATIENCE_S
from tests.workers import pytest_report_to_serializable, pytest_xdist_auto_num_workers

__all__ = ["pytest_report_to_serializable", "pytest_xdist_auto_num_workers"]

# Hundreds of processes are started here: none of them is to compile the whole product again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# An example takes as long as the machine has other things to do; a test that hangs is ended by its timeout.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

MakeBroker = Callable[..., Broker]


@pytest.fixture(autouse=True)
def a_computer_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody says whether its date is right, whatever computer the tests run on: many of them move the clock."""
    monkeypatch.setattr(time_source, "kernel_is_synced", lambda: False)
    monkeypatch.setattr(time_source, "told", time_source.TimeSource(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session", params=KINDS)
def broker_process(request: pytest.FixtureRequest) -> Iterator[BrokerProcess]:
    """Shared by the session: not to be stopped."""
    broker = start_broker(request.param)
    yield broker
    end_broker(broker)


@pytest.fixture
def broker_address(broker_process: BrokerProcess) -> BrokerAddress:
    return broker_process.address


@pytest.fixture(params=KINDS)
def mortal_broker(request: pytest.FixtureRequest) -> Iterator[BrokerProcess]:
    """For one test, which may stop and start it."""
    broker = start_broker(request.param)
    yield broker
    end_broker(broker)


@pytest.fixture
def topics() -> Topics:
    """An appliance id of the test's own, so that what it leaves retained disturbs nobody."""
    return Topics(f"test-{secrets.token_hex(6)}")


@pytest.fixture
def make_broker(topics: Topics) -> Iterator[MakeBroker]:
    """``make_broker(address, name="…", …)``: a client, started, connected unless ``wait=False``; stopped at the end."""
    with ExitStack() as stack:

        def make(address: BrokerAddress, *, name: str = "", wait: bool = True, start: bool = True, **more: Any) -> Broker:
            broker = Broker(
                address, topics, f"{topics.appliance_id}-{name or secrets.token_hex(4)}", retry_min_s=0.05, retry_max_s=0.2, **more
            )
            stack.callback(broker.stop, 0.5)
            if start:
                broker.start()
                assert not wait or broker.wait_connected(PATIENCE_S), broker.last_error
            return broker

        yield make
