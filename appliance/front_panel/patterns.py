"""What the lamp shows, as data: a pattern is a round of steps, made into frames that a pin can hold. Pure."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from mqtt.messages import ButtonStep, Lamp


@dataclass(frozen=True, slots=True)
class Light:
    """So bright (0 dark, 1 bright, as the eye has it) for so long; ``fades``: it gets there within that time from what was before."""

    level: float
    for_s: float
    fades: bool = False


Pattern = tuple[Light, ...]


def _flashes(count: int, round_s: float) -> Pattern:
    """So many flashes, then dark until the round is over."""
    flashes = (Light(1, _FLASH_S), Light(0, _FLASH_S)) * count
    return (*flashes[:-1], Light(0, round_s - _FLASH_S * (2 * count - 1)))


_FLASH_S = 0.12

ROWS: dict[Lamp, Pattern] = {
    "needs_you": (Light(1, 0.1), Light(0, 0.1)),
    "transferring": (Light(1, 0.5), Light(0, 0.5)),
    "waiting": (Light(1, 1),),
    "idle": (Light(1, 1.8, fades=True), Light(0, 1.8, fades=True), Light(0, 1.4)),
    "off": (Light(0, 1),),
}
HELD: dict[ButtonStep, Pattern] = {
    ButtonStep.SYNC: _flashes(1, 1.2),
    ButtonStep.PAUSE: _flashes(2, 1.2),
    ButtonStep.SHUTDOWN: _flashes(3, 1.2),
}
"""While the button is held: as many flashes as steps were reached."""
SHUTTING_DOWN: Pattern = (Light(1, 0), Light(0, 1.2, fades=True), Light(0, 0.3))

# Shown once, over all else.
PRESSED: Pattern = (Light(0, 0.06), Light(1, 0.1), Light(0, 0.06))
"""The acknowledgement: a change that is seen, whatever the lamp showed before."""
DONE: Pattern = (Light(0, 0.06), Light(1, 0.3), Light(0, 0.1))
REFUSED: Pattern = (Light(0, 0.04), Light(1, 0.04)) * 6

_FRAME_S = 0.1
"""Of a fade. A fade of ten steps a second still looks smooth, and each step wakes a Pi."""
_GAMMA = 2.2
"""The eye takes half the current for three quarters of the light."""


@dataclass(frozen=True, slots=True)
class Frames:
    """``levels[n]`` (share of the current) until ``ends_s[n]`` after the beginning; one level alone needs no end."""

    levels: tuple[float, ...]
    ends_s: tuple[float, ...]

    @property
    def round_s(self) -> float:
        return self.ends_s[-1]

    @property
    def dims(self) -> bool:
        """It needs a pin that can be less than on and more than off."""
        return any(0 < level < 1 for level in self.levels)

    def at(self, offset_s: float) -> tuple[float, float | None]:
        """The level then, and how long it stays; None: for ever."""
        if len(self.levels) == 1:
            return self.levels[0], None
        in_round_s = offset_s % self.round_s
        number = min(bisect.bisect_right(self.ends_s, in_round_s), len(self.levels) - 1)
        return self.levels[number], max(0.0, self.ends_s[number] - in_round_s)


def frames(pattern: Pattern, *, can_dim: bool, brightness: float = 1.0) -> Frames:
    """For a pin; one that cannot dim is on where the pattern is bright, or gets bright, and off where it is or gets dark."""
    lit = list(_dimmed(pattern, brightness) if can_dim else ((light.level >= 0.5, light.for_s) for light in pattern))  # noqa: PLR2004 - half of the way
    together = [(float(level), sum(for_s for _, for_s in group)) for level, group in itertools.groupby(lit, lambda frame: frame[0])]
    return Frames(tuple(level for level, _ in together), tuple(itertools.accumulate(for_s for _, for_s in together)))


def _dimmed(pattern: Pattern, brightness: float) -> Sequence[tuple[float, float]]:
    made: list[tuple[float, float]] = []
    before = pattern[-1].level
    for light in pattern:
        count = max(1, round(light.for_s / _FRAME_S)) if light.fades else 1
        for number in range(1, count + 1):
            level = before + (light.level - before) * number / count
            made.append((round(level**_GAMMA * brightness, 2), light.for_s / count))  # pins know whole percents
        before = light.level
    return [frame for frame in made if frame[1] > 0]
