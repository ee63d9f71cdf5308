"""Regular checks whose days pass when a test says so: the time that the appliance has been running is the test's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from appliance import store
from appliance.integrity import local_check
from appliance.integrity.politeness import Politeness
from appliance.integrity.rounds import Rounds
from appliance.integrity.schedule import Schedule
from appliance.witness import Witness
from tests.inside import Inside
from tests.waiting import wait_for

DAY_S = 86400.0


@dataclass
class Days:
    """What an appliance's regular checks do over days; each step is one ``tick``."""

    inside: Inside
    passed_s: float = 0.0
    ticks: int = 0
    witness: Witness = field(init=False)
    rounds: Rounds = field(init=False)
    schedule: Schedule = field(init=False)
    politeness: Politeness = field(init=False)

    def __post_init__(self) -> None:
        app = self.inside.app
        self.witness = Witness(app.db, lambda: self.passed_s)
        self.rounds = app.states.rounds = Rounds(app.db, self.witness)
        self.politeness = Politeness(
            app.library, app.connections, app.settings, app.engine, app.jobs, app.intake, app.recovery.is_recovering, settle_s=0.0
        )
        self.schedule = Schedule(app.verifier, self.politeness, self.rounds, self.witness, app.household.ages, lambda _: None)

    def tick(self) -> None:
        self.ticks += 1
        self.schedule.tick()

    def live(self, days: float, step_s: float = 3600.0, most: int = 50) -> None:
        """So many days, with up to ``most`` ticks after each step of time, as long as they find something to do."""
        until_s = self.passed_s + days * DAY_S
        while self.passed_s < until_s:
            self.passed_s += min(step_s, until_s - self.passed_s)
            for _ in range(most):
                before = self._done()
                self.tick()
                if self._done() == before:
                    break

    def _done(self) -> Any:
        return {key: (r.archive, r.index, r.under_way, r.last_at) for key in self.rounds.known_keys() if (r := self.rounds.of(key))}

    def is_idle(self) -> bool:
        app = self.inside.app
        return not app.engine.moving and app.engine.pending() == (0, 0) and not app.jobs.is_busy and not app.intake.is_busy

    def wait_idle(self) -> None:
        wait_for(self.is_idle, 20, "nothing to move")

    def stop(self) -> None:
        """As the schedule's thread ends."""
        self.schedule.keep()
        self.witness.keep()


def count_local(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """(archive id, batch) of each batch that a check reads from the store, as it is read."""
    read: list[tuple[str, int]] = []
    real: Callable[..., bool] = store.batch_is_right

    def noted(path: Any, ledger: Any, index: int, moved: Any) -> bool:
        right = real(path, ledger, index, moved)
        read.append((ledger.facts.archive_id, index))
        return right

    monkeypatch.setattr(local_check, "batch_is_right", noted)
    return read


def only(**settings: Any) -> dict[str, Any]:
    """Settings: no regular check but those."""
    return {"scrub_days": 0, "listing_days": 0, "drill_mib_per_day": 0} | settings
