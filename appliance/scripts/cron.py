"""Cron expressions: minute, hour, day of month, month, day of week. Pure: the time is handed in.

``30 3 * * mon-fri``. A field is ``*``, a value, a range, either with ``/step``, or several with commas; months and days have names, and
7 is Sunday too. Where both days are restricted, either of them is enough, as in every cron (crontab(5)).
The wall clock decides. What falls into the hour that one night leaves out is due when that hour is over; in the hour that comes twice,
what is due at certain hours comes once, and what comes every hour (``*`` or a step from it) goes on through both, as in Debian's cron.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from appliance.timetable import zone_of

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day of month", 1, 31, ()), ("month", 1, 12, _MONTHS), ("day of week", 0, 7, _DAYS))
_FORESEEN_DAYS = 366 * 8 + 2
"""The 29th of February may be eight years away (1896 to 1904, 2096 to 2104)."""


@dataclass(frozen=True, slots=True)
class Cron:
    """``weekdays``: 0 is Sunday. ``either_day``: both kinds of days are restricted. ``every_hour``: the hour is ``*``, or a step of it."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    every_hour: bool
    zone: ZoneInfo | None = None

    def next_at(self, after: datetime) -> datetime | None:
        """The first turn later than ``after``, in UTC; None: there never is one, as on the 30th of February."""
        first = after.astimezone(self.zone).date() - timedelta(days=1)  # what a gap puts off may be due on the next day
        for number in range(_FORESEEN_DAYS):
            day = first + timedelta(days=number)
            if self.is_day(day) and (turns := sorted(then for then in self._turns(day) if then > after)):
                return turns[0]
        return None

    def is_day(self, day: date) -> bool:
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (of_month or of_week if self.either_day else of_month and of_week)

    def _turns(self, day: date) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                yield from self._in_utc(datetime(day.year, day.month, day.day, hour, minute))  # noqa: DTZ001 - what a wall clock shows has no zone

    def _in_utc(self, local: datetime) -> Iterator[datetime]:
        """One turn, or two where the hour comes twice and every hour counts; in a gap, the end of the gap."""
        first, second = (local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first > second:  # in a gap
            if not self.every_hour:
                yield self._end_of_gap(second, first)
            return
        yield first
        if self.every_hour and second != first:
            yield second

    def _end_of_gap(self, low: datetime, high: datetime) -> datetime:
        """When the clock was put forward, between both: to the second."""
        before = low.astimezone(self.zone).utcoffset()
        while high - low > timedelta(seconds=1):
            middle = (low + (high - low) / 2).replace(microsecond=0)
            low, high = (middle, high) if middle.astimezone(self.zone).utcoffset() == before else (low, middle)
        return high


@lru_cache(maxsize=256)
def cron(text: str, zone_name: str | None) -> Cron:
    """Raises ValueError, which names the field and what is wrong with it, or the zone."""
    words = text.lower().split()
    if len(words) != len(_FIELDS):
        raise ValueError(
            f"{text[:80]!r} has {len(words)} fields, and a cron expression has five: minute, hour, day of month, month, day of week"
        )
    minutes, hours, days, months, weekdays = (_field(word, *field) for word, field in zip(words, _FIELDS, strict=True))
    found = Cron(
        minutes=tuple(sorted(minutes)), hours=tuple(sorted(hours)), days=days, months=months,
        weekdays=frozenset(day % 7 for day in weekdays), either_day=not any(words[place].startswith("*") for place in (2, 4)),
        every_hour=words[1].startswith("*"), zone=zone_of(zone_name),
    )  # fmt: skip
    if not any(found.is_day(date(2000, 1, 1) + timedelta(days=number)) for number in range(366 * 28)):
        raise ValueError(f"{text[:80]!r} never comes: no month that it names has such a day")
    return found


def _field(text: str, what: str, least: int, most: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        every = _number(step, what, 1, most, ()) if slash else 1
        if span == "*":
            begin, end = least, most - (what == "day of week")
        else:
            first, dash, last = span.partition("-")
            begin = _number(first, what, least, most, names)
            end = _number(last, what, least, most, names) if dash else most if slash else begin
        if what == "day of week" and end < begin and end == 0:
            end = 7  # fri-sun
        if end < begin:
            raise ValueError(f"{what}: {part[:20]!r} ends before it begins; write two ranges with a comma")
        found.update(range(begin, end + 1, every))
    return frozenset(found)


def _number(text: str, what: str, least: int, most: int, names: tuple[str, ...]) -> int:
    if text in names:
        return least + names.index(text)
    if text.isascii() and text.isdigit() and least <= int(text[:6]) <= most:
        return int(text)
    known = f", or a name like {names[0]}" if names else ""
    raise ValueError(
        f"{what}: {text[:20]!r} is none; write * or a number from {least} to {most}{known}, a range like {least}-{most}, or a step like */2"
    )
