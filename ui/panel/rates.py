"""How fast it went in the last hour: the panel remembers what the appliance said, so that a page that is just opened has a past."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from ui.panel.live import Live

SPAN_S = 3600.0
# The appliance tells its rates at most every two seconds; a change of rest into work may come between.
_MOST = 4000


class Rate(NamedTuple):
    """Bytes a second, as the appliance measures them: over the last minute."""

    up: float
    down: float


class _Said(NamedTuple):
    at_s: float
    rate: Rate | None


class Rates:
    """What was said stands until something else is said; while the appliance is away, nothing is known."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._said: deque[_Said] = deque(maxlen=_MOST)
        live.follow(["appliance/state", "away"], self._note)

    def _note(self) -> None:
        now_s, rate = time.monotonic(), self._now()
        if self._said and self._said[-1].rate == rate:
            return
        self._said.append(_Said(now_s, rate))
        while len(self._said) > 1 and self._said[1].at_s < now_s - SPAN_S:
            self._said.popleft()

    def _now(self) -> Rate | None:
        state = self._live.get("appliance/state")
        if not state or self._live.away:
            return None
        return Rate(state["upload_rate_bytes_per_s"], state["download_rate_bytes_per_s"])

    def means(self, span_s: float, count: int) -> list[Rate | None]:
        """Of the last ``span_s`` seconds in ``count`` equal parts, oldest first; None where nothing is known."""
        return means(list(self._said), time.monotonic(), span_s, count)


def means(said: list[_Said], now_s: float, span_s: float, count: int) -> list[Rate | None]:
    """Weighted by how long each was true. Parts are counted from whole multiples of their length, so that a later look agrees."""
    width_s = span_s / count
    first_s = (now_s // width_s - count + 1) * width_s
    sums = [[0.0, 0.0, 0.0] for _ in range(count)]  # seconds known, and bytes up and down in them
    for number, (at_s, rate) in enumerate(said):
        until_s = said[number + 1].at_s if number + 1 < len(said) else now_s
        if rate is not None and until_s > first_s:
            _add(sums, rate, max(0.0, at_s - first_s), until_s - first_s, width_s)
    return [Rate(up / known_s, down / known_s) if known_s else None for known_s, up, down in sums]


def _add(sums: list[list[float]], rate: Rate, from_s: float, until_s: float, width_s: float) -> None:
    for index in range(int(from_s / width_s), min(len(sums), int(until_s / width_s) + 1)):
        length_s = min(until_s, (index + 1) * width_s) - max(from_s, index * width_s)
        if length_s > 0:
            sums[index][0] += length_s
            sums[index][1] += length_s * rate.up
            sums[index][2] += length_s * rate.down
