"""What a timetable would mean, before it is in force."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from appliance.timetable import Timetable, timetable
from mqtt.view_answers import Span, TimetableChange, TimetablePreview

_DAY_MINUTES = 24 * 60
_MOST_CHANGES = 10


def preview(text: str, zone_name: str | None, now: datetime, *, clock_is_right: bool) -> TimetablePreview:
    """An error in words where it is none."""
    try:
        table = timetable(text, zone_name)
    except ValueError as error:
        return TimetablePreview(error=str(error), week=[], now_kb_per_s=None, changes=[])
    return TimetablePreview(
        error=None, week=_week(table), now_kb_per_s=table.limit_at(now), changes=_changes(table, now) if clock_is_right else []
    )


def _week(table: Timetable) -> list[Span]:
    """By the wall clock, day by day; a night in which the clock is put forward or back is not in it."""
    ends = {minute for rule in table.rules for minute in (rule.from_minute, rule.to_minute)} | {0, _DAY_MINUTES}
    minutes = sorted(ends)
    found: list[Span] = []
    for weekday in range(7):
        for begin, end in pairwise(minutes):
            limit = table.limit_on(weekday, begin)
            last = found[-1] if found else None
            if last and (last.weekday, last.limit_kb_per_s) == (weekday, limit):
                found[-1] = last.model_copy(update={"to_minute": end})
            else:
                found.append(Span(weekday=weekday, from_minute=begin, to_minute=end, limit_kb_per_s=limit))
    return found


def _changes(table: Timetable, now: datetime) -> list[TimetableChange]:
    found: list[TimetableChange] = []
    at = table.next_change_at(now)
    while at is not None and len(found) < _MOST_CHANGES:
        found.append(TimetableChange(at=at, limit_kb_per_s=table.limit_at(at)))
        at = table.next_change_at(at)
    return found
