"""A runner that runs nothing: it says over a real broker what the test wants a run to be like."""

from __future__ import annotations

from typing import Any

from appliance import clock
from mqtt.client import Broker
from mqtt.messages import KillOrder, RunnerState, RunOrder, ScriptLine, ScriptOutput, ScriptState
from mqtt.topics import Topics


class StandIn:
    """``orders`` and ``kills``: what it was told. ``begins``: it takes an order at once, as the real one does."""

    def __init__(self, broker: Broker, topics: Topics, *, begins: bool = True) -> None:
        self.orders: dict[str, RunOrder] = {}
        self.kills: list[str] = []
        self.runs: set[str] = set()
        self._broker, self._topics, self._begins = broker, topics, begins
        self._written: dict[str, int] = {}
        broker.subscribe(topics("runner/run"), self._on_run)
        broker.subscribe(topics("runner/kill"), self._on_kill)

    def come(self, instance: str = "first") -> None:
        self._instance = instance
        self._tell()

    def go(self) -> None:
        """As its last will says."""
        self._publish("runner/state", RunnerState(online=False, version="1"), retain=True)

    def crash_and_come(self) -> None:
        """Another one, which knows of no run."""
        self.runs.clear()
        self.come("second")

    def write(self, run_id: str, *texts: str, at: int | None = None) -> None:
        first = self._written.get(run_id, 0) if at is None else at
        now = clock.now()
        lines = [ScriptLine(sequence=first + n, at=now, stream="stdout", text=text) for n, text in enumerate(texts)]
        self._written[run_id] = first + len(texts)
        self._publish(f"script/{run_id}/output", ScriptOutput(run_id=run_id, lines=lines))

    def end(self, run_id: str, state: str = "ended", exit_status: int | None = 0, reason: str | None = None) -> None:
        self.runs.discard(run_id)
        self.say(run_id, state, exit_status=exit_status, reason=reason, ended_at=clock.now())
        self._tell()

    def say(self, run_id: str, state: str, **more: Any) -> None:
        order = self.orders[run_id]
        told = {"run_id": run_id, "script_id": order.script_id, "name": order.name, "asked_at": order.asked_at, "started_at": clock.now(),
                "lines": self._written.get(run_id, 0), "state": state}  # fmt: skip
        self._publish(f"script/{run_id}/state", ScriptState.model_validate({**told, **more}), retain=True)

    def _tell(self) -> None:
        state = RunnerState(online=True, version="1", instance=self._instance, runs=sorted(self.runs))
        self._publish("runner/state", state, retain=True)

    def _on_run(self, _topic: str, payload: bytes, _retained: bool) -> None:
        order = RunOrder.model_validate_json(payload)
        self.orders[order.run_id] = order
        if self._begins:
            self.runs.add(order.run_id)
            self.say(order.run_id, "running")
            self._tell()

    def _on_kill(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.kills.append(KillOrder.model_validate_json(payload).run_id)

    def _publish(self, name: str, message: Any, *, retain: bool = False) -> None:
        self._broker.publish(self._topics(name), message.payload(), retain=retain)
