"""When to try again: back-off with full jitter, as a value. It never says "give up"."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

_LONGEST_TOLD_S = 86_400.0
_MOST_DOUBLINGS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """``first_s`` bounds the first wait, each further one may be twice as long, up to ``cap_s``."""

    first_s: float = 1.0
    cap_s: float = 300.0

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.cap_s:
            raise ValueError(f"a back-off starts above 0 and not above its cap: first_s={self.first_s}, cap_s={self.cap_s}")

    def ceiling_s(self, attempt: int) -> float:
        """The longest wait after ``attempt`` failures before this one (0 for the first)."""
        return min(self.cap_s, self.first_s * 2.0 ** min(max(attempt, 0), _MOST_DOUBLINGS))

    def delay_s(self, attempt: int, random: Random, retry_after_s: float | None) -> float:
        """Anything from 0 to the ceiling; with a Retry-After, that much later than it allows.

        The jitter comes on top of the Retry-After, so that slots that were all told the same time do not come back at once.
        A Retry-After of more than a day counts as a day: no answer of a remote ends the trying.
        """
        jitter_s = random.uniform(0, self.ceiling_s(attempt))
        if retry_after_s is None or not retry_after_s > 0:  # not "<= 0": a NaN is no time either
            return jitter_s
        return min(retry_after_s, _LONGEST_TOLD_S) + jitter_s
