"""When uploads may run, and how fast: rules for days and times of the local wall clock. Pure: the time is handed in.

``mon-fri 08:00-18:00 500; sat,sun 10:00-24:00 pause; daily 18:00-23:00 200``: the first rule that holds decides, no rule is no limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
_MOST_RULES = 50
_MOST_KB_PER_S = 10_000_000
_DAY_MINUTES = 24 * 60
# A rule may lie in the hour that one spring night leaves out: the week after has it again.
_FORESEEN_DAYS = 15
_PAUSE, _FREE = "pause", "free"


@dataclass(frozen=True, slots=True)
class Rule:
    """``days``: 0 is Monday. Minutes of the day; one that ends before it begins goes on after midnight and belongs to the day it begins.

    ``limit_kb_per_s``: 0 for none, None for a pause.
    """

    days: frozenset[int]
    from_minute: int
    to_minute: int
    limit_kb_per_s: int | None

    def holds(self, weekday: int, minute: int) -> bool:
        if self.from_minute < self.to_minute:
            return weekday in self.days and self.from_minute <= minute < self.to_minute
        return (weekday in self.days and minute >= self.from_minute) or ((weekday - 1) % 7 in self.days and minute < self.to_minute)


@dataclass(frozen=True, slots=True)
class Timetable:
    """``zone`` None is the computer's. Times go in and come out in UTC; in between the local wall clock counts, however it is put forward
    or back: an hour that comes twice has its rules twice, one that is left out has none.
    """

    rules: tuple[Rule, ...]
    zone: ZoneInfo | None = None

    def limit_at(self, at: datetime) -> int | None:
        """In kB/s; 0 for none, None for a pause."""
        local = local_time(at, self.zone)
        return self.limit_on(local.weekday(), local.hour * 60 + local.minute)

    def limit_on(self, weekday: int, minute: int) -> int | None:
        """The same by the wall clock."""
        return next((rule.limit_kb_per_s for rule in self.rules if rule.holds(weekday, minute)), 0)

    def next_change_at(self, at: datetime) -> datetime | None:
        """When ``limit_at`` gives another answer for the first time after ``at``; None: never."""
        now = self.limit_at(at)
        return next((then for then in self._boundaries(at) if self.limit_at(then) != now), None)

    def _boundaries(self, at: datetime) -> list[datetime]:
        """Every time after ``at`` at which the answer could change, in order."""
        days = [local_time(at, self.zone).date() + timedelta(days=n) for n in range(-1, _FORESEEN_DAYS + 1)]
        minutes = {minute for rule in self.rules for minute in (rule.from_minute, rule.to_minute)}
        found = {then for day in days for minute in minutes for then in self._in_utc(day, minute)}
        found.update(self._jumps(at))
        return sorted(then for then in found if then > at)

    def _in_utc(self, day: date, minute: int) -> Iterator[datetime]:
        """The time or times at which the wall clock shows this; one in a gap is none, but for the jump itself (``_jumps``)."""
        local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 - what a wall clock shows has no zone
        for fold in (0, 1):
            yield local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def _jumps(self, at: datetime) -> Iterator[datetime]:
        """When the wall clock is put forward or back, to the second."""
        for day in range(_FORESEEN_DAYS):
            low, high = at + timedelta(days=day), at + timedelta(days=day + 1)
            if self._offset(low) != self._offset(high):
                yield self._jump_between(low, high)

    def _jump_between(self, low: datetime, high: datetime) -> datetime:
        before = self._offset(low)
        while high - low > timedelta(seconds=1):
            middle = (low + (high - low) / 2).replace(microsecond=0)
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        return high.replace(microsecond=0)

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self.zone).utcoffset()


def local_time(at: datetime, zone: ZoneInfo | None) -> datetime:
    """What the wall clock shows there; without a zone."""
    return at.astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=8)
def timetable(text: str, zone_name: str | None) -> Timetable:
    """Raises ValueError, which names the rule and what is wrong with it, or the zone."""
    return Timetable(_rules(text), zone_of(zone_name))


def _rules(text: str) -> tuple[Rule, ...]:
    texts = [part.strip() for part in text.split(";") if part.strip()]
    if len(texts) > _MOST_RULES:
        raise ValueError(f"{len(texts)} rules, and {_MOST_RULES} are the most")
    return tuple(_rule(each) for each in texts)


def zone_of(name: str | None) -> ZoneInfo | None:
    """None: the computer's. Raises ValueError."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder, or one that is too long
        if not available_timezones():
            raise ValueError("this computer knows no time zones; install the package tzdata") from error
        raise ValueError(f"{name[:64]!r} is no time zone; write one like Europe/Berlin") from error


def _rule(text: str) -> Rule:
    words = text.split()
    try:
        days, times, value = words if len(words) == 3 else _not_three_words()  # noqa: PLR2004 - as many as there are names
        return Rule(_days(days.lower()), *_minutes(times), _limit(value.lower()))
    except ValueError as error:
        raise ValueError(f"rule {text[:80]!r}: {error}") from None


def _not_three_words() -> NoReturn:
    raise ValueError("it takes days, times and a value, like mon-fri 08:00-18:00 500")


def _days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    return frozenset(day for part in text.split(",") for day in _span(part))


def _span(text: str) -> Iterator[int]:
    """``wed``, or ``fri-mon``, which goes over the end of the week."""
    first, dash, last = text.partition("-")
    for name in (first, last if dash else first):
        if name not in _DAYS:
            raise ValueError(f"{name[:20]!r} is no day; write mon, tue, wed, thu, fri, sat, sun, a range like mon-fri, or daily")
    begin, end = _DAYS.index(first), _DAYS.index(last if dash else first)
    yield from ((begin + n) % 7 for n in range((end - begin) % 7 + 1))


def _minutes(text: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:20]!r} is no span of time; write one like 08:00-18:00")
    hours = [int(number) for number in found.groups()]
    begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(hours[1], hours[3]) > 59 or begin >= _DAY_MINUTES or end > _DAY_MINUTES:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text} is no span of time; a day goes from 00:00 to 24:00")
    if begin == end:
        raise ValueError(f"{text} begins when it ends; a whole day is 00:00-24:00")
    return begin, end


def _limit(text: str) -> int | None:
    if text == _PAUSE:
        return None
    if text == _FREE:
        return 0
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) <= _MOST_KB_PER_S:
        raise ValueError(f"{text[:20]!r} is no limit; write pause, free, or kB/s from 1 to {_MOST_KB_PER_S}")
    return int(text)
