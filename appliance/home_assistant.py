"""Home Assistant is told of this appliance: at each connect, when Home Assistant has started, and when what there is changes.

One retained message, which the broker keeps; `mqtt/discovery.py` makes it.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from appliance import clock
from appliance.connections import Connections
from appliance.scripts.values import Values
from appliance.settings import SettingsStore
from appliance.states import States
from mqtt import discovery
from mqtt.discovery import Facts
from mqtt.discovery_entities import Thing
from mqtt.messages import ConnectionState, HardwareState
from mqtt.topics import Topics

log = logging.getLogger("home_assistant")
_READ_BACK_S = 0.3
"""Within that time after the connect, what the broker retains has come."""
_AFTER_BIRTH_S = (0.5, 3.0)
_QUOTA = "remote_quota"
_PACE_S = 2.0
"""Home Assistant may lose components of messages that come in one breath."""


class Broker(Protocol):
    """What is needed of the broker's client."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None: ...
    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> None: ...


class HomeAssistant:
    """One thread. ``publish_all_again``: everything retained is published once more, for a Home Assistant that has just started."""

    def __init__(
        self, broker: Broker, topics: Topics, settings: SettingsStore, connections: Connections, states: States,
        publish_all_again: Callable[[], None], values: Values, hardware: Callable[[], HardwareState] = HardwareState,
    ) -> None:  # fmt: skip
        self._broker = broker
        self._appliance_id = topics.appliance_id
        self._settings = settings
        self._connections = connections
        self._states = states
        self._publish_all_again = publish_all_again
        self._values = values
        self._hardware = hardware
        self._prefix = settings.current.home_assistant_prefix  # fixed at the start
        self._topic = discovery.config_topic(self._prefix, self._appliance_id)
        self._lock = threading.Lock()
        self._retained = b""
        self._due_s: float | None = None
        self._born = False
        self._told = False
        self._had: frozenset[Thing] = frozenset()
        self._quota_of: str | None = None
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="home-assistant", daemon=True)

    def start(self) -> None:
        """Before the broker's client starts: what it retains is heard at the first connect."""
        self._broker.subscribe(discovery.status_topic(self._prefix), self._on_status)
        self._broker.subscribe(self._topic, self._on_config)
        self._connections.on_change(lambda _: self._wake.set())
        self._settings.on_change(self._wake.set)
        self._values.on_change(self._wake.set)
        self._thread.start()

    def announce(self) -> None:
        """After a (re)connect."""
        self._announce_in(_READ_BACK_S)

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    # Called by the broker's client

    def _on_status(self, _topic: str, payload: bytes, retained: bool) -> None:
        # A retained one tells of a start long past, and we announce ourselves at a connect anyway.
        if payload == discovery.BIRTH and not retained:
            self._born = True
            self._announce_in(random.uniform(*_AFTER_BIRTH_S))  # noqa: S311 - spreads load, guards nothing

    def _on_config(self, _topic: str, payload: bytes, retained: bool) -> None:
        if retained:  # the others are our own, coming back
            self._retained = payload
            self._wake.set()

    def _announce_in(self, wait_s: float) -> None:
        with self._lock:
            due_s = clock.monotonic_s() + wait_s
            self._due_s = due_s if self._due_s is None else min(due_s, self._due_s)
        self._wake.set()

    # On the thread

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(self._patience_s())
            self._wake.clear()
            try:
                self._round()
            except Exception:
                log.exception("Home Assistant could not be told of this appliance")

    def _patience_s(self) -> float | None:
        due_s = self._due_s
        return None if due_s is None else max(0.0, due_s - clock.monotonic_s())

    def _round(self) -> None:
        if self._stop.is_set():
            return
        with self._lock:
            again = self._due_s is not None and self._due_s <= clock.monotonic_s()
            if not again and (self._due_s is not None or not self._told):
                return  # what the broker retains is heard first, and who starts needs a moment
            self._due_s = None
        self._told = True
        if again and self._born:
            self._greet()
        else:
            self._publish(again=again)

    def _greet(self) -> None:
        """Home Assistant has started. What went while it was down it would keep for ever: it removes only what it has seen since."""
        self._born = False
        facts = self._facts()
        if self._had - facts.has and self._settings.current.home_assistant_discovery:
            self._broker.publish(self._topic, discovery.config(replace(facts, has=facts.has | self._had)), retain=True)
            self._stop.wait(_PACE_S)
        self._had = frozenset()
        self._publish(again=True)
        self._publish_all_again()

    def _publish(self, *, again: bool) -> None:
        facts = self._facts()
        self._had |= facts.has
        payload = discovery.config(facts) if self._settings.current.home_assistant_discovery else b""
        # Home Assistant warns of an empty payload for a device that it does not have: only what is there is taken back.
        if payload != self._retained or (again and payload):
            self._broker.publish(self._topic, payload, retain=True)
            self._retained = payload

    def _facts(self) -> Facts:
        return Facts(
            appliance_id=self._appliance_id, version=self._states.version, name=self._settings.current.home_assistant_name,
            panel_url=self._settings.current.panel_url, has=frozenset(self._things()), scripts=self._values.sensors(),
            gone=discovery.of_scripts(self._retained),
        )  # fmt: skip

    def _things(self) -> Iterator[Thing]:
        hardware = self._hardware()
        told = (
            (Thing.TEMPERATURE, hardware.temperature_c),
            (Thing.POWER, hardware.under_voltage),
            (Thing.CARD_WEAR, hardware.card_wear_ratio),
        )
        yield from (thing for thing, value in told if value is not None)
        active = self._connections.active
        state = self._states.connection(active.id) if active else None
        if state is None:
            return
        yield Thing.REMOTE
        if self._has_quota(state):
            yield Thing.QUOTA
        if state.sign_in != "not_needed":
            yield Thing.SIGN_IN

    def _has_quota(self, state: ConnectionState) -> bool:
        """While nobody has told yet (a start, a remote that is away) it stays as it was: the entity would lose its settings."""
        if state.limit_bytes is not None:
            self._quota_of = state.id
        elif state.used_bytes is not None:
            self._quota_of = None  # no limit
        elif self._quota_of is None and _QUOTA in discovery.components(self._retained):
            return True
        return self._quota_of == state.id
