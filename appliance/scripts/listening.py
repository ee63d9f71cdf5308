"""What the runner says, from the network thread to one of ours: its words on runs always, output as far as there is room."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

from pydantic import ValidationError

from appliance import clock
from appliance.scripts.desk import ScriptDesk
from mqtt.messages import MAX_PAYLOAD_BYTES, Message, RunnerState, ScriptOutput, ScriptState, ScriptValues
from mqtt.topics import Topics

log = logging.getLogger("scripts")
_MOST_OUTPUT_BYTES = 8 << 20
_MOST_WORDS = 10_000
_LOOK_EVERY_S = 1.0
_M = TypeVar("_M", bound=Message)


class Broker(Protocol):
    """What is needed of the broker's client."""

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> None: ...


class Listening:
    """One thread. Also looks at the runs, and flushes their output, once a second.

    Output that comes faster than it can be kept is dropped: its sequence numbers tell so. What is not as the contract has it is logged.
    """

    def __init__(self, broker: Broker, topics: Topics, desk: ScriptDesk) -> None:
        self._topics = topics
        self._desk = desk
        self._running = desk.running
        self._heard: deque[tuple[str, bytes]] = deque()
        self._output_bytes = 0
        self._complained = False
        self._changed = threading.Condition()
        self._stopped = False
        self._looked_s = 0.0
        self._thread = threading.Thread(target=self._work, name="scripts", daemon=True)
        for name in ("runner/state", "script/+/state", "script/+/output"):
            broker.subscribe(topics(name), self._on_message)
        broker.subscribe(topics("script/+/values"), self._on_values)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    # On the network thread

    def _on_values(self, topic: str, payload: bytes, retained: bool) -> None:
        if retained:  # the others are our own, coming back
            self._on_message(topic, payload, retained)

    def _on_message(self, topic: str, payload: bytes, _retained: bool) -> None:
        if not payload or len(payload) > MAX_PAYLOAD_BYTES:  # a state that was dismissed; or nothing of ours
            return
        is_output = topic.endswith("/output")
        with self._changed:
            full = self._output_bytes > _MOST_OUTPUT_BYTES if is_output else len(self._heard) > _MOST_WORDS
            if full:
                return
            self._output_bytes += len(payload) if is_output else 0
            self._heard.append((topic, payload))
            self._changed.notify()

    # On our thread

    def _work(self) -> None:
        while not self._stopped:
            try:
                self._round()
            except Exception:
                log.exception("what the runner of scripts says could not be followed")

    def _round(self) -> None:
        with self._changed:
            if not self._heard and not self._stopped:
                self._changed.wait(_LOOK_EVERY_S)
            topic, payload = self._heard.popleft() if self._heard else ("", b"")
            self._output_bytes -= len(payload) if topic.endswith("/output") else 0
        if topic:
            self._follow(topic, payload)
        if clock.monotonic_s() - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = clock.monotonic_s()
            self._running.look()
            self._desk.outputs.flush_old()
            self._desk.values.flush()

    def _follow(self, topic: str, payload: bytes) -> None:
        name = self._topics.below(topic) or ""
        try:
            if name == "runner/state":
                self._running.heard_runner(RunnerState.model_validate_json(payload))
            elif name.endswith("/output"):
                self._running.heard_output(_of_topic(ScriptOutput.model_validate_json(payload), name))
            elif name.endswith("/values"):
                values = ScriptValues.model_validate_json(payload)
                self._desk.values.heard(
                    values, is_saved=topic == self._topics(f"script/{values.script_id}/values") and self._desk.is_saved(values.script_id)
                )
            else:
                self._running.heard_state(_of_topic(ScriptState.model_validate_json(payload), name))
        except (ValidationError, ValueError):
            if not self._complained:
                log.warning("what came on %s is not as it should be, and is not followed", topic[:200])
            self._complained = True


def _of_topic(message: _M, name: str) -> _M:
    """Raises ValueError where the message is about another run than its topic."""
    if getattr(message, "run_id", None) != name.split("/")[1]:
        raise ValueError(name)
    return message
