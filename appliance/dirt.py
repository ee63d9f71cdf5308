"""What the reporter has yet to look at: noted by any thread, taken by one."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from appliance import clock

_GATHER_S, _BETWEEN_S = 0.03, 0.1


class Dirt:
    """``hot`` things are looked at within a tenth of a second, ``cold`` ones with the next regular look."""

    def __init__(self) -> None:
        self._cond = threading.Condition()
        self._hot: dict[str, None] = {}
        self._cold: dict[str, None] = {}
        self._hurry = self._woken = self._now = False
        self._looked_s = -_BETWEEN_S

    def note(self, topics: Iterable[str] = (), *, hot: bool) -> None:
        with self._cond:
            for topic in topics:
                (self._hot if hot else self._cold)[topic] = None
                if hot:
                    self._cold.pop(topic, None)
            if (hot and not self._hurry) or not self._woken:  # else the one that waits knows it already
                self._cond.notify()
            self._hurry |= hot
            self._woken = True

    def now(self) -> None:
        """Nothing is gathered: the next look begins at once."""
        with self._cond:
            self._now = True
            self._cond.notify()

    def wait(self, tick_s: float, due_s: float) -> None:
        """Until something hot came (and what comes along with it), or ``due_s``; ``tick_s`` where anything came. Both are monotonic."""
        with self._cond:
            while not self._now:
                now_s = clock.monotonic_s()
                wanted_s = 0.0 if self._hurry else min(due_s, tick_s) if self._woken else due_s
                until_s = max(wanted_s, self._looked_s + _BETWEEN_S)
                if now_s >= until_s:
                    break
                self._cond.wait(until_s - now_s)
            if self._hurry and not self._now:
                self._cond.wait_for(lambda: self._now, _GATHER_S)

    def take(self) -> list[str]:
        """All topics, the hot ones first."""
        with self._cond:
            taken = [*self._hot, *self._cold]
            self._hot, self._cold = {}, {}
            self._hurry = self._woken = self._now = False
            self._looked_s = clock.monotonic_s()
            return taken
