"""Whether this process is the only one at the broker with this appliance's id, and what the broker says of it.

Each process tells at each connect that it is there, and answers whoever tells the same under another instance. Of two, the one that serves
already goes on, and the other keeps silent: no message, no answer (transfers go on), until nothing was heard of the first for FORGET_S.
A process that was killed does not answer, so the one that follows it is alone at once.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from appliance import clock
from appliance.problems import Problems
from mqtt.client import Broker
from mqtt.messages import ONLINE, Instance
from mqtt.topics import Topics

log = logging.getLogger("presence")
CODE, ABOUT = "duplicate_id", "appliance"
TELL_S = 20.0
FORGET_S = 65.0
_ANSWER_S = 0.1
_CALM_S = 1.0
_ALL_AGAIN_S = 10.0
_MOST_BYTES = 1024
_MOST_OTHERS = 16
_NEXT_STEP = "stop one of the two; if both are wanted, start one of them with an empty data folder, where it gets an id of its own"


@dataclass(frozen=True, slots=True)
class _Other:
    host: str
    heard_s: float


class Presence:
    """``publish_all()`` is called when everything has to be said (again): after each connect, and when this process serves (again)."""

    def __init__(self, broker: Broker, topics: Topics, problems: Problems, publish_all: Callable[[], None]) -> None:
        self._broker = broker
        self._topics = topics
        self._problems = problems
        self._publish_all = publish_all
        self._instance = secrets.token_hex(8)
        self._started_at = clock.now()
        self._silent = self._served = self._said_online = False
        self._others: dict[str, _Other] = {}
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._told_s = self._all_s = -_ALL_AGAIN_S
        self._tell_due = self._online_due = self._all_due = False
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="presence", daemon=True)
        self._hold(deaf=False)
        broker.subscribe(topics("instance"), self._on_instance)
        broker.subscribe(topics.availability, self._on_availability)
        broker.on_connected(self._on_connected)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """From now on `offline` is what we say ourselves."""
        self._stopping.set()
        self._due.set()

    def _hold(self, *, deaf: bool) -> None:
        self._broker.hold(but=frozenset({self._topics("instance")}), deaf=deaf)

    # At the broker's callbacks

    def _on_connected(self) -> None:
        """On a thread of its own: one that serves already has a moment to say so before we say anything."""
        self._said_online = False
        self._answered.clear()
        self._tell()
        self._answered.wait(_ANSWER_S)
        with self._lock:
            if self._silent:
                return
            self._served = True
            self._broker.release()
        self._publish_all()

    def _on_instance(self, _topic: str, payload: bytes, retained: bool) -> None:
        heard = _read(payload)
        if heard is None or retained:
            log.warning("ignored a message on `instance` that no appliance sends")
        elif heard.instance != self._instance:
            self._heard(heard)
            if heard.serving:
                self._answered.set()
            self._due.set()

    def _heard(self, heard: Instance) -> None:
        with self._lock:
            is_news = heard.instance not in self._others
            self._others[heard.instance] = _Other(heard.host, clock.monotonic_s())
            while len(self._others) > _MOST_OTHERS:
                del self._others[next(iter(self._others))]
            if not self._silent and self._yields_to(heard):
                self._silent, self._served, self._said_online = True, False, False
                self._hold(deaf=True)
            conflict = self._served and heard.serving
            self._all_due |= self._served and (is_news or conflict)
            self._tell_due |= is_news or conflict
        if self._tell_due and clock.monotonic_s() - self._told_s >= _CALM_S:  # at once: the other one waits for it only for a moment
            self._tell()

    def _yields_to(self, other: Instance) -> bool:
        """Who serves already goes on; between two that do, what both see alike decides: the one that was started first, by their dates."""
        return other.serving and (not self._served or _age(other) < (self._started_at, self._instance))

    def _on_availability(self, _topic: str, payload: bytes, _retained: bool) -> None:
        """Something else behind our back: the last will of a session that we lost, or of another process. We are here."""
        if payload == ONLINE.encode():
            self._said_online = True
        elif self._said_online:
            self._online_due = True
            self._due.set()

    # On its thread

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._due.wait(_CALM_S if self._others or self._all_due else None)
            self._due.clear()
            if not self._stopping.is_set():
                try:
                    self._round()
                except Exception:
                    log.exception("looking after the appliance's presence failed")
            self._stopping.wait(_CALM_S)  # whatever others do, one round of words a second is the most that we add

    def _round(self) -> None:
        self._forget()
        self._say()
        now_s = clock.monotonic_s()
        if self._tell_due or (self._others and now_s - self._told_s >= TELL_S):
            self._tell()
        if self._served and self._all_due and now_s - self._all_s >= _ALL_AGAIN_S:
            self._all_s, self._all_due, self._online_due = now_s, False, False
            self._publish_all()
        if self._served and self._online_due:
            self._online_due = False
            self._broker.publish(self._topics.availability, ONLINE.encode(), retain=True)

    def _tell(self) -> None:
        self._told_s, self._tell_due = clock.monotonic_s(), False
        here = Instance(instance=self._instance, host=socket.gethostname()[:64], serving=self._served, started_at=self._started_at)
        self._broker.publish(self._topics("instance"), here.payload(), retain=False)

    def _forget(self) -> None:
        """Who has been silent for long is gone; then we serve, if nobody else does."""
        now_s = clock.monotonic_s()
        with self._lock:
            self._others = {key: other for key, other in self._others.items() if now_s - other.heard_s < FORGET_S}
            if self._silent and not self._others:
                self._silent, self._served, self._all_due = False, True, True
                self._broker.release()

    def _say(self) -> None:
        others = list(self._others.values())
        if not others:
            self._problems.clear(CODE, ABOUT)
            return
        hosts = ", ".join(sorted({repr(other.host) for other in others}))
        ours = (
            "it came first, so this one keeps silent on MQTT and answers no request"
            if self._silent
            else "it keeps silent, this one goes on"
        )
        self._problems.raise_(
            CODE, ABOUT, f"another process with the appliance id {self._topics.appliance_id} is at the broker, on host {hosts}; {ours}",
            _NEXT_STEP, needs_you=True,
        )  # fmt: skip


def _age(of: Instance) -> tuple[datetime, str]:
    at = of.started_at
    return (at if at.tzinfo else at.replace(tzinfo=UTC)), of.instance


def _read(payload: bytes) -> Instance | None:
    try:
        return Instance.model_validate_json(payload) if len(payload) <= _MOST_BYTES else None
    except ValidationError:
        return None
