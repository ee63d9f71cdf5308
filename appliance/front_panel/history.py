"""What lamp and button did lately: for the panel, for diagnosis, and for tests. Bounded."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from appliance import clock
from mqtt.messages import ButtonStep, Lamp
from mqtt.verb_answers import ButtonPress, FrontPanelHistory, LampChange, LampLevel

_LEVELS, _CHANGES, _PRESSES = 500, 100, 100


class History:
    """Each list is written by one thread and read by any."""

    def __init__(self) -> None:
        self._levels: deque[tuple[float, float]] = deque(maxlen=_LEVELS)
        self._changes: deque[LampChange] = deque(maxlen=_CHANGES)
        self._presses: deque[ButtonPress] = deque(maxlen=_PRESSES)
        self._number = 0

    @property
    def next_number(self) -> int:
        """Of the next press that is noted."""
        return self._number + 1

    def level(self, at_s: float, level: float) -> None:
        """At ``at_s`` (monotonic) the lamp's pin was given that level."""
        self._levels.append((at_s, level))

    def row(self, row: Lamp, reason: str) -> None:
        self._changes.append(LampChange(at=clock.now(), lamp=row, reason=reason))

    def press(self, at: datetime, held_s: float, step: ButtonStep | None, result: str, *, done: bool) -> None:
        self._number += 1
        press = ButtonPress(number=self._number, at=at, held_s=round(held_s, 3), step=step, done=done, result=result)
        self._presses.append(press)

    def message(self) -> FrontPanelHistory:
        """All of it, oldest first."""
        levels, now_s, now = list(self._levels), clock.monotonic_s(), clock.now().timestamp()
        return FrontPanelHistory(
            lamp=list(self._changes), presses=list(self._presses),
            levels=[
                LampLevel(at=datetime.fromtimestamp(now - now_s + at_s, UTC), level_ratio=level) for at_s, level in levels
            ],
        )  # fmt: skip
