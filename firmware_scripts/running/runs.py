"""Orders come in, runs go on: a few at a time, the others wait for their turn."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import ValidationError

from firmware_scripts.running import processes
from firmware_scripts.running.asking import Ask
from firmware_scripts.running.cgroup import delegated
from firmware_scripts.running.holding import Holding
from firmware_scripts.running.order import Order
from firmware_scripts.running.place import Place
from firmware_scripts.running.run import Run, Way
from firmware_scripts.running.settings import AT_A_TIME, Settings
from mqtt.script_messages import Isolation, KillOrder, RunOrder, RunState, ScriptState

log = logging.getLogger("scripts")

_MOST_WAITING = 100
_ROUND_S = 10.0
_REMEMBERED = 1000
_STOP_S = 6.0
_STOP_GRACE_S = 2.0
_KEEPER_END_S = 3.0
_KEEPERS_GO_S = 0.5


class Runs:
    """``run`` is the runner's main thread; everything else only enqueues, and may be called from any thread.

    ``changed(ids)`` is called on that thread with the runs that were taken and have not ended, whenever these change.
    """

    def __init__(self, settings: Settings, way: Way, ask: Ask, changed: Callable[[list[str]], None]) -> None:
        self._settings = settings
        self._way = way
        self._ask = ask
        self._changed = changed
        self._news: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._waiting: deque[RunOrder] = deque()
        self._running: dict[str, Run] = {}
        self._known: deque[str] = deque(maxlen=_REMEMBERED)
        self._spare: Holding | None = None
        self._going: list[Holding] = []
        self._numbers = itertools.count()
        self.on_ready: Callable[[], None] = lambda: None
        self.on_round: Callable[[], None] = lambda: None
        """Both on the main thread: orders are taken from now on; it goes round, at least every 10 s."""
        self._place = Place(settings.folder)
        self._cgroup = delegated(settings.cgroup)

    @property
    def can(self) -> list[Isolation]:
        """What holds a script here beside its limits."""
        own_user: list[Isolation] = ["own_user"] if self._settings.users else []
        cgroup: list[Isolation] = ["cgroup"] if self._cgroup and self._cgroup.whole else []
        return own_user + cgroup

    def ordered(self, payload: bytes) -> None:
        self._news.put(lambda: self._take(payload))

    def kill_ordered(self, payload: bytes) -> None:
        self._news.put(lambda: self._kill(payload))

    def tell(self) -> None:
        """Call ``changed`` again: somebody may not know."""
        self._news.put(self._say)

    def stop(self) -> None:
        self._news.put(None)

    def run(self) -> None:
        """Until ``stop``; then the end of all runs is told."""
        self._prepare()
        self.on_ready()
        while work := self._next():
            work()
        self._stop()

    def _next(self) -> Callable[[], None] | None:
        """What comes next. Meanwhile keepers that are about to go are waited for: no dead process is left until another run."""
        while True:
            self.on_round()
            try:
                return self._news.get(timeout=_KEEPERS_GO_S if self._going else _ROUND_S)
            except queue.Empty:
                self._let_go()

    def _let_go(self) -> None:
        self._going = [holding for holding in self._going if not holding.gone()]

    # On the main thread

    def _say(self) -> None:
        self._changed([*self._running, *(order.run_id for order in self._waiting)])

    def _take(self, payload: bytes) -> None:
        try:
            order = RunOrder.model_validate_json(payload)
            source = order.source
        except (ValidationError, ValueError) as error:
            log.warning("ignored an order that is none: %s", type(error).__name__)
            return
        if order.run_id in self._known:  # QoS 1 may bring it twice
            return
        self._known.append(order.run_id)
        if hashlib.sha256(source).hexdigest() != order.source_sha256:
            self._refuse(order, "refused", "the source that arrived is not the one that was sent: its checksum differs; run it again")
        elif len(self._waiting) >= _MOST_WAITING:
            self._refuse(order, "refused", f"{_MOST_WAITING} runs wait already; try again when some of them have ended")
        else:
            self._waiting.append(order)
            self._begin()
            self._say()

    def _refuse(self, order: RunOrder, state: RunState, reason: str) -> None:
        now = datetime.now(UTC)
        self._way.state(
            ScriptState(
                run_id=order.run_id, script_id=order.script_id, name=order.name, state=state, reason=reason, asked_at=order.asked_at,
                ended_at=now,
            )
        )  # fmt: skip

    def _begin(self) -> None:
        while self._waiting and len(self._running) < AT_A_TIME:
            order = self._waiting.popleft()
            try:
                self._begin_one(order)
            except (OSError, RuntimeError) as error:  # RuntimeError: Python's word for a thread that the system does not give
                self._running.pop(order.run_id, None)
                self._refuse(order, "refused", f"no process could be started for it: {error}; try again later")
        self._prepare()

    def _begin_one(self, order: RunOrder) -> None:
        holding, self._spare = self._spare or Holding(), None
        run = Run(order, self._placed(order), self._way, self._ask, self._over)
        self._running[order.run_id] = run
        try:
            run.start(holding)
        except RuntimeError:
            holding.close()
            raise

    def _prepare(self) -> None:
        """A keeper for the next run, that it begins at once."""
        if self._spare is not None and self._spare.gone():
            self._spare.close()
            self._spare = None
        if self._spare is None:
            try:
                self._spare = Holding()
            except OSError as error:
                log.warning("no process can be started at the moment: %s", error.strerror)

    def _placed(self, order: RunOrder) -> Order:
        number, limits = next(self._numbers), order.limits
        user = self._settings.users[number % len(self._settings.users)] if self._settings.users else None
        return Order(
            run_id=order.run_id, source_base64=order.source_base64, arguments=order.arguments, python=self._settings.python,
            boot=str(self._place.boot), folder=self._place.working(number), uid=user.uid if user else None, gid=user.gid if user else None,
            cgroup=self._cgroup.of_run(number) if self._cgroup else None,
            cpu_s=limits.cpu_s, memory_mib=limits.memory_mib, processes=limits.processes, files_mib=limits.files_mib,
        )  # fmt: skip

    def _kill(self, payload: bytes) -> None:
        try:
            order = KillOrder.model_validate_json(payload)
        except ValidationError:
            log.warning("ignored an order to kill that is none")
            return
        if run := self._running.get(order.run_id):
            run.end("killed", "it was stopped", order.grace_s)
        for waiting in [one for one in self._waiting if one.run_id == order.run_id]:
            self._waiting.remove(waiting)
            self._refuse(waiting, "killed", "it was stopped before it began")
            self._say()

    def _over(self, run: Run) -> None:
        """Called on the run's thread."""
        self._news.put(lambda: self._forget(run))

    def _forget(self, run: Run) -> None:
        del self._running[run.run_id]
        self._going.append(run.holding)
        if run.orphaned:
            run.holding.wait(_KEEPER_END_S)  # what it held is ours when it is gone, and no sooner
        self._let_go()
        if run.orphaned:
            self._sweep()
        self._begin()
        self._say()

    def _sweep(self) -> None:
        """End what a keeper has left that was killed itself: it is ours now (we are a subreaper, too)."""
        keepers = {run.holding.pid for run in self._running.values()} | {holding.pid for holding in self._going}
        spare = frozenset(keepers | ({self._spare.pid} if self._spare else set()))
        if left := processes.end_below(os.getpid(), _KEEPER_END_S, spare=spare):
            log.warning("%d processes were ended that a run had left", left)

    def _stop(self) -> None:
        for order in self._waiting:
            self._refuse(order, "lost", "the runner was stopped before it began")
        self._waiting.clear()
        for run in self._running.values():
            run.end("lost", "the runner was stopped", _STOP_GRACE_S)
        until_s = time.monotonic() + _STOP_S
        while self._running and (left_s := until_s - time.monotonic()) > 0:
            self._until_one_is_over(left_s)
        for holding in [*self._going, *([self._spare] if self._spare else [])]:
            if holding is self._spare:
                holding.close()
            holding.wait(_KEEPER_END_S)
        self._place.remove()

    def _until_one_is_over(self, timeout_s: float) -> None:
        timer = threading.Timer(timeout_s, lambda: self._news.put(lambda: None))
        timer.daemon = True
        timer.start()
        if work := self._news.get():
            work()
        timer.cancel()
