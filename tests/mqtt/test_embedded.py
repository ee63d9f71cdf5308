"""The embedded broker as a process, and as a peer that has to be borne with."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mqtt.client import BrokerAddress
from mqtt.embedded import HOST, BrokerFailed, EmbeddedBroker
from mqtt.serving import MAX_BACKLOG_BYTES, MAX_PAYLOAD_BYTES
from mqtt.topics import Topics
from tests.conftest import MakeBroker
from tests.mqtt.listening import Ear, settled
from tests.waiting import at_best, wait_for


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker.start() as running:
        yield running


@pytest.fixture
def address(broker: EmbeddedBroker) -> BrokerAddress:
    return BrokerAddress(host=HOST, port=broker.port, username=broker.username, password=broker.password)


def text(value: str) -> bytes:
    return struct.pack("!H", len(value.encode())) + value.encode()


def packet(first: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes((digit | (128 if left else 0),))
        if not left:
            return bytes((first,)) + length + body


class Raw:
    """A client that says what the test wants it to, byte for byte."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        self.broker = broker
        self.socket = socket.create_connection((HOST, broker.port))
        self.socket.settimeout(10)

    def send(self, first: int, body: bytes = b"") -> None:
        self.socket.sendall(packet(first, body))

    def connect(self, client_id: str, *, password: str | None = None, keep_alive_s: int = 0, level: int = 4) -> None:
        login = text(self.broker.username) + text(password or self.broker.password)
        self.send(0x10, text("MQTT") + bytes((level, 0b1100_0010)) + struct.pack("!H", keep_alive_s) + text(client_id) + login)

    def welcome(self, client_id: str, *, keep_alive_s: int = 0) -> Raw:
        self.connect(client_id, keep_alive_s=keep_alive_s)
        assert self.receive(4) == b"\x20\x02\x00\x00"
        return self

    def receive(self, size: int) -> bytes:
        """As many bytes, fewer at the end of the connection."""
        got = b""
        while len(got) < size:
            try:
                part = self.socket.recv(size - len(got))
            except ConnectionResetError:
                return got
            if not part:
                return got
            got += part
        return got

    @property
    def closed(self) -> bool:
        return self.receive(1) == b""


@pytest.fixture
def raw(broker: EmbeddedBroker) -> Iterator[Raw]:
    client = Raw(broker)
    yield client
    client.socket.close()


def ends_within(process: psutil.Process, limit_s: float) -> float:
    started_s = time.monotonic()
    wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, limit_s, "the broker to end")
    return time.monotonic() - started_s


