"""Waiting for a condition, never for luck; and measuring on a machine that has other things to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 60.0
"""For what comes in a moment, on a machine that has little time for it. It costs nothing where all is well."""


def wait_for(condition: Callable[[], T], timeout_s: float = PATIENCE_S, what: str = "the condition") -> T:
    """The first true value of ``condition()``. Raises AssertionError after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.01)


def at_best(measure: Callable[[], float], limit: float, tries: int = 5) -> float:
    """The least of up to ``tries`` measurements; the first that is below ``limit`` is the last.

    For what other programs can only make larger, such as a time: they spoil one measurement, hardly all. What holds each time, ``measure``
    asserts itself.
    """
    least = measure()
    while least >= limit and (tries := tries - 1) > 0:
        least = min(least, measure())
    return least
