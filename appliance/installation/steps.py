"""A plan: steps that know whether they are done. A dry run tells them; a run does those that are not done; so a second run does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """``words`` say what it does ("install the packages a, b"). ``is_done`` and ``do`` may be called at any time, after a power cut too.

    ``do`` raises CannotGoOn. After it ``is_done`` holds.
    """

    words: str
    is_done: Callable[[], bool]
    do: Callable[[], None]


def tell(plan: Iterable[Step], say: Say) -> int:
    """What a run would do now, in words; changes nothing. How many steps that are."""
    due = [step for step in plan if not step.is_done()]
    for step in due:
        say(f"would {step.words}")
    return len(due)


def carry_out(plan: Iterable[Step], say: Say) -> int:
    """Do what is not done, in order, and say it first. How many steps that were. Raises CannotGoOn."""
    count = 0
    for step in plan:
        if not step.is_done():
            say(f"{step.words[:1].upper()}{step.words[1:]} …")
            step.do()
            count += 1
    return count
