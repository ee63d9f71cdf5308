"""Signs of life: every loop that the appliance cannot do without says that it goes round, and who has not is found.

A loop that waits goes round, for it waits with a deadline. One that has ended, or hangs, gives no sign.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance import clock

Late = Callable[[], list[str]]
"""In words, what has given no sign for too long; takes no lock."""


class Loop:
    """The sign of one loop, which goes round at least every ``within_s``."""

    def __init__(self, name: str, within_s: float) -> None:
        self._name = name
        self._within_s = within_s
        self._at_s = clock.monotonic_s()
        self._thread: threading.Thread | None = None

    def round(self) -> None:
        """By the thread whose loop it is: its end is noticed from here on."""
        self._thread = threading.current_thread()
        self._at_s = clock.monotonic_s()

    def progress(self) -> None:
        """By anybody who sees that it comes forward."""
        self._at_s = clock.monotonic_s()

    def late(self) -> list[str]:
        if self.has_ended():
            return [f"{self._name} has ended"]
        silent_s = clock.monotonic_s() - self._at_s
        return [f"{self._name} has given no sign for {silent_s:.0f} s"] if silent_s > self._within_s else []

    def has_ended(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()


class Liveness:
    """All signs of an appliance. ``late`` takes no lock, so that it answers whatever hangs."""

    def __init__(self) -> None:
        self._late: list[Late] = []

    def loop(self, name: str, within_s: float) -> Loop:
        """A sign that counts from now on."""
        loop = Loop(name, within_s)
        self._late.append(loop.late)
        return loop

    def watch(self, late: Late) -> None:
        """What a part says itself of its threads."""
        self._late.append(late)

    def late(self) -> list[str]:
        return [words for late in self._late.copy() for words in late()]

    def end(self) -> None:
        """The loops are about to be ended: nothing of them counts any more."""
        self._late.clear()
