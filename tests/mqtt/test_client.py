"""The client, on each broker."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Self

import pytest

from mqtt.client import Broker, BrokerAddress
from mqtt.outbox import LIMIT_AWAY
from mqtt.topics import Topics
from tests.brokers import HOST, BrokerProcess, free_port
from tests.conftest import MakeBroker
from tests.mqtt.listening import Ear, settled
from tests.waiting import at_best, wait_for

ARCHIVES = 10_000
MAX_PAYLOAD_BYTES = 256 * 1024


class DeafBroker:
    """Lets one client in, and then answers nothing more."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.address = BrokerAddress(host=HOST, port=self._listener.getsockname()[1])
        threading.Thread(target=self._welcome, daemon=True).start()

    def _welcome(self) -> None:
        self._client, _ = self._listener.accept()
        self._client.recv(4096)
        self._client.sendall(b"\x20\x02\x00\x00")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._listener.close()


def test_a_message_comes_with_its_topic_and_whether_it_was_retained(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, early, late = make_broker(broker_address), Ear(), Ear()
    broker.subscribe(topics("#"), early)
    broker.publish(topics("a/state"), b"one", retain=True)
    early.wait_for(b"one")
    make_broker(broker_address).subscribe(topics("+/state"), late)
    late.wait_for(b"one")
    assert early.heard == [(topics("a/state"), b"one", False)]
    assert late.heard == [(topics("a/state"), b"one", True)]


def test_who_unsubscribes_hears_no_more_and_disturbs_nobody_who_wants_the_same(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, leaving, staying = make_broker(broker_address), Ear(), Ear()
    for ear in (leaving, staying):
        broker.subscribe(topics("+/state"), ear)
    broker.publish(topics("a/state"), b"one", retain=True)
    leaving.wait_for(b"one")
    broker.unsubscribe(topics("+/state"), leaving)
    broker.unsubscribe(topics("+/state"), leaving)
    broker.unsubscribe(topics("never/wanted"), leaving)
    broker.publish(topics("a/state"), b"two", retain=True)
    staying.wait_for(b"two")
    assert b"two" not in leaving.payloads
    broker.unsubscribe(topics("+/state"), staying)
    settled(broker, topics)
    broker.publish(topics("a/state"), b"three", retain=True)
    settled(broker, topics)
    assert b"three" not in staying.payloads


def test_who_subscribes_again_gets_what_is_retained_again_also_at_once(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, first, again = make_broker(broker_address), Ear(), Ear()
    broker.publish(topics("a/state"), b"kept", retain=True)
    broker.subscribe(topics("a/state"), first)
    first.wait_for(b"kept")
    broker.unsubscribe(topics("a/state"), first)
    broker.subscribe(topics("a/state"), again)
    again.wait_for(b"kept")
    broker.publish(topics("a/state"), b"new", retain=True)
    again.wait_for(b"new")


def test_after_a_reconnect_only_what_is_still_wanted_is_subscribed(
    mortal_broker: BrokerProcess, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, gone, kept = make_broker(mortal_broker.address), Ear(), Ear()
    broker.subscribe(topics("gone"), gone)
    broker.subscribe(topics("kept"), kept)
    settled(broker, topics)
    mortal_broker.stop()
    wait_for(lambda: not broker.connected, what="the broker to be missed")
    broker.unsubscribe(topics("gone"), gone)
    mortal_broker.start()
    assert broker.wait_connected(20)
    for name in ("gone", "kept"):
        broker.publish(topics(name), b"after", retain=False)
    kept.wait_for(b"after")
    assert gone.payloads == []
    assert topics("gone") not in broker.filters


def test_a_cleared_message_does_not_reach_who_subscribes_later(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, ear = make_broker(broker_address), Ear()
    for name in ("gone", "kept"):
        broker.publish(topics(name), b"value", retain=True)
    settled(broker, topics)
    broker.clear(topics("gone"))
    settled(broker, topics)
    other = make_broker(broker_address)
    other.subscribe(topics("+"), ear)
    settled(other, topics)
    assert ear.topics == {topics("kept")}


def test_ten_thousand_retained_messages_reach_a_late_subscriber(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, ear = make_broker(broker_address), Ear()
    for number in range(ARCHIVES):
        broker.publish(topics(f"archive/{number}/state"), b"%d" % number + b"." * 800, retain=True)
    broker.publish(topics("availability"), b"online", retain=True)
    settled(broker, topics)
    late = make_broker(broker_address)
    late.subscribe(topics("#"), ear)
    settled(late, topics)
    ear.heard = [one for one in ear.heard if "mark" not in one[0]]
    assert len(ear.topics) == len(ear.heard) == ARCHIVES + 1
    assert all(retained for _, _, retained in ear.heard)


def test_nobody_gets_retained_messages_that_somebody_else_subscribed_to(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, ear = make_broker(broker_address), Ear()
    broker.subscribe(topics("archive/#"), Ear())
    broker.publish(topics("archive/1/state"), b"value", retain=True)
    settled(broker, topics)
    other = make_broker(broker_address, start=False)
    other.subscribe(topics("event"), Ear())
    other.deliver = ear  # type: ignore[method-assign]  # all that the broker sends, wanted or not
    other.start()
    other.publish(topics("event"), b"mark", retain=False)
    ear.wait_for(b"mark")
    assert ear.topics == {topics("event")}


def test_a_payload_of_256_kib_arrives_unchanged(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    broker, ear = make_broker(broker_address), Ear()
    broker.subscribe(topics("large"), ear)
    payload = os.urandom(MAX_PAYLOAD_BYTES)
    broker.publish(topics("large"), payload, retain=False)
    ear.wait_for(payload)


def test_messages_on_a_topic_keep_their_order(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    broker, ear = make_broker(broker_address), Ear()
    broker.subscribe(topics("count"), ear)
    for number in range(3000):
        broker.publish(topics("count"), b"%d" % number, retain=False)
    ear.wait_for(b"2999")
    assert ear.payloads == [b"%d" % number for number in range(3000)]


def test_wildcards_mean_what_mqtt_says(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    broker = make_broker(broker_address)
    ears = {name: Ear() for name in ("a/b", "a/+", "+/b", "a/#", "#", "a/b/#", "+")}
    for name, ear in ears.items():
        broker.subscribe(topics(name), ear)
    for name in ("a", "a/b", "a/b/c", "d/b"):
        broker.publish(topics(name), name.encode(), retain=False)
    ears["#"].wait_for(b"d/b")
    assert {name: set(ear.payloads) for name, ear in ears.items()} == {
        "a/b": {b"a/b"},
        "a/+": {b"a/b"},
        "+/b": {b"a/b", b"d/b"},
        "a/#": {b"a", b"a/b", b"a/b/c"},
        "#": {b"a", b"a/b", b"a/b/c", b"d/b"},
        "a/b/#": {b"a/b", b"a/b/c"},
        "+": {b"a"},
    }


def test_the_last_will_of_a_killed_client_is_published_and_retained(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    script = f"""
from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
import sys, threading
topics = Topics({topics.appliance_id!r})
password = sys.stdin.readline().strip()
address = BrokerAddress(host={HOST!r}, port={broker_address.port}, username={broker_address.username!r}, password=password)
broker = Broker(address, topics, "victim", will=(topics.availability, b"offline"))
broker.start()
broker.wait_connected(10)
broker.publish(topics.availability, b"online", retain=True)
threading.Event().wait()
"""
    broker, ear, late = make_broker(broker_address), Ear(), Ear()
    broker.subscribe(topics.availability, ear)
    settled(broker, topics)
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, text=True) as victim:
        assert victim.stdin is not None
        victim.stdin.write(f"{broker_address.password}\n")
        victim.stdin.flush()
        ear.wait_for(b"online")
        victim.send_signal(signal.SIGKILL)
    ear.wait_for(b"offline")
    make_broker(broker_address).subscribe(topics.availability, late)
    late.wait_for(b"offline")


def test_a_client_that_stops_leaves_its_last_words_and_no_will(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, ear = make_broker(broker_address), Ear()
    broker.subscribe(topics("#"), ear)
    settled(broker, topics)
    leaving = make_broker(broker_address, will=(topics.availability, b"vanished"))
    for number in range(500):
        leaving.publish(topics("event"), b"%d" % number, retain=False)
    leaving.publish(topics.availability, b"offline", retain=True)
    leaving.stop(5.0)
    ear.wait_for(b"offline")
    settled(broker, topics)
    ear.heard = [one for one in ear.heard if "mark" not in one[0]]
    assert ear.payloads == [b"%d" % number for number in range(500)] + [b"offline"]


def test_after_a_restart_of_the_broker_subscriptions_and_owners_are_back(
    mortal_broker: BrokerProcess, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, ear = make_broker(mortal_broker.address, start=False), Ear()
    broker.subscribe(topics("#"), ear)
    broker.on_connected(lambda: broker.publish(topics("state"), b"again", retain=True))
    broker.start()
    ear.wait_for(b"again")
    mortal_broker.stop()
    wait_for(lambda: not broker.connected)
    assert "lost" in str(broker.last_error) or "refused" in str(broker.last_error)
    ear.heard.clear()
    mortal_broker.start()
    ear.wait_for(b"again")
    assert broker.last_error is None


def test_what_was_published_while_the_broker_was_away_arrives_in_order_with_the_last_retained_values(
    mortal_broker: BrokerProcess, topics: Topics, make_broker: MakeBroker
) -> None:
    broker, ear = make_broker(mortal_broker.address), Ear()
    broker.subscribe(topics("#"), ear)
    mortal_broker.stop()
    wait_for(lambda: not broker.connected)
    for number in range(LIMIT_AWAY + 500):
        broker.publish(topics("event"), b"event %d" % number, retain=False)
        broker.publish(topics(f"state/{number % 7}"), b"state %d" % number, retain=True)
    broker.publish(topics("end"), b"end", retain=True)
    mortal_broker.start()
    ear.wait_for(b"end")
    events = [payload for topic, payload, _ in ear.heard if topic == topics("event")]
    assert events == [b"event %d" % number for number in range(500, LIMIT_AWAY + 500)]
    states = [payload for topic, payload, _ in ear.heard if topic.startswith(topics("state/"))]
    assert states == [b"state %d" % number for number in range(LIMIT_AWAY + 493, LIMIT_AWAY + 500)]
    assert ear.heard[-1][1] == b"end"


def test_what_the_broker_did_not_acknowledge_is_published_again_after_a_reconnect(topics: Topics, make_broker: MakeBroker) -> None:
    with DeafBroker() as deaf:
        broker = make_broker(deaf.address, wait=False)
        for number in range(300):
            broker.publish(topics(f"state/{number}"), b"%d" % number, retain=True)
        wait_for(lambda: len(broker.outbox) == 200, what="the window to be full")
    wait_for(lambda: len(broker.outbox) == 300, what="all to wait again")


def test_publishing_to_an_absent_broker_takes_no_time_and_no_more_memory(topics: Topics, make_broker: MakeBroker) -> None:
    absent = BrokerAddress(host=HOST, port=free_port())
    broker = make_broker(absent, wait=False)
    payload = bytes(2000)

    def an_hour() -> None:
        for number in range(4_000):
            broker.publish(topics("event"), payload, retain=False)
            broker.publish(topics(f"state/{number % 100}"), payload, retain=True)

    an_hour()
    tracemalloc.start()
    started_s = time.process_time()
    an_hour()
    grown_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - started_s < 5
    assert grown_bytes < 1_000_000
    assert len(broker.outbox) == LIMIT_AWAY + 100


def test_a_wrong_password_is_said_as_such(broker_address: BrokerAddress, make_broker: MakeBroker) -> None:
    broker = make_broker(dataclasses.replace(broker_address, password="wrong-one"), wait=False)
    wait_for(lambda: broker.last_error)
    assert f"{HOST}:{broker_address.port}" in str(broker.last_error)
    assert "wrong user name or password" in str(broker.last_error)
    assert "wrong-one" not in str(broker.last_error)
    assert not broker.connected


def test_nobody_gets_in_without_a_login(broker_address: BrokerAddress, make_broker: MakeBroker) -> None:
    broker = make_broker(BrokerAddress(host=HOST, port=broker_address.port), wait=False)
    wait_for(lambda: broker.last_error)
    assert "without a login: wrong user name or password" in str(broker.last_error)


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [(HOST, None, "connection refused"), ("no-such-host.invalid", 1883, "cannot be resolved"), (HOST, 0, "cannot be reached")],
)
def test_a_broker_that_cannot_be_reached_is_said_with_its_address(make_broker: MakeBroker, host: str, port: int | None, said: str) -> None:
    port = free_port() if port is None else port
    broker = make_broker(BrokerAddress(host=host, port=port), wait=False)
    wait_for(lambda: broker.last_error)
    assert said in str(broker.last_error)
    assert f"{host}:{port}" in str(broker.last_error)


def test_a_missing_certificate_authority_is_said_with_its_path(
    tmp_path: Path, make_broker: MakeBroker, broker_address: BrokerAddress
) -> None:
    broker = make_broker(dataclasses.replace(broker_address, tls_ca=tmp_path / "ca.pem"), wait=False)
    wait_for(lambda: broker.last_error)
    assert "ca.pem" in str(broker.last_error)


def test_a_handler_that_fails_is_logged_and_stops_nobody(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker, ear = make_broker(broker_address), Ear()

    def failing(topic: str, payload: bytes, retained: bool) -> None:
        raise RuntimeError("on purpose")

    broker.subscribe(topics("#"), failing)
    broker.subscribe(topics("#"), ear)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            broker.publish(topics("event"), b"%d" % number, retain=False)
        ear.wait_for(b"2")
    assert "on purpose" in caplog.text
    assert broker.connected


def test_what_follows_a_connect_may_wait_and_may_fail(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    broker, ear, told = make_broker(broker_address, start=False), Ear(), threading.Event()
    broker.subscribe(topics("event"), ear)

    def waits_for_an_echo() -> None:
        broker.publish(topics("event"), b"echo", retain=False)
        ear.wait_for(b"echo")
        told.set()
        raise RuntimeError("on purpose")

    broker.on_connected(waits_for_an_echo)
    broker.start()
    assert told.wait(10)


@pytest.mark.parametrize("topic", ["", "a/+", "a/#", "a\0b", "x" * 70_000])
def test_a_topic_that_is_none_is_refused_at_once(topics: Topics, topic: str) -> None:
    broker = Broker(BrokerAddress(host=HOST, port=1), topics, "nobody")
    with pytest.raises(ValueError, match="not a topic"):
        broker.publish(topic, b"", retain=False)


def test_a_password_is_not_in_the_words_for_an_address() -> None:
    address = BrokerAddress(host=HOST, port=1, username="u", password="secret-word")
    assert "secret-word" not in repr(address)
    assert str(address) == f"{HOST}:1"


def test_stopping_while_the_broker_is_away_takes_no_longer_than_asked(topics: Topics) -> None:
    assert at_best(lambda: stopping_s(topics), 1.5) < 1.5


def stopping_s(topics: Topics) -> float:
    """Of a client that has something to say, told to stop within a second."""
    broker = Broker(BrokerAddress(host=HOST, port=free_port()), topics, "nobody")
    broker.start()
    broker.publish(topics("event"), b"never", retain=False)
    wait_for(lambda: broker.last_error)
    started_s = time.monotonic()
    broker.stop(1.0)
    return time.monotonic() - started_s
