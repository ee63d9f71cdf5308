"""The runs that wait or run: ordered from the runner, followed by what it says, and lost where it does not know them any more."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance import clock
from appliance.errors import Conflict
from appliance.scripts.history import History
from appliance.scripts.ids import new_run_id
from appliance.scripts.told import Told
from mqtt.script_answers import RunFacts
from mqtt.script_messages import UNFINISHED, KillOrder, Limits, Permission, RunnerState, RunOrder, ScriptLine, ScriptOutput, ScriptState

log = logging.getLogger("scripts")
AT_ONCE, MOST_WAITING = 4, 20
_LONGEST_LINE = 16_000
_GRACE_S = 5.0
_AWAY_S = 300.0
_LOST = "the runner of scripts was restarted or went away meanwhile"
_NEVER_BEGUN = "the runner of scripts did not take it; ask again"
Changed = Callable[[RunFacts], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to run. ``script_id`` and ``version`` are None for what was never saved."""

    title: str
    source: bytes
    permission: Permission
    limits: Limits
    arguments: list[str]
    asked_by: str
    script_id: str | None = None
    version: int | None = None
    deployment_id: str | None = None


@dataclass(slots=True)
class _Ordered:
    at_s: float
    heard_s: float = 0.0
    has_begun: bool = False


@dataclass(slots=True)
class _Runner:
    """What is known of the runner of scripts."""

    state: RunnerState = field(default_factory=lambda: RunnerState(online=False, version=""))
    since_s: float = field(default_factory=clock.monotonic_s)
    """When it came, or went."""


