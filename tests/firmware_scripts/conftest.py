"""A runner per module, on a broker of its own, with a stand-in for the appliance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from mqtt.client import Broker
from mqtt.topics import Topics
from tests.brokers import Embedded
from tests.runners import RunnerProcess, StandIn


class Stage(NamedTuple):
    """A runner that is online, and who orders from it."""

    runner: RunnerProcess
    orders: StandIn


def raise_stage(
    stack: ExitStack, factory: pytest.TempPathFactory, *, unprivileged: bool = False, broker: Embedded | None = None, **more: str
) -> Stage:
    topics = Topics("test-scripts")
    broker = broker or Embedded()
    stack.callback(broker.stop)
    client = Broker(broker.address, topics, client_id="stand-in", retry_min_s=0.05, retry_max_s=0.2)
    orders = StandIn(client, topics)
    client.start()
    stack.callback(client.stop, 0.5)
    assert client.wait_connected(10), client.last_error
    runner = stack.enter_context(RunnerProcess(broker.address, topics, factory.mktemp("runner"), unprivileged=unprivileged, **more))
    orders.wait_online()
    return Stage(runner, orders)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield raise_stage(stack, tmp_path_factory)
