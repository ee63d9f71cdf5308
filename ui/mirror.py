"""What the appliance has published last: its messages by name, kept up to date over every reconnect."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from mqtt.client import Broker
from mqtt.topics import Topics

Told = Callable[[str, Any], None]


class Mirror:
    """Thread-safe. A payload is parsed JSON, or text where it is none (``availability``); a cleared topic is gone."""

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker = broker
        self._topics = topics
        self._messages: dict[str, Any] = {}
        self._changed = threading.Condition()
        self._followed: set[str] = set()
        self._listeners: list[Told] = []
        self.version = 0

    def follow(self, *names: str) -> None:
        """Names below the base; ``+`` and ``#`` as in MQTT."""
        for name in names:
            if name not in self._followed:
                self._followed.add(name)
                self._broker.subscribe(self._topics(name), self._take)

    def on_message(self, listener: Told) -> None:
        """``listener(name, payload)`` for each message, on the broker's thread: it must only enqueue."""
        self._listeners.append(listener)

    def get(self, name: str) -> Any:
        """The last payload; None where nothing is known."""
        with self._changed:
            return self._messages.get(name)

    def below(self, prefix: str) -> dict[str, Any]:
        """All messages whose names begin so."""
        with self._changed:
            return {name: payload for name, payload in self._messages.items() if name.startswith(prefix)}

    @property
    def online(self) -> bool:
        return bool(self.get("availability") == "online")

    def wait(self, arrived: Callable[[], bool], timeout_s: float) -> bool:
        """Until ``arrived()``, asked again after each message; False after timeout_s."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not arrived():
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(min(left_s, 1.0))
        return True

    def wait_for_change(self, seen_version: int, timeout_s: float) -> None:
        """Until something newer than ``seen_version`` came."""
        self.wait(lambda: self.version != seen_version, timeout_s)

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        del retained  # what was published before we came is as good
        name = self._topics.below(topic) or topic
        content = _parsed(payload)
        with self._changed:
            self._messages.pop(name, None)
            if content is not None:
                self._messages[name] = content
            self.version += 1
            self._changed.notify_all()
        for listener in self._listeners:
            listener(name, content)


def _parsed(payload: bytes) -> Any:
    if not payload:
        return None
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")
