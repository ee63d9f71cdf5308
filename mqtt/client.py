"""The connection to the broker: kept up, with what was subscribed and what waits to be published. The only file that imports paho."""

from __future__ import annotations

import logging
import random
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from mqtt.matching import is_topic, levels, matches
from mqtt.outbox import Outbox, Outgoing
from mqtt.topics import Topics

log = logging.getLogger("mqtt.client")
logging.getLogger("mqtt").addHandler(logging.NullHandler())  # a program that shows no log says failures in its own words, once

Handler = Callable[[str, bytes, bool], None]
"""``handler(topic, payload, retained)``, on the network thread: it must only enqueue."""

_WINDOW = 100
_KEEP_ALIVE_S = 20
_CONNECT_TIMEOUT_S = 5.0
_LOGIN_TIMEOUT_S = 10.0
_TICK_S = 1.0
_LONGEST_TOPIC_BYTES = 65_535


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are there. No username: no login. ``tls_ca``: TLS, with the authority of that file."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_ca: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Broker:
    """A client that never gives up and never raises because the broker is away. All methods are thread-safe.

    ``will``: topic and payload that the broker publishes, retained, when we vanish. Attempts to connect are ``retry_min_s`` to
    ``retry_max_s`` apart, doubling, with jitter.
    """

    def __init__(
        self,
        address: BrokerAddress,
        topics: Topics,
        client_id: str,
        will: tuple[str, bytes] | None = None,
        *,
        retry_min_s: float = 0.5,
        retry_max_s: float = 30.0,
    ) -> None:
        self.address = address
        self.topics = topics
        self.client_id = client_id
        self.will = will
        self.outbox = Outbox()
        self.last_error: str | None = None
        self._only: frozenset[str] | None = None
        self._deaf = False
        self._retry_s = (retry_min_s, retry_max_s)
        self._attempt = 0
        self._subscriptions: list[tuple[str, list[str], Handler]] = []
        self._subscribing = threading.Lock()
        self._new_filters: deque[str] = deque()
        self._old_filters: deque[str] = deque()
        self._callbacks: list[Callable[[], None]] = []
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._stop_at_s = 0.0
        self._news = threading.Event()
        self._waker = _Waker()
        self.on_round: Callable[[], None] = lambda: None
        """Called by the network thread whenever it goes round, connected or not."""
        self._threads: list[threading.Thread] = []

    # What others call

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        for name, work in (("mqtt", self._stay_connected), ("mqtt-connected", self._tell_connected)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float) -> None:
        """Publish what waits, if that can be done within timeout_s; then disconnect without the last will. Not to be started again."""
        self._stop_at_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._news.set()
        self._waker.wake()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, self._stop_at_s - time.monotonic()) + 0.5)

    @property
    def connected(self) -> bool:
        """Logged in, and everything subscribed to is acknowledged."""
        return self._connected.is_set()

    @property
    def speaks(self) -> bool:
        """Connected, and nothing is held back: what is published now goes now."""
        return self.connected and self._only is None

    def wait_connected(self, timeout_s: float) -> bool:
        return self._connected.wait(timeout_s)

    def on_connected(self, callback: Callable[[], None]) -> None:
        """``callback()`` after each later (re)connect, when all subscriptions are acknowledged; on a thread of its own, so it may wait."""
        self._callbacks.append(callback)

    def subscribe(self, topic_filter: str, handler: Handler) -> None:
        """Now, and again after each reconnect. Filters may overlap. Raises ValueError for what is no filter."""
        parts = levels(topic_filter)
        if parts is None:
            raise ValueError(f"{topic_filter!r} is not a topic filter of MQTT")
        with self._subscribing:
            self._subscriptions.append((topic_filter, parts, handler))
        self._new_filters.append(topic_filter)
        self._waker.wake()

    def unsubscribe(self, topic_filter: str, handler: Handler) -> None:
        """The handler hears of it no more; the broker is told where nobody else here wants it. Unknown ones are no error."""
        with self._subscribing:
            self._subscriptions = [one for one in self._subscriptions if (one[0], one[2]) != (topic_filter, handler)]
        self._old_filters.append(topic_filter)
        self._waker.wake()

    def publish(self, topic: str, payload: bytes, *, retain: bool, qos: int = 1) -> None:
        """Put it on its way; never waits. While the broker is away the bounds of the Outbox hold. Raises ValueError for a bad topic."""
        if not is_topic(topic) or len(topic.encode()) > _LONGEST_TOPIC_BYTES:
            raise ValueError(f"{topic[:200]!r} is not a topic of MQTT")
        self.outbox.put(Outgoing(topic, payload, retain, qos))
        self._waker.wake()

    def clear(self, topic: str) -> None:
        """Make the broker forget a retained message."""
        self.publish(topic, b"", retain=True)

    def hold(self, *, but: frozenset[str], deaf: bool) -> None:
        """Until ``release`` nothing is sent but on these topics; the rest waits as while the broker is away. ``deaf``: nor is it heard."""
        self._only, self._deaf = but, deaf

    def release(self) -> None:
        self._only, self._deaf = None, False
        self._waker.wake()

    # What the session of the moment calls

    @property
    def filters(self) -> list[str]:
        return list(dict.fromkeys(topic_filter for topic_filter, _, _ in self._subscriptions))

    def take_new_filters(self) -> list[str]:
        taken = []
        while self._new_filters:
            taken.append(self._new_filters.popleft())
        return taken

    def take_old_filters(self) -> list[str]:
        """Those of them that nobody wants any more."""
        taken = []
        while self._old_filters:
            taken.append(self._old_filters.popleft())
        wanted = self.filters
        return [topic_filter for topic_filter in taken if topic_filter not in wanted]

    def take(self) -> Outgoing | None:
        """What is to be sent next."""
        return self.outbox.take(self._only)

    def deliver(self, topic: str, payload: bytes, retained: bool) -> None:
        only = self._only
        if self._deaf and only is not None and topic not in only:
            return
        parts = topic.split("/")
        for _, filter_levels, handler in self._subscriptions.copy():
            if matches(filter_levels, parts):
                try:
                    handler(topic, payload, retained)
                except Exception:
                    log.exception("a handler failed on %s", topic[:200])

    def ready(self) -> None:
        self._attempt = 0
        self.last_error = None
        dropped = self.outbox.connected()
        if dropped:
            log.warning("%d messages were dropped while the broker was away", dropped)
        log.info("connected to the broker at %s", self.address)
        self._connected.set()
        self._news.set()

    def failed(self, why: str) -> None:
        """Kept for people; logged when it is new."""
        if why != self.last_error and not self._stopping.is_set():
            log.warning("%s", why)
        self.last_error = why

    def leaving(self) -> bool:
        return self._stopping.is_set()

    def out_of_time(self) -> bool:
        return self._stopping.is_set() and time.monotonic() >= self._stop_at_s

    # Threads

    def _stay_connected(self) -> None:
        while not self._stopping.is_set():
            self.on_round()
            session = _Session(self, self._waker)
            try:
                session.run()
            except Exception:
                log.exception("the connection to the broker failed")
            self._connected.clear()
            self.outbox.away(session.unacknowledged())
            self._stopping.wait(self._pause_s())

    def _pause_s(self) -> float:
        least_s, most_s = self._retry_s
        self._attempt += 1
        return random.uniform(least_s, max(least_s, min(most_s, least_s * 2.0 ** min(self._attempt, 30))))  # noqa: S311 - spreads load, guards nothing

    def _tell_connected(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            if self._stopping.is_set():
                return
            for callback in self._callbacks.copy():
                try:
                    callback()
                except Exception:
                    log.exception("what follows a connect failed")


class _Waker:
    """Ends the network thread's wait; one byte at most is under way."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._woken = False

    def wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._writer.send(b"\0")

    def calm(self) -> None:
        self.reader.recv(16)
        self._woken = False


class _Session:
    """One connection, from CONNECT to its end, on one thread. A fresh paho client each: nothing of the last one can linger."""

    def __init__(self, broker: Broker, waker: _Waker) -> None:
        self._broker = broker
        self._waker = waker
        self._in_flight: dict[int, Outgoing] = {}
        self._first_subscribe: int | None = None
        self._accepted = False
        self._ready = False
        self._over = False
        self._client = self._make_client()

    def _make_client(self) -> paho.Client:
        address = self._broker.address
        client = paho.Client(
            CallbackAPIVersion.VERSION2, self._broker.client_id, clean_session=True, protocol=paho.MQTTv311, reconnect_on_failure=False
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(_WINDOW)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if self._broker.will:
            client.will_set(*self._broker.will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def unacknowledged(self) -> list[Outgoing]:
        return list(self._in_flight.values())

    def run(self) -> None:
        """Until the connection is lost, refused or no longer wanted; why is said to ``Broker.failed``."""
        address = self._broker.address
        try:
            if address.tls_ca:
                self._client.tls_set(ca_certs=str(address.tls_ca))
            self._client.connect(address.host, address.port, _KEEP_ALIVE_S)
        except (OSError, ValueError) as error:
            self._broker.failed(_why(error, address))
            return
        wire: Any = self._client.socket()
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # paho leaves Nagle on: 40 ms an answer
        try:
            self._serve(wire)
        finally:
            self._client.disconnect()
            self._close(wire)

    def _close(self, wire: Any) -> None:
        self._client.on_message = None
        if self._client.socket() is not None:
            wire.close()

    def _serve(self, wire: Any) -> None:
        login_until_s = time.monotonic() + _LOGIN_TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            selector.register(wire, selectors.EVENT_READ)
            selector.register(self._waker.reader, selectors.EVENT_READ)
            while not self._finished(login_until_s):
                self._broker.on_round()
                self._hand_over()
                if self._client.socket() is None:
                    break
                self._wait(selector, wire)
                if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    break
        self._say_lost()

    def _say_lost(self) -> None:
        if self._over or self._broker.leaving():
            return
        if self._accepted:
            self._broker.failed(f"the connection to the broker at {self._broker.address} was lost")
        else:
            self._broker.failed(
                f"{self._broker.address} closed the connection before it answered: is it an MQTT broker, and is the login right?"
            )

    def _finished(self, login_until_s: float) -> bool:
        if self._over or self._broker.out_of_time():
            return True
        if not self._accepted and time.monotonic() > login_until_s:
            self._broker.failed(f"{self._broker.address} does not answer as an MQTT broker does")
            self._over = True
        if self._broker.leaving():
            return not self._ready or (not self._in_flight and not len(self._broker.outbox) and not self._client.want_write())
        return self._over

    def _wait(self, selector: selectors.BaseSelector, wire: Any) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)
        if selector.get_key(wire).events != wanted:
            selector.modify(wire, wanted)
        buffered = getattr(wire, "pending", int)()  # TLS has read ahead; the socket itself will not say so
        for key, events in selector.select(0 if buffered else 0.05 if self._broker.leaving() else _TICK_S):
            if key.fileobj is not wire:
                self._waker.calm()
                continue
            if events & selectors.EVENT_WRITE:
                self._client.loop_write()
            if events & selectors.EVENT_READ:
                self._client.loop_read()
        if buffered:
            self._client.loop_read()

    def _hand_over(self) -> None:
        if not self._ready:
            return
        self._subscribe_new()
        # paho keeps what it is given; the window keeps that small.
        while len(self._in_flight) < _WINDOW and not self._client.want_write():
            message = self._broker.take()
            if message is None:
                return
            self._subscribe_new()  # who subscribes and then publishes hears of it, so what it asked for goes first
            sent = self._client.publish(message.topic, message.payload, message.qos, message.retain)
            if message.qos:
                self._in_flight[sent.mid] = message

    def _subscribe_new(self) -> None:
        gone = self._broker.take_old_filters()
        if gone:
            self._client.unsubscribe(gone)
        fresh = self._broker.take_new_filters()
        if fresh:
            self._client.subscribe([(topic_filter, 1) for topic_filter in fresh])

    # Called by paho, on this thread

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._over = True
            self._broker.failed(_refused(reason, self._broker.address))
            return
        self._accepted = True
        self._broker.take_new_filters()
        self._broker.take_old_filters()
        filters = self._broker.filters
        if filters:
            self._first_subscribe = client.subscribe([(topic_filter, 1) for topic_filter in filters])[1]
        else:
            self._become_ready()

    def _on_subscribe(self, _client: paho.Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("the broker at %s refuses a subscription of %s", self._broker.address, self._broker.client_id)
        if mid == self._first_subscribe:
            self._become_ready()

    def _become_ready(self) -> None:
        self._ready = True
        self._broker.ready()

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._broker.deliver(topic, bytes(message.payload), message.retain)

    def _on_publish(self, _client: paho.Client, _data: Any, mid: int, _reason: ReasonCode, _properties: Any) -> None:
        self._in_flight.pop(mid, None)


def _refused(reason: ReasonCode, address: BrokerAddress) -> str:
    if reason.getName() in {"Bad user name or password", "Not authorized"}:
        who = f"the login {address.username!r}" if address.username else "us without a login"
        return f"the broker at {address} refuses {who}: wrong user name or password"
    return f"the broker at {address} refuses us: {reason.getName().lower()}"


def _why(error: Exception, address: BrokerAddress) -> str:
    match error:
        case ConnectionRefusedError():
            cause = "nothing listens there (connection refused)"
        case socket.gaierror():
            cause = f"its name cannot be resolved ({error.strerror})"
        case TimeoutError():
            cause = f"no connection within {_CONNECT_TIMEOUT_S:.0f} s"
        case ssl.SSLError():
            cause = f"no secure connection ({error.reason or error})"
        case FileNotFoundError():
            cause = f"the file of its certificate authority is missing: {address.tls_ca}"
        case _:
            cause = str(getattr(error, "strerror", None) or error)
    return f"the broker at {address} cannot be reached: {cause}"
