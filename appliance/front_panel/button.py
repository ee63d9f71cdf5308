"""What is done with the button, made of the times at which its contact opened and closed. Pure: it is told the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mqtt.messages import ButtonStep


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """``settle_s``: a contact bounces; what has not changed for that long is meant. ``stuck_s``: nobody holds a button for that long."""

    settle_s: float = 0.03
    pause_s: float = 3.0
    shutdown_s: float = 10.0
    stuck_s: float = 60.0

    def of(self, step: ButtonStep) -> float:
        """How long the button has to be held for that step."""
        return {ButtonStep.SYNC: 0.0, ButtonStep.PAUSE: self.pause_s, ButtonStep.SHUTDOWN: self.shutdown_s}[step]


@dataclass(frozen=True, slots=True)
class Pressed:
    """It has gone down."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Held for long enough for that step."""

    step: ButtonStep


@dataclass(frozen=True, slots=True)
class Released:
    """It has gone up; ``step``: what is to be done, None for nothing."""

    step: ButtonStep | None
    held_s: float


@dataclass(frozen=True, slots=True)
class Stuck:
    """Down for longer than anybody holds it; whatever comes of it, nothing is to be done."""


Happening = Pressed | Reached | Released | Stuck


class Button:
    """``contact`` and ``look`` answer what has happened up to then, in order. ``can_shut_down()``: there is a third step.

    What is down from the beginning, or was cancelled, does nothing when it is released.
    """

    def __init__(self, times: Times, can_shut_down: Callable[[], bool]) -> None:
        self._times = times
        self._can_shut_down = can_shut_down
        self._closed = False
        self._changed_s = 0.0
        self._pressed_s = 0.0
        self._void = False
        self._stuck = False
        self.is_down = False
        self.step: ButtonStep | None = None

    def begin(self, at_s: float, *, closed: bool) -> None:
        """What the contact is at the start: closed then, it is broken or wired wrongly, and nobody has pressed anything."""
        self._closed = self.is_down = self._void = closed
        self._changed_s = self._pressed_s = at_s
        self._stuck, self.step = False, None

    def step_after(self, held_s: float) -> ButtonStep:
        """What a press of that length does."""
        return max((step for step in self._steps() if held_s >= self._times.of(step)), key=self._times.of)

    def _steps(self) -> list[ButtonStep]:
        return [step for step in ButtonStep if step is not ButtonStep.SHUTDOWN or self._can_shut_down()]

    def cancel(self) -> None:
        """The press that is on does nothing any more."""
        if self.is_down:
            self._void, self.step = True, None

    def contact(self, at_s: float, *, closed: bool) -> list[Happening]:
        happened = self.look(at_s)
        if closed != self._closed:
            self._closed, self._changed_s = closed, at_s
        return happened

    def look(self, now_s: float) -> list[Happening]:
        happened: list[Happening] = []
        if self._closed != self.is_down and now_s >= self._changed_s + self._times.settle_s:
            happened += self._settled()
        if self.is_down:
            happened += self._held(now_s)
        return happened

    def due_s(self) -> float | None:
        """When ``look`` has something to say next; None: not before the contact changes."""
        due = [self._changed_s + self._times.settle_s] if self._closed != self.is_down else []
        if self.is_down and not self._stuck:
            due.append(self._pressed_s + self._times.stuck_s)
        if self._closed and self.step:
            reached_s = self._times.of(self.step)
            due += [self._pressed_s + self._times.of(step) for step in self._steps() if self._times.of(step) > reached_s]
        return min(due, default=None)

    def _settled(self) -> list[Happening]:
        self.is_down = self._closed
        if self.is_down:
            self._pressed_s, self._void, self._stuck = self._changed_s, False, False
            self.step = ButtonStep.SYNC
            return [Pressed()]
        held_s = self._changed_s - self._pressed_s
        self._reach(held_s)
        step, self.step = self.step, None
        return [Released(None if self._void else step, held_s)]

    def _held(self, now_s: float) -> list[Happening]:
        held_s = (now_s if self._closed else self._changed_s) - self._pressed_s
        if held_s >= self._times.stuck_s and not self._stuck:
            self._stuck = self._void = True
            self.step = None
            return [Stuck()]
        return [Reached(self.step)] if self._reach(held_s) and self.step else []

    def _reach(self, held_s: float) -> bool:
        """True where the step is another one now."""
        if self._void:
            return False
        before, self.step = self.step, self.step_after(held_s)
        return self.step is not before
