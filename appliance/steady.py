"""Values that somebody reads: kept as they were said until they are really others, and rounded to what is known of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Steady:
    """Remembers by name what was said last. Safe to be used by several threads."""

    _said: dict[str, float] = field(default_factory=dict)

    def rate(self, name: str, bytes_per_s: float) -> int:
        """Within a twentieth; 0 is 0."""
        return round(self._kept(name, bytes_per_s, three_digits(bytes_per_s), 0.05 * bytes_per_s))

    def space(self, name: str, space_bytes: int, of_bytes: int) -> int:
        """Within a thousandth of ``of_bytes``; 0 is 0."""
        return round(self._kept(name, space_bytes, space_bytes, of_bytes / 1000))

    def at(self, name: str, at: datetime, in_s: float) -> datetime:
        """A time that lies ``in_s`` ahead, by an estimate: in whole minutes, ten minutes or hours, the farther the coarser."""
        step_s = coarse_step_s(in_s)
        rounded_s = math.ceil(at.timestamp() / step_s) * step_s
        return datetime.fromtimestamp(self._kept(name, at.timestamp(), rounded_s, max(step_s, 0.05 * in_s)), UTC)

    def forget(self, name: str) -> None:
        self._said.pop(name, None)

    def _kept(self, name: str, now: float, otherwise: float, tolerance: float) -> float:
        said = self._said.get(name)
        if said is None or abs(said - now) > tolerance or not now:
            said = self._said[name] = otherwise
        return said


def three_digits(number: float) -> float:
    """Rounded to three digits: 1234567 is 1230000."""
    return float(f"{number:.3g}")


def coarse_step_s(in_s: float) -> int:
    if in_s < 2 * _HOUR_S:
        return _MINUTE_S
    return 10 * _MINUTE_S if in_s < 2 * _DAY_S else _HOUR_S


def coarse_s(in_s: float) -> float:
    """How long something takes, as people say it: to 5 s below two minutes, else as ``coarse_step_s``; never less than it takes."""
    step_s = 5 if in_s < 2 * _MINUTE_S else coarse_step_s(in_s)
    return float(math.ceil(in_s / step_s) * step_s)
