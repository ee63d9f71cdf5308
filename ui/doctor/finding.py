"""What a check has found: one line for a person, and the next step where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it is. SKIPPED: it does not apply here, or may not be seen; the text says why."""

    GOOD = "good"
    LOOK = "look"
    MEND = "mend"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """``name``: what was looked at, the same in every version. ``next_step``: what to do, with the whole command."""

    level: Level
    name: str
    text: str
    next_step: str = ""


def good(name: str, text: str) -> Finding:
    return Finding(Level.GOOD, name, text)


def look(name: str, text: str, next_step: str) -> Finding:
    """Nothing is broken, and somebody should know."""
    return Finding(Level.LOOK, name, text, next_step)


def mend(name: str, text: str, next_step: str) -> Finding:
    return Finding(Level.MEND, name, text, next_step)


def skipped(name: str, text: str) -> Finding:
    return Finding(Level.SKIPPED, name, text)
