"""When a deployment's next turn is. Every n seconds by the monotonic clock, cron by the date, and that only while it can be believed."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance import clock
from appliance.scripts.deployments import Schedule

_LATE = timedelta(seconds=60)


class Turns:
    """Of one schedule. ``last_at``: when it ran last, or was changed, whichever is later. For one thread.

    A turn that comes more than a minute late was missed (the appliance was off, or the clock jumped), and its rule for that decides.
    """

    def __init__(self, schedule: Schedule, last_at: datetime) -> None:
        self.schedule = schedule
        self._cron = schedule.by_wall_clock
        self._last_at = last_at
        self._looked_at: datetime | None = None  # by the date; None: not since the clock is right
        self._due_at: datetime | None = None
        self._due_s = clock.monotonic_s() + (schedule.every_s or 0.0)
        self._in_phase = False

    def is_due(self, *, clock_is_right: bool) -> bool:
        """Its turn is now; asked again, the next one is meant."""
        return self._is_due_by_date(clock_is_right) if self._cron else self._is_due_by_seconds(clock_is_right)

    def next_at(self, count: int, *, clock_is_right: bool) -> list[datetime]:
        """The next ones; none while the clock is not right."""
        if not clock_is_right:
            return []
        if self._cron is None:
            first = clock.date_of(self._due_s)
            return [first + timedelta(seconds=number * float(self.schedule.every_s or 1)) for number in range(count)]
        found: list[datetime] = []
        at: datetime | None = clock.now()
        while len(found) < count and at is not None and (at := self._cron.next_at(at)):
            found.append(at)
        return found

    def wait_s(self) -> float:
        """Until it is worth a look."""
        if self._cron is None:
            return self._due_s - clock.monotonic_s()
        return (self._due_at - clock.now()).total_seconds() if self._due_at else 1.0

    def _is_due_by_seconds(self, clock_is_right: bool) -> bool:
        every_s, now_s = float(self.schedule.every_s or 1), clock.monotonic_s()
        missed = False
        if not self._in_phase and clock_is_right:  # a daily turn must come although the appliance is started anew every day
            self._in_phase = True
            passed_s = (clock.now() - self._last_at).total_seconds()
            missed = passed_s >= every_s and self.schedule.catch_up == "once"
            if passed_s >= 0:
                self._due_s = now_s + every_s - passed_s % every_s
        if missed:
            return True
        if now_s < self._due_s:
            return False
        self._due_s += every_s * (1 + (now_s - self._due_s) // every_s)
        return True

    def _is_due_by_date(self, clock_is_right: bool) -> bool:
        now = clock.now()
        if not clock_is_right or self._cron is None:
            self._looked_at = self._due_at = None
            return False
        if self._looked_at is None or now < self._looked_at:  # the first look, or the clock was put back
            since = min(self._last_at, now) if self._looked_at is None else now
            self._due_at = self._cron.next_at(since)
        self._looked_at = now
        if self._due_at is None or now < self._due_at:
            return False
        late = now - self._due_at > _LATE
        self._due_at, self._last_at = self._cron.next_at(now), now
        return not late or self.schedule.catch_up == "once"
