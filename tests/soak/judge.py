"""Does it grow? Pure: curves in, complaints out.

The first quarter is warm-up. After it the same work goes on with the same number of archives, so the last quarter has to look like the
second. Memory is compared by medians, what is counted by its quiet moments (the tenth of the values that is lowest): what is held only
while something is done is no growth, what is never let go raises the quiet moments too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How much more the last quarter may have: the larger of both. ``of_quiet``: of the lowest tenth, not of the median."""

    most: float
    ratio: float = 0.0
    of_quiet: bool = False

    def of(self, before: float) -> float:
        return max(self.most, self.ratio * before)


MEMORY = Tolerance(most=4 * MIB, ratio=0.03)
COUNTED = Tolerance(most=2, of_quiet=True)
"""Files: a transfer or a request that happens to be under way in each of the quiet moments."""
EXACT = Tolerance(most=0, of_quiet=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """What one thing was over time. ``points``: seconds since the start, value; in order."""

    name: str
    unit: str
    points: Sequence[tuple[float, float]]
    tolerance: Tolerance | None = None

    def between(self, begin_s: float, end_s: float) -> list[tuple[float, float]]:
        return [(at_s, value) for at_s, value in self.points if begin_s <= at_s < end_s]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """``second`` and ``last``: of these quarters. ``per_hour``: the slope from the second quarter on."""

    curve: Curve
    start: float
    second: float
    last: float
    per_hour: float
    allowed: float

    @property
    def is_good(self) -> bool:
        return self.curve.tolerance is None or self.last - self.second <= self.allowed


def verdict(curve: Curve, whole_s: float) -> Verdict:
    """Raises ValueError where a quarter has no value."""
    quarter_s = whole_s / 4
    second, last = curve.between(quarter_s, 2 * quarter_s), curve.between(3 * quarter_s, whole_s + 1)
    if not second or not last:
        raise ValueError(f"{curve.name}: nothing was measured in a quarter of the time")
    of_quiet = curve.tolerance is not None and curve.tolerance.of_quiet
    before, after = _typical(second, of_quiet=of_quiet), _typical(last, of_quiet=of_quiet)
    return Verdict(
        curve=curve, start=curve.points[0][1], second=before, last=after, per_hour=3600 * slope(curve.between(quarter_s, whole_s + 1)),
        allowed=curve.tolerance.of(before) if curve.tolerance else float("inf"),
    )  # fmt: skip


def _typical(points: list[tuple[float, float]], *, of_quiet: bool) -> float:
    values = sorted(value for _, value in points)
    return values[len(values) // 10] if of_quiet else median(values)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """A second; the median of the slopes between all pairs (Theil and Sen), which single outliers do not move. 0.0 of less than two."""
    slopes = [(b - a) / (t - s) for i, (s, a) in enumerate(points) for t, b in points[i + 1 :] if t > s]
    return median(slopes) if slopes else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wear:
    """What the batches cost the disk. ``changes``: batches that changed state, each time counted, and archives as one batch more."""

    written_bytes: int
    syncs: int
    changes: int

    def complaints(self) -> list[str]:
        """The budget of docs/design.md: at most 1 KiB and 4 fsyncs."""
        found = []
        if self.written_bytes > 1024 * self.changes:
            found.append(f"{self.written_bytes / self.changes:.0f} bytes were written for a batch that changed state; at most 1,024")
        if self.syncs > 4 * self.changes:
            found.append(f"{self.syncs / self.changes:.1f} fsyncs for a batch that changed state; at most 4")
        return found
