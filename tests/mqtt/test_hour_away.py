"""An hour without the broker, as fast as it can be said."""

from __future__ import annotations

import tracemalloc

from mqtt.outbox import LIMIT_AWAY
from mqtt.topics import Topics
from tests.brokers import BrokerProcess
from tests.conftest import MakeBroker
from tests.mqtt.listening import Ear
from tests.waiting import wait_for

MESSAGES = 60 * 60 * 10
"""At ten a second."""
STATES = 100


def test_an_hour_without_the_broker_is_bounded_and_ends_with_the_last_values(
    mortal_broker: BrokerProcess, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, ear = make_broker(mortal_broker.address), Ear()
    broker.subscribe(topics("#"), ear)
    mortal_broker.stop()
    wait_for(lambda: not broker.connected)
    tracemalloc.start()
    for number in range(MESSAGES):
        if number == MESSAGES // 4:
            tracemalloc.reset_peak()
            quarter, _ = tracemalloc.get_traced_memory()
        name = "event" if number % 2 else f"archive/{number % STATES}/state"
        broker.publish(topics(name), b"%d" % number + b"." * 500, retain=not number % 2)
        assert len(broker.outbox) <= LIMIT_AWAY + STATES
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - quarter < 256 * 1024
    ear.heard.clear()
    mortal_broker.start()
    ear.wait_for(b"%d" % (MESSAGES - 1) + b"." * 500, 30)
    states = [payload for topic, payload, _ in ear.heard if topic != topics("event")]
    assert len(states) == STATES // 2
    assert all(int(payload.strip(b".")) >= MESSAGES - STATES for payload in states)
    assert len(ear.heard) <= LIMIT_AWAY + STATES
