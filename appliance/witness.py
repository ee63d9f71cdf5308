"""What can be believed of the date: a Pi has no battery for its clock, and a wrong date must not make things old.

Nothing counts as old by the date alone. The appliance adds up how long it has been running by the monotonic clock, which
no wrong date moves, and notes this sum beside the date once a day. Something is older than a time only when, besides, the
appliance has been running for half of that time since. A clock that jumps a year ahead makes nothing old within the hour.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance import clock, time_source
from appliance.catalog.journal import CatalogDB
from appliance.library import Library

_TABLE, _TOTAL = "clock", "total"
_KEEP_EVERY = timedelta(hours=1)
_NOTE_EVERY = timedelta(days=1)
_MOST_NOTES = 400
_EARLIEST = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def clock_is_trusted(library: Library) -> bool:
    """Something may be judged by age, by the date."""
    return why_not_trusted(library) is None


def why_not_trusted(library: Library) -> str | None:
    """Why nothing is judged by age, in words; None: the date can be believed.

    Who says that the date is right counts, also where archives are dated later: those were made while it was wrong. Where nobody
    says anything, a computer with a clock of its own is believed while it does not stand before what it already was.
    """
    now, told = clock.now(), time_source.told
    is_right = told.is_right()
    if is_right is False:
        return f"this computer's date is {now:%Y-%m-%d %H:%M}, and the remote says that it is {told.remote_date():%Y-%m-%d %H:%M} (UTC)"
    if not is_right and not told.has_own_clock():
        return "nobody has told this computer the time yet, and it has no clock that runs while it is off"
    newest = _EARLIEST if is_right else max((view.archive.created_at for view in library.all_views()), default=_EARLIEST)
    if now < max(newest, _EARLIEST):
        return f"this computer's date is {now:%Y-%m-%d}, and it was {max(newest, _EARLIEST):%Y-%m-%d} already"
    return None


@dataclass(frozen=True, slots=True)
class _Note:
    at: datetime
    ran: timedelta


class Witness:
    """How long the appliance has been running, over restarts (up to an hour before each is not counted). Thread-safe."""

    def __init__(self, db: CatalogDB, monotonic_s: Callable[[], float] = clock.monotonic_s) -> None:
        self._db = db
        self._monotonic_s = monotonic_s
        self._started_s = monotonic_s()
        self._lock = threading.Lock()
        rows = dict(db.table(_TABLE).items())
        total = rows.pop(_TOTAL, {"ran_s": 0.0})
        self._before = timedelta(seconds=total["ran_s"])
        self._notes = sorted((_note(row) for row in rows.values()), key=lambda note: note.ran)
        self._kept: timedelta | None = None

    def ran(self) -> timedelta:
        """In all, this process included."""
        return self._before + timedelta(seconds=self._monotonic_s() - self._started_s)

    def keep(self) -> None:
        """Write the sum down, if an hour has passed, and a day's note. Call it every now and then. Raises DiskFull, CatalogUnwritable."""
        with self._lock:
            ran = self.ran()
            if self._kept is not None and ran - self._kept < _KEEP_EVERY:
                return
            rows: dict[str, dict[str, object] | None] = {_TOTAL: {"ran_s": ran.total_seconds()}}
            notes = self._notes
            if not notes or ran - notes[-1].ran >= _NOTE_EVERY:
                notes = [*notes, _Note(clock.now(), ran)]
                rows[_key(notes[-1])] = {"at": clock.iso(notes[-1].at), "ran_s": ran.total_seconds()}
            rows.update(dict.fromkeys(map(_key, notes[:-_MOST_NOTES])))
            self._db.apply({_TABLE: rows})
            self._notes, self._kept = notes[-_MOST_NOTES:], ran

    def is_older(self, at: datetime, age: timedelta) -> bool:
        """Did this much time pass since then, by the date and, for half of it less a day, before our eyes?"""
        return clock.now() - at >= age and self._ran_since(at) >= age / 2 - _NOTE_EVERY

    def _ran_since(self, at: datetime) -> timedelta:
        """At least: counted from the first note behind the last one that is not later than ``at``, whatever way the date went."""
        with self._lock:
            notes = self._notes
        last = max((i for i, note in enumerate(notes) if note.at <= at), default=-1)
        since = notes[last + 1].ran if last + 1 < len(notes) else self.ran()
        return self.ran() - since


def _key(note: _Note) -> str:
    return f"{note.ran.total_seconds():.0f}"


def _note(row: dict[str, object]) -> _Note:
    return _Note(clock.from_iso(str(row["at"])), timedelta(seconds=float(str(row["ran_s"]))))
