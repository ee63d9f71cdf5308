"""A timetable as rules that can be edited one by one, and back to its text. Pure; the appliance decides what is valid."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RULE = re.compile(r"(\S+)\s+(\d{1,2}:\d{2})-(\d{1,2}:\d{2})\s+(\S+)")

_WORDS: dict[str, int | None] = {"pause": None, "free": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """``limit_kb_per_s``: None for a pause, 0 for no limit. Times like ``08:00``."""

    days: frozenset[int]
    begin: str
    end: str
    limit_kb_per_s: int | None

    def text(self) -> str:
        value = "pause" if self.limit_kb_per_s is None else str(self.limit_kb_per_s or "free")
        return f"{_days_text(self.days)} {self.begin}-{self.end} {value}"


NEW = Rule(days=frozenset(range(5)), begin="08:00", end="18:00", limit_kb_per_s=500)


def parse(text: str) -> list[Rule]:
    """Raises ValueError where a rule is written in a way that this editor does not know."""
    return [_parse_rule(part.strip()) for part in text.split(";") if part.strip()]


def join(rules: Iterable[Rule]) -> str:
    return "; ".join(rule.text() for rule in rules)


def _parse_rule(text: str) -> Rule:
    found = _RULE.fullmatch(text.lower())
    if not found:
        raise ValueError(text)
    days, begin, end, value = found.groups()
    return Rule(days=_parse_days(days), begin=_padded(begin), end=_padded(end), limit_kb_per_s=_parse_limit(value))


def _parse_limit(value: str) -> int | None:
    if value in _WORDS:
        return _WORDS[value]
    if not value.isascii() or not value.isdigit():
        raise ValueError(value)
    return int(value)


def _padded(time: str) -> str:
    return time.zfill(5)


def _parse_days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last if dash else first)
        found.update((begin + n) % 7 for n in range((end - begin) % 7 + 1))
    return frozenset(found)


def _days_text(days: frozenset[int]) -> str:
    if len(days) == len(DAYS):
        return "daily"
    ordered = sorted(days)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):  # noqa: PLR2004 - two days are shorter with a comma
        return f"{DAYS[ordered[0]]}-{DAYS[ordered[-1]]}"
    return ",".join(DAYS[day] for day in ordered)
