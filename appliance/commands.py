"""What the house commands (`mqtt/commands.py`): looked at, done, or refused with a line in the log. There is no answer but the state."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from appliance.errors import ApplianceError
from mqtt.commands import COMMANDS, CommandName
from mqtt.topics import Topics

log = logging.getLogger("commands")
_MOST_WAITING = 100
_SHOWN_BYTES = 64
_PREFIX = "command/"


class Broker(Protocol):
    """What is needed of the broker's client."""

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> None: ...


class Commands:
    """One thread. ``actions``: what each command does with its payload; ``refused()`` after one that could not be obeyed."""

    def __init__(
        self, broker: Broker, topics: Topics, actions: Mapping[CommandName, Callable[[str], None]], refused: Callable[[], None]
    ) -> None:
        self._broker = broker
        self._topics = topics
        self._actions = actions
        self._refused = refused
        self._queue: queue.Queue[tuple[CommandName, str] | None] = queue.Queue(_MOST_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="commands", daemon=True)

    def start(self) -> None:
        self._broker.subscribe(self._topics(f"{_PREFIX}#"), self._hear)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        with contextlib.suppress(queue.Full):  # then it wakes for those that wait
            self._queue.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        """On the network thread."""
        name = (self._topics.below(topic) or topic).removeprefix(_PREFIX)
        command = next((each for each in COMMANDS.values() if each.name == name), None)
        if command is None:
            log.warning("there is no command %s; there are: %s", _shown(name.encode()), ", ".join(COMMANDS))
        elif retained:
            # It would come again at each connect, long after somebody meant it.
            log.warning("the command %s is retained and therefore ignored; publish it without that flag", command.name)
        elif not command.allows(payload):
            log.warning("the command %s does not mean anything with %s; %s is allowed", command.name, _shown(payload), command.allowed)
        else:
            self._enqueue(command.name, payload.decode())

    def _enqueue(self, name: CommandName, payload: str) -> None:
        try:
            self._queue.put_nowait((name, payload))
        except queue.Full:
            log.warning("the command %s is ignored: %d others wait already", name, _MOST_WAITING)

    def _work(self) -> None:
        while (asked := self._queue.get()) is not None and not self._stop.is_set():
            self._obey(*asked)

    def _obey(self, name: CommandName, payload: str) -> None:
        try:
            self._actions[name](payload)
        except (ApplianceError, OSError) as error:
            log.warning("the command %s %s is not obeyed: %s", name, payload, error)
            self._refused()
        except Exception:
            log.exception("the command %s failed", name)
            self._refused()
        else:
            log.info("the house commands: %s%s", name, "" if payload == "PRESS" else f" {payload}")


def _shown(payload: bytes) -> str:
    """Its beginning, without anything that could disturb a log."""
    more = f"… ({len(payload):,} bytes)" if len(payload) > _SHOWN_BYTES else ""
    return repr(payload[:_SHOWN_BYTES].decode(errors="replace")) + more
