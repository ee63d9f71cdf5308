"""A handler that remembers what came."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from mqtt.client import Broker
from mqtt.topics import Topics
from tests.waiting import PATIENCE_S, wait_for


@dataclass(eq=False)  # a handler is the one that was given, not one that heard the same
class Ear:
    """Subscribe with it: ``broker.subscribe(filter, ear)``."""

    heard: list[tuple[str, bytes, bool]] = field(default_factory=list)

    def __call__(self, topic: str, payload: bytes, retained: bool) -> None:
        self.heard.append((topic, payload, retained))

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, payload, _ in self.heard.copy()]

    @property
    def topics(self) -> set[str]:
        return {topic for topic, _, _ in self.heard.copy()}

    def last(self, topic: str) -> bytes | None:
        """The last payload on that topic; None where there was none."""
        return next((payload for name, payload, _ in reversed(self.heard.copy()) if name == topic), None)

    def wait_for(self, payload: bytes, timeout_s: float = PATIENCE_S) -> None:
        wait_for(lambda: payload in self.payloads, timeout_s, f"{payload[:40]!r} to be heard")


def settled(broker: Broker, topics: Topics) -> None:
    """The broker has taken all that was subscribed and published on this connection, and all that was under way to it has come."""
    ear, mark = Ear(), os.urandom(8)
    broker.subscribe(topics(f"mark/{mark.hex()}"), ear)
    broker.publish(topics(f"mark/{mark.hex()}"), mark, retain=False)
    ear.wait_for(mark)
