"""Login by login, topic by topic: who may read and who may write, on a real Mosquitto with the project's configuration.

The table stands here a second time, by hand: section 6 of docs/design.md as a test, not as the program understands it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from tests.brokers import HOST, Embedded
from tests.conftest import MakeBroker
from tests.installed import Installed
from tests.mqtt.listening import Ear
from tests.mqtt.mosquitto.conftest import Install
from tests.waiting import wait_for

LOGINS = ["appliance", "panel", "cli", "scripts", "homeassistant"]
ALL, INSIDE, NOBODY = " ".join(LOGINS), "appliance panel cli scripts", ""

BASE = {
    "availability": (ALL, "appliance"),
    "bridge": (ALL, "appliance"),
    "appliance/state": (ALL, "appliance"),
    "appliance/settings": (ALL, "appliance"),
    "appliance/hardware": (ALL, "appliance"),
    "archive/0123456789abcdef/state": (ALL, "appliance"),
    "transfer/1/state": (ALL, "appliance"),
    "connection/c1/state": (ALL, "appliance"),
    "frontpanel/state": (ALL, "appliance"),
    "event": (ALL, "appliance"),
    "log": (INSIDE, "appliance"),
    "script/r1/output": (INSIDE, "appliance scripts"),
    "script/r1/state": (INSIDE, "appliance scripts"),
    "script/hello/values": (ALL, "appliance"),
    "script/r1/other": (INSIDE, "appliance"),
    "script/r1/output/more": (INSIDE, "appliance"),
    "runner/run": (INSIDE, "appliance"),
    "runner/kill": (INSIDE, "appliance"),
    "runner/state": (INSIDE, "appliance scripts"),
    "command/sync": (INSIDE, "appliance homeassistant"),
    "command/pause": (INSIDE, "appliance homeassistant"),
    "something/new": (INSIDE, "appliance"),
    "request/panel/archive/list": ("appliance panel", "appliance panel"),
    "request/cli/archive/list": ("appliance cli", "appliance cli"),
    "request/scripts/archive/list": ("appliance scripts", "appliance scripts"),
    "request/homeassistant/archive/list": ("appliance", "appliance"),
    "request/appliance/archive/list": ("appliance", "appliance"),
    "response/panel/archive/list": ("appliance panel", "appliance"),
    "response/cli/user/login": ("appliance cli", "appliance"),
    "response/scripts/archive/list": ("appliance scripts", "appliance"),
    "response/homeassistant/archive/list": ("appliance", "appliance"),
}
"""Topic below the base: who may read it, who may write it."""

ELSEWHERE = {
    "homeassistant/status": ("appliance homeassistant", "homeassistant"),
    "homeassistant/device/{id}/config": ("appliance homeassistant", "appliance"),
    "homeassistant/device/another/config": ("homeassistant", NOBODY),
    "homeassistant/sensor/lamp/config": ("homeassistant", NOBODY),
    "pyarchive/another/availability": (NOBODY, NOBODY),
    "pyarchive/another/command/sync": (NOBODY, NOBODY),
    "pyarchive/another/request/cli/archive/list": (NOBODY, NOBODY),
    "pyarchive/another/response/cli/archive/list": (NOBODY, NOBODY),
    "elsewhere": (NOBODY, NOBODY),
}
MARK = "appliance/mark"


class Rig:
    """The broker, and a way past its rights: a bridge of the test's own, by which anything can be put on any topic."""

    def __init__(self, installed: Installed, topics: Topics, make_broker: MakeBroker, past: BrokerAddress) -> None:
        self.installed = installed
        self.topics = topics
        self._make = make_broker
        self._past = make_broker(past)

    @property
    def table(self) -> dict[str, tuple[set[str], set[str]]]:
        whole = {self.topics(name): rights for name, rights in BASE.items()}
        whole |= {name.format(id=self.topics.appliance_id): rights for name, rights in ELSEWHERE.items()}
        return {topic: (set(readers.split()), set(writers.split())) for topic, (readers, writers) in whole.items()}

    def readable(self, name: str) -> set[str]:
        return {topic for topic, (readers, _) in self.table.items() if name in readers}

    def start(self) -> None:
        """What was injected before is retained there when this returns."""
        self.installed.start()
        self.settled(self.listen("appliance", self.topics(MARK)))

    def login(self, name: str) -> Broker:
        return self._make(self.installed.address_of(name, lan=name == "homeassistant"))

    def listen(self, name: str, *filters: str) -> Ear:
        ear, client = Ear(), self.login(name)
        for topic_filter in filters:
            client.subscribe(topic_filter, ear)
        return ear

    def settled(self, ear: Ear) -> None:
        """It has heard all that was retained where it subscribed, and hears what is injected from now on."""
        mark = os.urandom(8)

        def heard() -> bool:
            self.inject(self.topics(MARK), mark)
            return mark in ear.payloads

        wait_for(heard, what="what is injected to be heard")

    def inject(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._past.publish(topic, payload, retain=retain)


@pytest.fixture
def rig(install: Install, topics: Topics, make_broker: MakeBroker) -> Iterator[Rig]:
    """Not started yet."""
    past = Embedded()
    installed = install(start=False)
    (installed.folder / "conf.d/past.conf").write_text(
        f"connection past\naddress {HOST}:{past.address.port}\nremote_username {past.address.username}\n"
        f"remote_password {past.address.password}\ntry_private false\nnotifications false\ntopic # in 1\n"
    )
    yield Rig(installed, topics, make_broker, past.address)
    past.stop()


def test_each_login_hears_what_it_may_and_nothing_else(rig: Rig) -> None:
    rig.start()
    ears = {name: rig.listen(name, "#") for name in LOGINS}
    for ear in ears.values():
        rig.settled(ear)
    for topic in rig.table:
        rig.inject(topic, b"live")
    rig.inject(rig.topics(MARK), b"end")
    for name, ear in ears.items():
        ear.wait_for(b"end")
        assert {topic for topic, payload, _ in ear.heard if payload == b"live"} == rig.readable(name), name


def test_what_is_retained_reaches_a_late_subscriber_by_the_same_rights_whatever_its_filter(rig: Rig) -> None:
    for topic in (*rig.table, rig.topics(MARK)):
        rig.inject(topic, b"kept", retain=True)
    rig.start()
    base = rig.topics("")
    wide = [
        "#",
        "+/#",
        "pyarchive/#",
        f"{base}#",
        f"{base}request/#",
        f"{base}response/+/#",
        f"{base}+/+/+/+",
        "homeassistant/#",
        "+/+/+/+",
    ]
    for name in LOGINS:
        ear = rig.listen(name, *wide, *rig.table, rig.topics(MARK))
        rig.settled(ear)
        assert ear.topics - {rig.topics(MARK)} == rig.readable(name), name
        assert all(retained for topic, payload, retained in ear.heard if payload == b"kept")


@pytest.mark.parametrize("retain", [False, True])
def test_what_a_login_may_not_write_reaches_nobody(rig: Rig, retain: bool) -> None:
    rig.start()
    heard = [rig.listen("appliance", "#"), rig.listen("homeassistant", "homeassistant/#")]
    for name in LOGINS:
        client = rig.login(name)
        for topic in rig.table:
            client.publish(topic, name.encode(), retain=retain)
        client.publish(rig.topics(LAST[name]), f"{name} is done".encode(), retain=False)
        heard[0].wait_for(f"{name} is done".encode())
    wait_for(lambda: "homeassistant/status" in heard[1].topics)
    written = {(topic, payload.decode()) for ear in heard for topic, payload, _ in ear.heard if payload.decode() in LOGINS}
    assert written == {(topic, name) for topic, (_, writers) in rig.table.items() for name in writers}


LAST = {"appliance": "event", "homeassistant": "command/last"} | {name: f"request/{name}/last" for name in ("panel", "cli", "scripts")}
"""Where each may say that it is done."""


@pytest.mark.parametrize("topic", ["availability", "request/cli/transfer/pause"])
def test_what_a_login_may_not_write_it_cannot_leave_as_its_last_will_either(rig: Rig, topic: str) -> None:
    rig.start()
    ear = rig.listen("appliance", "#")
    vanish(rig.installed.address_of("homeassistant", lan=True), rig.topics(topic))
    vanish(rig.installed.address_of("homeassistant", lan=True), rig.topics("command/last"))
    ear.wait_for(b"my last will")
    assert {topic for topic, payload, _ in ear.heard if payload == b"my last will"} == {rig.topics("command/last")}


def vanish(address: BrokerAddress, will: str) -> None:
    """Log in with that will, and be gone without a good-bye."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "vanishing")
    client.username_pw_set(str(address.username), address.password)
    client.will_set(will, b"my last will", qos=1, retain=True)
    client.connect(address.host, address.port)
    wait_for(lambda: client.loop(0.1) or client.is_connected())
    client.socket().close()  # type: ignore[union-attr]  # it is connected


@pytest.mark.parametrize("topic", ["$SYS/broker/version", "$SYS/broker/clients/connected", "$CONTROL/dynamic-security/v1"])
def test_nobody_reads_or_writes_what_is_the_broker_s_own(rig: Rig, topic: str) -> None:
    rig.start()
    ears = {name: rig.listen(name, "$SYS/#", "$CONTROL/#", topic, rig.topics(MARK)) for name in LOGINS}
    for name in LOGINS:
        rig.login(name).publish(topic, b"mine", retain=True)
    for name, ear in ears.items():
        rig.settled(ear)
        assert ear.topics == {rig.topics(MARK)}, name
