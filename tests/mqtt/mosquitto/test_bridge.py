"""The bridge between our Mosquitto and one that is not ours: what it carries, and what the other side learns when we are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.bridge_watch import BridgeWatch
from mqtt.client import Broker
from mqtt.mosquitto.credentials import BridgeLogin
from mqtt.topics import Topics
from tests.brokers import HOST, Mosquitto
from tests.conftest import MakeBroker
from tests.installed import Installed, need_mosquitto
from tests.mqtt.listening import Ear
from tests.mqtt.mosquitto.conftest import Install
from tests.mqtt.mosquitto.test_rights import BASE
from tests.mqtt.mosquitto.test_tls import Papers
from tests.waiting import wait_for

BRIDGE_S = 30.0
"""A bridge that lost its broker tries again after 2 s at first."""


class Other(Mosquitto):
    """Somebody else's broker, as Home Assistant's own add-on: our bridge has a login there that may do everything."""

    @property
    def login(self) -> BridgeLogin:
        return BridgeLogin(username=str(self.address.username), password=str(self.address.password))


@pytest.fixture
def other() -> Iterator[Other]:
    need_mosquitto()
    broker = Other()
    yield broker
    broker.stop()
    broker.remove()


class Rig:
    """Our broker, theirs, and somebody who looks and speaks at each: the appliance here, Home Assistant there."""

    def __init__(self, ours: Installed, theirs: Other, make_broker: MakeBroker) -> None:
        self.ours, self.theirs, self.topics = ours, theirs, ours.topics
        self.there, self.here = Ear(), Ear()
        self.house = make_broker(theirs.address)
        self.house.subscribe("#", self.there)
        self._make = make_broker

    def appliance(self) -> Broker:
        broker = self._make(self.ours.address_of("appliance"), will=(self.topics.availability, b"offline"))
        broker.subscribe(self.topics("#"), self.here)
        broker.subscribe("homeassistant/status", self.here)
        BridgeWatch(broker, self.topics)
        return broker

    def wait_there(self, name: str, payload: bytes) -> None:
        topic = self.topics(name)
        wait_for(lambda: self.there.last(topic) == payload, BRIDGE_S, f"{payload!r} on {name} at the other broker")

    def wait_command(self, payload: bytes) -> None:
        """Given until it arrives: a command while the bridge is down is lost, and should be."""

        def arrived() -> bool:
            self.house.publish(self.topics("command/sync"), payload, retain=False)
            return payload in self.here.payloads

        wait_for(arrived, BRIDGE_S, "a command to arrive")


@pytest.fixture
def rig(install: Install, other: Other, make_broker: MakeBroker) -> Rig:
    ours = install(bridge=other.login, bridge_host=HOST, bridge_port=other.address.port)
    rig = Rig(ours, other, make_broker)
    rig.wait_there("bridge", b"1")
    return rig


def test_what_home_assistant_may_read_goes_out_once_and_nothing_else(rig: Rig) -> None:
    appliance = rig.appliance()
    for name in BASE:
        appliance.publish(rig.topics(name), b"live", retain=False)
    appliance.publish(f"homeassistant/device/{rig.topics.appliance_id}/config", b"live", retain=False)
    appliance.publish(rig.topics("event"), b"end", retain=False)
    rig.there.wait_for(b"end")
    readable = [rig.topics(name) for name, (readers, _) in BASE.items() if "homeassistant" in readers]
    expected = sorted([*readable, f"homeassistant/device/{rig.topics.appliance_id}/config"])
    assert sorted(topic for topic, payload, _ in rig.there.heard if payload == b"live") == expected


def test_what_home_assistant_may_write_comes_in_once_and_nothing_else(rig: Rig) -> None:
    rig.appliance()
    rig.wait_command(b"begin")
    for name in BASE:
        rig.house.publish(rig.topics(name), b"live", retain=False)
    for topic in ("homeassistant/status", "homeassistant/sensor/lamp/config", "pyarchive/another/command/sync", "elsewhere"):
        rig.house.publish(topic, b"live", retain=False)
    rig.wait_command(b"end")
    heard = sorted(topic for topic, payload, _ in rig.here.heard if payload == b"live")
    assert heard == sorted([rig.topics("command/sync"), rig.topics("command/pause"), "homeassistant/status"])


@pytest.mark.parametrize("end", [Installed.stop, Installed.kill])
def test_after_a_restart_of_our_broker_all_is_as_before(rig: Rig, end: Callable[[Installed], None]) -> None:
    appliance = rig.appliance()
    appliance.publish(rig.topics("appliance/state"), b"before", retain=True)
    rig.wait_there("appliance/state", b"before")
    appliance.on_connected(lambda: appliance.publish(rig.topics("appliance/state"), b"again", retain=True))
    end(rig.ours)
    rig.wait_there("bridge", b"0")
    rig.ours.start()
    rig.wait_there("appliance/state", b"again")
    rig.wait_command(b"after")


def test_after_a_restart_of_the_other_broker_it_has_the_last_values_and_not_those_in_between(rig: Rig) -> None:
    appliance = rig.appliance()
    appliance.publish(rig.topics("archive/a1/state"), b"safe", retain=True)
    appliance.publish(rig.topics.availability, b"online", retain=True)
    rig.wait_there("bridge", b"online")
    rig.theirs.stop()
    rig.there.heard.clear()
    for number in range(200):
        appliance.publish(rig.topics("appliance/state"), b"%d" % number, retain=True)
        appliance.publish(rig.topics("event"), b"old", retain=False)
    wait_for(lambda: rig.here.last(rig.topics("appliance/state")) == b"199")
    rig.theirs.start()
    rig.wait_there("archive/a1/state", b"safe")
    rig.wait_there("appliance/state", b"199")
    rig.wait_there("bridge", b"online")
    rig.wait_command(b"after")
    assert rig.there.payloads.count(b"safe") == 1
    assert b"old" not in rig.there.payloads
    assert {payload for topic, payload, _ in rig.there.heard if topic == rig.topics("appliance/state")} == {b"199"}


def test_when_all_of_us_vanishes_the_other_broker_says_so_until_an_appliance_is_there_again(rig: Rig) -> None:
    appliance = rig.appliance()
    appliance.publish(rig.topics.availability, b"online", retain=True)
    rig.wait_there("bridge", b"online")
    appliance.stop(1)  # without a word, and without a will: as a power cut ends both
    rig.ours.kill()
    rig.wait_there("bridge", b"0")
    late = Ear()
    rig.house.subscribe(rig.topics("+"), late)
    wait_for(lambda: late.last(rig.topics("bridge")) == b"0" and late.last(rig.topics.availability) == b"online")
    rig.ours.start()
    rig.wait_there("bridge", b"1")  # the broker is back, the appliance is not: its `online` is of before
    back = rig.appliance()
    back.publish(rig.topics("appliance/state"), b"fresh", retain=True)
    back.publish(rig.topics.availability, b"online", retain=True)
    rig.wait_there("bridge", b"online")
    said = [(topic, payload) for topic, payload, _ in rig.there.heard]
    since = said[len(said) - said[::-1].index((rig.topics.bridge, b"1")) :]
    assert since == [(rig.topics(name), payload) for name, payload in LAST_WORDS]


LAST_WORDS = [("appliance/state", b"fresh"), ("availability", b"online"), ("bridge", b"online")]
"""Since the bridge is up again, in this order."""


def test_an_appliance_that_ends_says_so_at_the_other_broker(rig: Rig) -> None:
    appliance = rig.appliance()
    appliance.publish(rig.topics.availability, b"online", retain=True)
    rig.wait_there("availability", b"online")
    appliance.publish(rig.topics.availability, b"offline", retain=True)
    appliance.stop(1)
    rig.wait_there("availability", b"offline")


def test_a_bridge_that_is_not_let_in_disturbs_nobody_here(install: Install, other: Other, make_broker: MakeBroker) -> None:
    wrong = BridgeLogin(username=other.login.username, password="wrong")
    rig = Rig(install(bridge=wrong, bridge_host=HOST, bridge_port=other.address.port), other, make_broker)
    appliance = rig.appliance()
    appliance.publish(rig.topics.availability, b"online", retain=True)
    wait_for(lambda: rig.here.last(rig.topics.availability) == b"online")
    wait_for(lambda: "not authorised" in rig.ours.log().lower())
    assert "wrong" not in rig.ours.log()
    assert not [topic for topic in rig.there.topics if topic.startswith("pyarchive/")]


@pytest.mark.parametrize("right", [True, False])
def test_a_bridge_by_tls_trusts_its_authority_alone(
    install: Install, topics: Topics, tmp_path: Path, make_broker: MakeBroker, right: bool
) -> None:
    papers, wrong = Papers(tmp_path / "theirs", HOST), Papers(tmp_path / "wrong", HOST)
    theirs = install(start=False)
    papers.give_to(theirs)
    theirs.configure(tls_certificate=str(papers.certificate), tls_key=str(papers.key))
    theirs.start()
    login = BridgeLogin(username="homeassistant", password=str(theirs.address_of("homeassistant").password))
    ours = install(start=False, bridge=login)
    trusted = papers if right else wrong
    trusted.give_to(ours)
    ours.configure(bridge_host=HOST, bridge_port=theirs.choices.lan_port, bridge_ca=str(trusted.authority))
    ours.start()
    appliance, ear = make_broker(ours.address_of("appliance")), Ear()
    appliance.subscribe(topics("bridge"), ear)
    if right:
        ear.wait_for(b"1")
    else:
        wait_for(lambda: "certificate verify failed" in ours.log(), BRIDGE_S)
        assert b"1" not in ear.payloads
