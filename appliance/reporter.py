"""Changes of state become messages: at most two a second on a topic, the last value always, nothing when nothing changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from appliance import clock
from appliance.states import States
from mqtt.messages import OFFLINE, ONLINE, Event, Message
from mqtt.topics import Topics

log = logging.getLogger("reporter")
_TICK_S = 0.5
_EVERY_S = 10.0


class Outgoing(Protocol):
    """What the reporter needs of the broker's client."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None: ...
    def clear(self, topic: str) -> None: ...


class Reporter:
    """One thread. The ``…_changed`` methods only note what to look at."""

    def __init__(self, states: States, broker: Outgoing, topics: Topics) -> None:
        self._states = states
        self._broker = broker
        self._topics = topics
        self._lock = threading.Lock()
        self._archives: set[str] = set()
        self._connections: set[str] = set()
        self._settings_due = True
        self._slots_shown: set[int] = set()
        self._sent: dict[str, int] = {}
        self._dirty = threading.Event()
        self._stop = threading.Event()
        self._again = threading.Event()
        self._hurry = threading.Event()
        self._on_tick: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def on_tick(self, look: Callable[[], None]) -> None:
        """``look()`` on the reporter's thread, before each round."""
        self._on_tick.append(look)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """The last values go out, then ``offline``."""
        self._stop.set()
        self._hurry.set()
        self._dirty.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._broker.publish(self._topics.availability, OFFLINE.encode(), retain=True)

    def archive_changed(self, archive_id: str) -> None:
        with self._lock:
            self._archives.add(archive_id)
        self._dirty.set()

    def connection_changed(self, connection_id: str) -> None:
        with self._lock:
            self._connections.add(connection_id)
        self._dirty.set()

    def settings_changed(self) -> None:
        self._settings_due = True
        self._dirty.set()

    def changed(self) -> None:
        self._dirty.set()

    def event(self, event: Event) -> None:
        self._broker.publish(self._topics("event"), event.payload(), retain=False)

    def publish_all_again(self) -> None:
        """After a (re)connect the broker may have forgotten everything."""
        self._again.set()
        self._hurry.set()
        self._dirty.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            idle_s = _TICK_S if self._slots_shown else _EVERY_S
            self._dirty.wait(idle_s)
            self._dirty.clear()
            started_s = clock.monotonic_s()
            try:
                self._round()
            except Exception:
                log.exception("a round of reports failed")
            if not self._stop.is_set():
                self._hurry.wait(max(0.0, _TICK_S - (clock.monotonic_s() - started_s)))
        self._round()

    def _round(self) -> None:
        self._hurry.clear()
        everything = self._again.is_set()
        if everything:
            self._again.clear()
            self._note_everything()
        try:
            self._publish_what_changed()
        except Exception:
            if everything:  # else nobody would ever say that we are online
                self._again.set()
                self._dirty.set()
            raise
        if everything:
            self._broker.publish(self._topics.availability, ONLINE.encode(), retain=True)
            self._note_the_safe()

    def _publish_what_changed(self) -> None:
        for look in self._on_tick:
            look()
        self._publish_archives()
        self._publish_connections()
        self._publish_slots()
        if self._settings_due:
            self._settings_due = False
            self._publish("appliance/settings", self._states.settings.state())
        self._publish("appliance/state", self._states.appliance())

    def _note_everything(self) -> None:
        """But for archives that are safe: ten thousand would hold up `online`, and what the broker has of them can only say less."""
        self._sent.clear()
        unsafe = {view.archive.id for view in self._states.library.all_views() if not self._states.is_safe(view)}
        with self._lock:
            self._archives.update(unsafe)
            self._connections.update(connection.id for connection in self._states.connections.all())
        self._settings_due = True

    def _note_the_safe(self) -> None:
        with self._lock:
            self._archives.update(
                archive_id for archive_id in self._states.library.ids() if f"archive/{archive_id}/state" not in self._sent
            )
        self._dirty.set()

    def _publish_archives(self) -> None:
        with self._lock:
            ids, self._archives = self._archives, set()
        for archive_id in ids:
            view = self._states.library.views.get(archive_id)
            topic = f"archive/{archive_id}/state"
            if view is None or view.archive.removed_at:
                self._clear(topic)
            else:
                self._publish(topic, self._states.archive(view))

    def _publish_connections(self) -> None:
        with self._lock:
            ids, self._connections = self._connections, set()
        for connection_id in ids:
            state = self._states.connection(connection_id)
            topic = f"connection/{connection_id}/state"
            if state is None:
                self._clear(topic)
            else:
                self._publish(topic, state)

    def _publish_slots(self) -> None:
        moving = dict(self._states.engine.moving)
        for slot, one in moving.items():
            state = self._states.transfer(one)
            if state:
                self._publish(f"transfer/{slot}/state", state)
        for slot in self._slots_shown - moving.keys():
            self._clear(f"transfer/{slot}/state")
        self._slots_shown = set(moving)

    def _publish(self, name: str, message: Message) -> None:
        payload = message.payload()
        if self._sent.get(name) != hash(payload):
            self._sent[name] = hash(payload)
            self._broker.publish(self._topics(name), payload, retain=True)

    def _clear(self, name: str) -> None:
        self._sent.pop(name, None)
        self._broker.clear(self._topics(name))