def test_it_listens_on_loopback_alone_and_shows_its_password_to_nobody() -> None:
    with EmbeddedBroker.start(password="a-secret-word") as broker:
        process = psutil.Process(broker.pid)
        assert {one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
        assert "a-secret-word" not in " ".join(process.cmdline())
        assert "a-secret-word" not in str(process.environ())


def test_each_has_a_password_of_its_own() -> None:
    with EmbeddedBroker.start() as one, EmbeddedBroker.start() as other:
        assert one.password != other.password
        assert one.port != other.port


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with EmbeddedBroker.start() as broker, pytest.raises(BrokerFailed, match=rf"{HOST}:{broker.port}: another program listens there"):
        EmbeddedBroker.start(port=broker.port)


def test_it_ends_within_a_second_of_sigterm_though_clients_are_connected() -> None:
    def ending_s() -> float:
        broker = EmbeddedBroker.start()
        clients = [Raw(broker).welcome(f"client-{number}") for number in range(20)]
        process = psutil.Process(broker.pid)
        process.terminate()
        took_s = ends_within(process, 5.0)
        broker.stop()
        assert all(client.closed for client in clients)
        return took_s

    assert at_best(ending_s, 1.0) < 1.0


def test_it_dies_with_a_parent_that_is_killed() -> None:
    script = "from mqtt.embedded import EmbeddedBroker; import time; print(EmbeddedBroker.start().pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    try:
        ends_within(process, 5.0)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def test_ctrl_c_is_left_to_the_parent() -> None:
    with EmbeddedBroker.start() as broker:
        os.kill(broker.pid, signal.SIGINT)
        Raw(broker).welcome("still-there")
        assert broker.running


def test_as_a_command_it_reports_its_port_and_ends_on_sigterm(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("word\n")
    command = [sys.executable, "-m", "mqtt.embedded", "--port", "0", "--username", "u", "--password-file", str(tmp_path / "password")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        Raw(EmbeddedBroker(port, "u", "word", process)).welcome("somebody")
        process.terminate()
        assert process.wait(5) == 0


@pytest.mark.parametrize(("port", "content", "said"), [("0", "", "no password in"), ("0", None, "No such file"), ("70000", "word", "port")])
def test_what_keeps_it_from_starting_is_said_in_one_line_and_by_its_exit_status(
    tmp_path: Path, port: str, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "password").write_text(content)
    command = [sys.executable, "-m", "mqtt.embedded", "--port", port, "--username", "u", "--password-file", str(tmp_path / "password")]
    ended = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert said in json.loads(ended.stdout)["error"]
    assert len(ended.stderr.splitlines()) == 1


def test_a_wrong_login_is_refused_and_disconnects_nobody_of_that_name(broker: EmbeddedBroker, raw: Raw) -> None:
    rightful = Raw(broker).welcome("name")
    raw.connect("name", password="guess")
    assert raw.receive(5) == b"\x20\x02\x00\x04"
    rightful.send(0xC0)
    assert rightful.receive(2) == b"\xd0\x00"


def test_another_version_of_mqtt_is_refused_as_the_standard_says(raw: Raw) -> None:
    raw.connect("five", level=5)
    assert raw.receive(5) == b"\x20\x02\x00\x01"


def test_who_says_nothing_before_a_login_is_disconnected(raw: Raw) -> None:
    assert raw.closed


def test_who_says_nothing_for_longer_than_promised_is_gone_and_its_will_is_known(
    broker: EmbeddedBroker, address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    ear, silent = Ear(), Raw(broker)
    client = make_broker(address)
    client.subscribe(topics.availability, ear)
    settled(client, topics)
    login = text(broker.username) + text(broker.password)
    will = text(topics.availability) + text("offline")
    silent.send(0x10, text("MQTT") + b"\x04" + bytes((0b1110_1110,)) + b"\x00\x01" + text("silent") + will + login)
    ear.wait_for(b"offline")
    assert silent.receive(100) == b"\x20\x02\x00\x00"


def test_the_will_of_a_connection_that_is_taken_over_comes_before_what_the_new_one_says(
    broker: EmbeddedBroker, address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    ear, client = Ear(), make_broker(address)
    client.subscribe(topics.availability, ear)
    settled(client, topics)
    login = text(broker.username) + text(broker.password)
    will = text(topics.availability) + text("offline")
    old = Raw(broker)
    old.send(0x10, text("MQTT") + b"\x04" + bytes((0b1110_1110,)) + b"\x00\x00" + text("same") + will + login)
    old.receive(4)
    new = Raw(broker).welcome("same")
    new.send(0x31, text(topics.availability) + b"online")
    ear.wait_for(b"online")
    assert ear.payloads == [b"offline", b"online"]
    assert old.closed


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="HTTP"),
        pytest.param(b"\x10\xff\xff\xff\x7f" + b"a" * 100_000, id="a CONNECT of 256 MiB"),
        pytest.param(b"\x10\xff\xff\xff\xff\xff", id="an endless length"),
        pytest.param(packet(0x30, text("a") + b"x"), id="no CONNECT"),
        pytest.param(packet(0x10, text("MQTT")), id="half a CONNECT"),
        pytest.param(os.urandom(4096), id="noise"),
    ],
)
def test_a_stranger_who_speaks_no_mqtt_is_disconnected_and_disturbs_nobody(broker: EmbeddedBroker, raw: Raw, said: bytes) -> None:
    raw.socket.sendall(said)
    assert raw.closed
    Raw(broker).welcome("next")


@pytest.mark.parametrize(
    ("first", "body"),
    [(0x30, text("a/#") + b"x"), (0x30, text("") + b"x"), (0x30, b"\x00\x02\xff\xff"), (0x36, text("a") + b"\x00\x01"),
     (0x32, text("a") + b"\x00\x00"), (0x82, b"\x00\x01"), (0x82, b"\x00\x01\x00\x50ab"), (0xF0, b""), (0x20, b"\x00\x00"), (0x10, b"")],
)  # fmt: skip
def test_a_client_that_breaks_the_protocol_is_disconnected(broker: EmbeddedBroker, raw: Raw, first: int, body: bytes) -> None:
    raw.welcome("breaker").send(first, body)
    assert raw.closed
    Raw(broker).welcome("next")


def test_filters_that_are_none_are_refused_one_by_one(raw: Raw) -> None:
    raw.welcome("filters").send(0x82, b"\x00\x07" + b"".join(text(one) + b"\x02" for one in ("a/+", "a/b+", "#/a", "+/+/#", "")))
    assert raw.receive(9) == b"\x90\x07\x00\x07\x01\x80\x80\x01\x80"


def test_a_message_of_quality_two_is_delivered_once_though_it_is_sent_twice(
    raw: Raw, address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    ear, client = Ear(), make_broker(address)
    client.subscribe(topics("twice"), ear)
    settled(client, topics)
    raw.welcome("two")
    for payload, first in ((b"one", 0x34), (b"one", 0x3C)):
        raw.send(first, text(topics("twice")) + b"\x00\x05" + payload)
        assert raw.receive(4) == b"\x50\x02\x00\x05"
    raw.send(0x62, b"\x00\x05")
    assert raw.receive(4) == b"\x70\x02\x00\x05"
    raw.send(0x34, text(topics("twice")) + b"\x00\x05" + b"two")
    ear.wait_for(b"two")
    assert ear.payloads == [b"one", b"two"]


def test_a_message_too_long_is_acknowledged_and_dropped_and_its_sender_stays_connected(
    raw: Raw, address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    ear, client = Ear(), make_broker(address)
    client.subscribe(topics("+"), ear)
    settled(client, topics)
    raw.welcome("long").send(0x33, text(topics("long")) + b"\x00\x01" + bytes(MAX_PAYLOAD_BYTES + 100_000))
    assert raw.receive(4) == b"\x40\x02\x00\x01"
    raw.send(0x33, text(topics("longest")) + b"\x00\x02" + b"x" * MAX_PAYLOAD_BYTES)
    assert raw.receive(4) == b"\x40\x02\x00\x02"
    ear.wait_for(b"x" * MAX_PAYLOAD_BYTES)
    assert ear.topics == {topics("longest")}


def test_after_unsubscribing_nothing_comes(raw: Raw, address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    client = make_broker(address)
    raw.welcome("leaver").send(0x82, b"\x00\x01" + text(topics("news")) + b"\x00")
    assert raw.receive(5) == b"\x90\x03\x00\x01\x00"
    raw.send(0xA2, b"\x00\x02" + text(topics("news")))
    assert raw.receive(4) == b"\xb0\x02\x00\x02"
    client.publish(topics("news"), b"late", retain=False)
    settled(client, topics)
    raw.send(0xC0)
    assert raw.receive(2) == b"\xd0\x00"


def test_a_subscriber_that_does_not_read_is_dropped_and_the_others_get_everything(
    broker: EmbeddedBroker, raw: Raw, address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    ear, client = Ear(), make_broker(address)
    client.subscribe(topics("bulk"), ear)
    raw.welcome("deaf").send(0x82, b"\x00\x01" + text(topics("bulk")) + b"\x00")
    raw.receive(5)
    payload = secrets.token_bytes(512 * 1024)
    count = MAX_BACKLOG_BYTES // len(payload) + 30
    before_bytes = psutil.Process(broker.pid).memory_info().rss
    for number in range(count):
        client.publish(topics("bulk"), payload, retain=False)
        wait_for(lambda heard=number + 1: len(ear.heard) >= heard)  # type: ignore[misc]  # bound in each round
    assert len(ear.heard) == count
    assert len(raw.receive(count * len(payload))) < count * len(payload)
    assert psutil.Process(broker.pid).memory_info().rss - before_bytes < MAX_BACKLOG_BYTES + 30 * 1024 * 1024
