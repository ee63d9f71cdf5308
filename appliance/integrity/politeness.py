"""When a regular check may work: it gives way to transfers, to files that come in, and to what a person asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance import clock
from appliance.connections import Connection, Connections
from appliance.errors import Stopped
from appliance.intake.intake import Intake
from appliance.jobs import Job, Jobs
from appliance.library import Library
from appliance.settings import SettingsStore
from appliance.transfer.engine import Engine
from appliance.transfer.throttle import Throttle
from mqtt.messages import Direction

_SETTLE_S = 5.0


@dataclass(slots=True)
class Polite(Job):
    """The job of one step: it ends soon after ``must_stop``, and keeps to a rate."""

    must_stop: Callable[[], bool] = lambda: False
    throttle: Throttle = field(default_factory=lambda: Throttle(0))

    def count(self, size_bytes: int) -> None:
        """Raises Stopped."""
        if self.must_stop():
            raise Stopped("the check gives way; it goes on later where it was")
        self.throttle.take(size_bytes, self.must_stop)
        self.done_bytes += size_bytes


@dataclass(slots=True)
class Politeness:
    """``is_quiet`` is asked for each piece: it costs next to nothing."""

    library: Library
    connections: Connections
    settings: SettingsStore
    engine: Engine
    jobs: Jobs
    intake: Intake
    is_recovering: Callable[[str], bool]
    settle_s: float = _SETTLE_S
    stopped: threading.Event = field(default_factory=threading.Event)
    _busy_s: float = float("-inf")

    def is_quiet(self) -> bool:
        """Nothing moves, and nothing has for a few seconds: between two batches is no pause."""
        if self.engine.moving or self.jobs.is_busy or self.intake.is_busy:
            self._busy_s = clock.monotonic_s()
            return False
        return clock.monotonic_s() - self._busy_s >= self.settle_s

    def is_recovering_any(self) -> bool:
        return any(self.is_recovering(each.id) for each in self.connections.all())

    def must_leave(self, *, remote: bool, on_line: bool, beside: bool = False) -> bool:
        """``remote``: a pause holds it, too. ``on_line``: what it reads comes over the line.

        ``beside``: it has waited long enough, and goes on beside transfers; never beside what a person asked for.
        """
        if self.stopped.is_set() or (remote and self.engine.paused) or (on_line and not self.line_is_free()):
            return True
        return self.jobs.is_busy if beside else not self.is_quiet()

    def line_is_free(self) -> bool:
        """No check takes a line that a person wants quiet: paused, metered at all, or closed to uploads by the timetable."""
        engine = self.engine
        return not (engine.holds(Direction.UP) or engine.holds(Direction.DOWN) or self.settings.current.metered)

    def may_ask(self, connection: Connection) -> bool:
        """It is valid, answers, and is no matter of a recovery."""
        usable = connection.id in self.library.valid and not connection.adopting and not self.is_recovering(connection.id)
        return usable and self.engine.lines.is_open(connection.id, Direction.DOWN)