class Running:
    """Thread-safe. ``told`` says to the runner and the house what is decided here."""

    def __init__(self, history: History, told: Told, *, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._history = history
        self._told = told
        self._at_once, self._most_waiting = at_once, most_waiting
        self._lock = threading.RLock()
        self._waiting: dict[str, Wanted] = {}
        # After a restart the runner says what became of those that it had.
        self._ordered: dict[str, _Ordered] = {run.run_id: _Ordered(clock.monotonic_s(), 0.0, True) for run in history.unfinished()}
        self._runner = _Runner()
        self._listeners: list[Changed] = []

    def on_change(self, listener: Changed) -> None:
        """``listener(run)`` whenever a run begins or ends; it must only enqueue."""
        self._listeners.append(listener)

    @property
    def is_online(self) -> bool:
        """Runs can begin now."""
        return self._runner.state.online and self._told.is_connected()

    def running(self, run_id: str) -> RunFacts | None:
        """A run that the runner has now; None: there is no such run, or not any more."""
        with self._lock:
            return self._history.find(run_id) if run_id in self._ordered else None

    def of(self, *, script: str | None = None, deployment: str | None = None) -> list[RunFacts]:
        """Those that wait or run, the oldest first."""
        runs = self._history.unfinished()
        return [run for run in runs if script in {None, run.script_id} and deployment in {None, run.deployment_id}]

    # Asked for

    def ask(self, wanted: Wanted) -> str:
        """The id of the run. Raises Conflict where none can begin, DiskFull, CatalogUnwritable."""
        with self._lock:
            self._check()
            run = RunFacts(
                run_id=new_run_id(self._history.newest_id), script_id=wanted.script_id, title=wanted.title, version=wanted.version,
                deployment_id=wanted.deployment_id, asked_by=wanted.asked_by, permission=wanted.permission, state="waiting",
                exit_status=None, reason=None, asked_at=clock.now(), started_at=None, ended_at=None, lines=0, dropped_lines=0,
            )  # fmt: skip
            self._history.add(run)
            self._waiting[run.run_id] = wanted
            self._told.state(run)
            self._begin_what_may()
            return run.run_id

    def _check(self) -> None:
        if not self.is_online:
            raise Conflict("the runner of scripts is away, so nothing can run; start it (systemctl start pyarchive-scripts, or the demo)")
        if len(self._waiting) >= self._most_waiting:
            raise Conflict(f"{len(self._waiting)} runs wait already, which is the most; end some of them first")

    def kill(self, run_id: str) -> None:
        """Raises NotFound, Conflict where the runner is away; one that has ended stays as it ended."""
        with self._lock:
            run = self._history.get(run_id)
            if run_id in self._waiting:
                del self._waiting[run_id]
                self._end(run, "killed", "it was ended before it began")
            elif run_id in self._ordered:
                if not self.is_online:
                    raise Conflict("the runner of scripts is away; it ends what it ran when it comes back")
                self._told.kill(KillOrder(run_id=run_id))

    # Heard from the runner

    def heard_output(self, output: ScriptOutput) -> None:
        with self._lock:
            run = self._history.find(output.run_id)
            if run is None or not output.lines:
                return
            if ordered := self._ordered.get(output.run_id):
                # What prints has begun: the word on that is retained, and may come after the first lines.
                ordered.has_begun, ordered.heard_s = True, clock.monotonic_s()
            # A message may come twice.
            fresh = [_bounded(line) for line in output.lines if line.sequence >= run.lines]
            if not fresh:
                return
            self._history.note(run.model_copy(update={"lines": fresh[-1].sequence + 1}))
        self._history.outputs.add(output.run_id, fresh)
        self._told.lines(run, fresh)

    def heard_state(self, state: ScriptState) -> None:
        """What was lost may come back: the runner knows better."""
        if state.state == "waiting":  # our own word
            return
        with self._lock:
            run = self._history.find(state.run_id)
            if run is None:
                self._told.forgotten(state)
            elif run.state in {*UNFINISHED, "lost"}:
                self._follow(run, state)
            else:
                self._told.seen(state)

    def _follow(self, run: RunFacts, state: ScriptState) -> None:
        self._told.seen(state)
        self._waiting.pop(run.run_id, None)
        now = run.model_copy(
            update={
                "state": state.state, "exit_status": state.exit_status, "reason": state.reason, "started_at": state.started_at,
                "ended_at": state.ended_at, "lines": max(run.lines, state.lines), "dropped_lines": state.dropped_lines,
            }
        )  # fmt: skip
        if now == run:
            return
        if state.state == "running":
            ordered = self._ordered.setdefault(run.run_id, _Ordered(clock.monotonic_s()))
            ordered.has_begun, ordered.heard_s = True, clock.monotonic_s()
            self._note(now)
        else:
            self._ordered.pop(run.run_id, None)
            self._note(now if now.ended_at else now.model_copy(update={"ended_at": clock.now()}))
            self._begin_what_may()

    def heard_runner(self, state: RunnerState) -> None:
        with self._lock:
            former = self._runner.state
            if (former.online, former.instance) != (state.online, state.instance):
                self._runner.since_s = clock.monotonic_s()
                log.info("the runner of scripts is %s", "there" if state.online else "away")
            self._runner.state = state
            self._begin_what_may()

    # From time to time

    def look(self) -> None:
        """What the runner does not know is lost; what waits may begin."""
        with self._lock:
            now_s = clock.monotonic_s()
            for run_id, ordered in list(self._ordered.items()):
                if self._is_lost(run_id, ordered, now_s) and (run := self._history.find(run_id)):
                    del self._ordered[run_id]
                    self._end(run, *(("lost", _LOST) if ordered.has_begun else ("refused", _NEVER_BEGUN)))
            self._begin_what_may()

    def _is_lost(self, run_id: str, ordered: _Ordered, now_s: float) -> bool:
        if not self.is_online:
            return now_s - max(self._runner.since_s, ordered.heard_s) >= _AWAY_S
        # An order and the runner's word can cross each other, and so can its last word on a run and that on all.
        return run_id not in self._runner.state.runs and now_s - max(ordered.at_s, ordered.heard_s, self._runner.since_s) >= _GRACE_S

    def _begin_what_may(self) -> None:
        while self._waiting and len(self._ordered) < self._at_once and self.is_online:
            run_id = next(iter(self._waiting))
            wanted = self._waiting.pop(run_id)
            self._ordered[run_id] = _Ordered(clock.monotonic_s())
            self._told.order(
                RunOrder.of(
                    wanted.source, run_id=run_id, script_id=wanted.script_id, name=wanted.title,
                    source_sha256=hashlib.sha256(wanted.source).hexdigest(), arguments=wanted.arguments, limits=wanted.limits,
                    permission=wanted.permission, asked_at=self._history.get(run_id).asked_at,
                )
            )  # fmt: skip

    def _end(self, run: RunFacts, state: str, reason: str) -> None:
        self._note(run.model_copy(update={"state": state, "reason": reason, "ended_at": clock.now()}))
        self._told.state(self._history.get(run.run_id))

    def _note(self, run: RunFacts) -> None:
        self._history.note(run)
        if run.state not in UNFINISHED:
            self._told.ended(run)
        for listener in self._listeners:
            listener(run)


def _bounded(line: ScriptLine) -> ScriptLine:
    return line if len(line.text) <= _LONGEST_LINE else line.model_copy(update={"text": f"{line.text[:_LONGEST_LINE]}…"})
