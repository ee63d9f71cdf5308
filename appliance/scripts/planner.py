"""The thread that gives deployments their turns. Whatever fails, there is a next turn."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.errors import ApplianceError
from appliance.scripts.deployments import Deployments, Schedule
from appliance.scripts.history import History
from appliance.scripts.running import Running, Wanted
from appliance.scripts.turns import Turns

log = logging.getLogger("scripts")
_LONGEST_WAIT_S, _SHORTEST_WAIT_S = 1.0, 0.05
WantedOf = Callable[[str, list[str], str], Wanted]


@dataclass(slots=True)
class _Place:
    """``owed``: a turn that waits for the run before it, or for the runner. ``why_not``: why the last turn came to nothing."""

    turns: Turns
    owed: bool = False
    why_not: str | None = None


class Planner:
    """``wanted(script_id, arguments, deployment_id)``: the script as it is to run. ``clock_is_right()``: the date can be believed."""

    def __init__(
        self, deployments: Deployments, running: Running, history: History, wanted: WantedOf, clock_is_right: Callable[[], bool]
    ) -> None:
        self._deployments, self._running, self._history = deployments, running, history
        self._wanted = wanted
        self._clock_is_right = clock_is_right
        self._lock = threading.RLock()
        self._places: dict[str, _Place] = {}
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="deployments", daemon=True)
        running.on_change(lambda _: self._wake.set())

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def changed(self) -> None:
        """Deployments were saved, removed or paused."""
        self._wake.set()

    def next_at(self, deployment_id: str, count: int = 3) -> list[datetime]:
        """Its next turns, as far as they are known."""
        with self._lock:
            self._follow()
            place = self._places.get(deployment_id)
            return place.turns.next_at(count, clock_is_right=self._clock_is_right()) if place else []

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                wait_s = self.look()
            except Exception:
                log.exception("a look at the deployments failed")
                wait_s = _LONGEST_WAIT_S
            self._wake.wait(wait_s)
            self._wake.clear()

    def look(self) -> float:
        """Give turns to whose turn it is; how long until the next look."""
        with self._lock:
            self._follow()
            right = self._clock_is_right()
            for deployment_id, place in self._places.items():
                if place.turns.is_due(clock_is_right=right):
                    self._turn(deployment_id, place)
                if place.owed and not self._running.of(deployment=deployment_id):
                    self._run(deployment_id, place)
            waits = [place.turns.wait_s() for place in self._places.values()]
        return max(_SHORTEST_WAIT_S, min([_LONGEST_WAIT_S, *waits]))

    def _follow(self) -> None:
        """One that was changed begins anew; a paused or disabled one has no turns, and owes none."""
        wanted = {} if self._deployments.paused else {key: each for key, each in self._deployments.all().items() if each.enabled}
        for key in [key for key, place in self._places.items() if wanted.get(key) is not place.turns.schedule]:
            del self._places[key]
        for key, schedule in wanted.items():
            if key not in self._places:
                self._places[key] = _Place(Turns(schedule, self._last_at(key, schedule)))

    def _last_at(self, deployment_id: str, schedule: Schedule) -> datetime:
        runs = self._history.newest_first(deployment=deployment_id)
        return max([schedule.changed_at, *(run.asked_at for run in runs[:1])])

    def _turn(self, deployment_id: str, place: _Place) -> None:
        runs, schedule = self._running.of(deployment=deployment_id), place.turns.schedule
        if runs and schedule.overlap == "skip":
            return
        place.owed = True
        if runs and schedule.overlap == "end_the_old_one":
            for run in runs:
                try:
                    self._running.kill(run.run_id)
                except ApplianceError as error:
                    log.info("run %s is not ended for the next one: %s", run.run_id, error)

    def _run(self, deployment_id: str, place: _Place) -> None:
        schedule = place.turns.schedule
        try:
            self._running.ask(self._wanted(schedule.script_id, schedule.arguments, deployment_id))
        except ApplianceError as error:
            if str(error) != place.why_not:
                log.warning("the turn of %s came to nothing: %s", schedule.script_id, error)
            place.why_not = str(error)
            place.owed = schedule.catch_up == "once"  # made up for, once for all, when it can be
            return
        place.owed, place.why_not = False, None
