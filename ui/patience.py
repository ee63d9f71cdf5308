"""How long a command goes on without an answer, and what it says meanwhile."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator

from ui.output import note

FIRST_ANSWER_S = 15.0
SILENCE_S = 600.0
_SAID_AFTER_S = 5.0
Say = Callable[[str], None]


class Patience:
    """``timeout_s`` bounds the whole command; without it, ``first_s`` bounds the first silence and ``silence_s`` each later one.

    An appliance that never answered is not running, and whoever asked is told soon; one that did answer is restarting.
    """

    def __init__(
        self,
        timeout_s: float | None = None,
        *,
        first_s: float | None = FIRST_ANSWER_S,
        silence_s: float | None = SILENCE_S,
        say: Say = note,
    ) -> None:
        self._deadline_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
        self._bound_s = math.inf if first_s is None else first_s
        self._later_s = math.inf if silence_s is None else silence_s
        self._heard_s = time.monotonic()
        self._told = False
        self._say = say

    def left_s(self) -> float:
        """Seconds until the end; 0 or less when it has come."""
        now_s = time.monotonic()
        return min(self._deadline_s - now_s, self._heard_s + self._bound_s - now_s)

    @property
    def over(self) -> bool:
        return self.left_s() <= 0

    def ask(self) -> None:
        """A question begins: what was done since the last answer, hours of copying perhaps, was no silence."""
        self._heard_s = time.monotonic()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Around one question: a long silence is said, and so is its end."""
        timer = threading.Timer(_SAID_AFTER_S, self._say_silence)
        timer.daemon = True
        timer.start()
        try:
            yield
            self._heard()
        finally:
            timer.cancel()

    def _heard(self) -> None:
        if self._told:
            self._say("the appliance answers again")
        self._told = False
        self._bound_s = self._later_s
        self._heard_s = time.monotonic()

    def _say_silence(self) -> None:
        if not self._told:
            self._say("the appliance does not answer; waiting for it (Ctrl-C ends the waiting)")
        self._told = True


def endless(timeout_s: float | None, say: Say) -> Patience:
    """For --wait: restarts may take as long as they want, unless a time-out is given."""
    return Patience(timeout_s, first_s=None, silence_s=None, say=say)
