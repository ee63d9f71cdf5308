"""What is said of runs: orders to the runner, the retained states, and their lines in the log."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import Protocol

from appliance import clock
from appliance.pacing import Budget
from mqtt.script_answers import RunFacts
from mqtt.script_messages import UNFINISHED, KillOrder, RunOrder, ScriptLine, ScriptState, ScriptValues
from mqtt.topics import Topics

script_log = logging.getLogger("script")
MOST_RETAINED = 50
_LINES_PER_S, _LINES_AT_ONCE = 0.5, 200
_LONGEST = 500


class Way(Protocol):
    """To the broker."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None: ...
    def clear(self, topic: str) -> None: ...


class Told:
    """Thread-safe. Before ``attach`` nothing is said, and no runner is there.

    The states of the last 50 runs that ended stay at the broker until somebody dismisses them: a deployment every few seconds must not
    fill it. In the log all runs share a budget of 200 lines, and one in two seconds, so that a flood of output does not push out all else.
    """

    def __init__(self, *, most_retained: int = MOST_RETAINED) -> None:
        self._way: Way | None = None
        self._topics: Topics | None = None
        self._most_retained = most_retained
        self._lock = threading.Lock()
        self._retained: OrderedDict[str, None] = OrderedDict()
        self._budget = Budget(_LINES_AT_ONCE, _LINES_PER_S)
        self._left_out = 0

    def attach(self, way: Way, topics: Topics) -> None:
        self._way, self._topics = way, topics

    def is_connected(self) -> bool:
        """An order would go now: one that waits in the outbox would be carried out when nobody expects it any more."""
        return self._way is not None and bool(getattr(self._way, "speaks", True))

    # To the runner

    def order(self, order: RunOrder) -> None:
        self._publish("runner/run", order.payload(), retain=False)

    def kill(self, order: KillOrder) -> None:
        self._publish("runner/kill", order.payload(), retain=False)

    # Retained

    def state(self, run: RunFacts) -> None:
        """Our word on a run that the runner has not, or has no more."""
        state = ScriptState(
            run_id=run.run_id, script_id=run.script_id, name=run.title, state=run.state, exit_status=run.exit_status, reason=run.reason,
            asked_at=run.asked_at, started_at=run.started_at, ended_at=run.ended_at, lines=run.lines, dropped_lines=run.dropped_lines,
        )  # fmt: skip
        self._publish(_topic(run.run_id), state.payload(), retain=True)
        self.seen(state)

    def seen(self, state: ScriptState) -> None:
        """A state is retained there; the oldest too many goes."""
        if state.state in UNFINISHED:
            return
        with self._lock:
            self._retained[state.run_id] = None
            gone = [self._retained.popitem(last=False)[0] for _ in range(len(self._retained) - self._most_retained)]
        for run_id in gone:
            self._clear(run_id)

    def forgotten(self, state: ScriptState) -> None:
        """Nobody remembers that run: an older appliance's, or one that made room."""
        if state.state not in UNFINISHED:
            self._clear(state.run_id)

    def dismiss(self, run_id: str) -> None:
        with self._lock:
            self._retained.pop(run_id, None)
        self._clear(run_id)

    def values(self, values: ScriptValues) -> None:
        self._publish(f"script/{values.script_id}/values", values.payload(), retain=True)

    def clear_values(self, script_id: str) -> None:
        if self._way and self._topics:
            self._way.clear(self._topics(f"script/{script_id}/values"))

    # In the log

    def lines(self, run: RunFacts, lines: list[ScriptLine]) -> None:
        for number, line in enumerate(lines):
            if not self._log(logging.INFO, run, line.text):  # so there is no room for those behind it either
                with self._lock:
                    self._left_out += len(lines) - number - 1
                return

    def ended(self, run: RunFacts) -> None:
        bad = run.state != "ended" or run.exit_status != 0
        said = run.state + (f" with {run.exit_status}" if run.exit_status is not None else "") + (f": {run.reason}" if run.reason else "")
        self._log(logging.WARNING if bad else logging.INFO, run, said)

    def _log(self, level: int, run: RunFacts, text: str) -> bool:
        """False where there is no room for it."""
        with self._lock:
            if not self._budget.spend(clock.monotonic_s()):
                self._left_out += 1
                return False
            left_out, self._left_out = self._left_out, 0
        if left_out:
            script_log.info("%d lines of scripts were left out here; `pyarchive script log RUN` shows them", left_out)
        script_log.log(level, "%s (%s): %s", run.title, run.run_id, text[:_LONGEST])
        return True

    def _publish(self, name: str, payload: bytes, *, retain: bool) -> None:
        if self._way and self._topics:
            self._way.publish(self._topics(name), payload, retain=retain)

    def _clear(self, run_id: str) -> None:
        if self._way and self._topics:
            self._way.clear(self._topics(_topic(run_id)))


def _topic(run_id: str) -> str:
    return f"script/{run_id}/state"
