"""How far each regular check has come, kept over restarts. It is written seldom: an SD card wears."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.witness import Witness

TABLE = "schedule"
LOCAL, LISTING = "local", "list-"
"""Keys of rounds: that of local copies, and what is before the id of a connection."""
_KEEP_EVERY = timedelta(hours=8)
_DAY = timedelta(days=1)
DONE = -1
"""As ``index``: the archive was looked at to its end."""


def listing_key(connection_id: str) -> str:
    return LISTING + connection_id


@dataclass(slots=True)
class Round:
    """Of one check. Each time is there twice: as a date, and as ``ran``, in seconds that the appliance had been running by then.

    ``fresh``: the beginning of the last whole round, or when the check was first heard of. ``last``: the beginning of the last
    round, the one under way included; none: there was none. ``archive``, ``index``: what comes next. ``found``: it found damage,
    or could not ask everything.
    """

    fresh_ran_s: float
    fresh_at: str
    last_ran_s: float = 0.0
    last_at: str | None = None
    under_way: bool = False
    archive: str = ""
    index: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    found: bool = False
    oldest_at: str | None = None
    ended_at: str | None = None

    def pass_by(self, archive_id: str) -> None:
        self.archive, self.index = archive_id, DONE


class Rounds:
    """Thread-safe, but for the place of a round, which is its check's alone. What is not kept yet when the power goes is done once more."""

    def __init__(self, db: CatalogDB, witness: Witness) -> None:
        self._db = db
        self._witness = witness
        self._lock = threading.Lock()
        self._rounds = {key: _round(row) for key, row in db.table(TABLE).items() if "fresh_at" in row}
        self._kept = {key: asdict(each) for key, each in self._rounds.items()}
        self._kept_s = self._ran_s

    @property
    def _ran_s(self) -> float:
        return self._witness.ran().total_seconds()

    def of(self, key: str) -> Round:
        with self._lock:
            if key not in self._rounds:
                self._rounds[key] = Round(self._ran_s, clock.iso(clock.now()))
            return self._rounds[key]

    def known(self, key: str) -> Round | None:
        return self._rounds.get(key)

    def is_due(self, its: Round, period: timedelta) -> bool:
        """Another round is to begin; after one that found something, within a day."""
        return its.last_at is None or self._is_past(its.last_ran_s, its.last_at, min(period, _DAY) if its.found else period)

    def is_past(self, its: Round, age: timedelta) -> bool:
        """So much time has passed since the last whole round began."""
        return self._is_past(its.fresh_ran_s, its.fresh_at, age)

    def elapsed(self, its: Round) -> timedelta:
        """Of the round under way, by the time that the appliance was running."""
        return timedelta(seconds=max(0.0, self._ran_s - its.last_ran_s))

    def _is_past(self, ran_s: float, at: str, age: timedelta) -> bool:
        """By the time that the appliance was running, or by date and half of that: no wrong date puts a check off, or brings it."""
        return self._ran_s - ran_s >= age.total_seconds() or self._witness.is_older(clock.from_iso(at), age)

    def begin(self, its: Round, total_bytes: int) -> None:
        """``total_bytes``: about so much is to be read."""
        its.total_bytes = total_bytes
        its.last_ran_s, its.last_at = self._ran_s, clock.iso(clock.now())
        its.under_way, its.archive, its.index, its.done_bytes, its.found = True, "", 0, 0, False

    def end(self, its: Round, *, whole: bool) -> None:
        """``whole``: everything could be looked at."""
        its.under_way = False
        if whole and its.last_at:
            self._freshen(its, its.last_ran_s, its.last_at)
        else:
            its.found = True
        self.keep(now=True)

    def done_otherwise(self, keys: Iterable[str], began_at: datetime, took_s: float) -> None:
        """Somebody had all of it looked at: the next round is due a period later."""
        for its in map(self.of, keys):
            its.last_ran_s, its.last_at, its.found = self._ran_s - took_s, clock.iso(began_at), False
            its.under_way = False
            self._freshen(its, its.last_ran_s, its.last_at)
        self.keep(now=True)

    def _freshen(self, its: Round, ran_s: float, at: str) -> None:
        its.fresh_ran_s, its.fresh_at, its.oldest_at, its.ended_at = ran_s, at, at, clock.iso(clock.now())

    def nothing_to_do(self, its: Round) -> None:
        """What there is not is not overdue."""
        its.fresh_ran_s, its.fresh_at = self._ran_s, clock.iso(clock.now())

    def forget(self, keys: Iterable[str]) -> None:
        with self._lock:
            gone = [key for key in keys if self._rounds.pop(key, None)]
            if gone:
                self._db.apply({TABLE: dict.fromkeys(gone)})
                for key in gone:
                    self._kept.pop(key, None)

    def known_keys(self) -> list[str]:
        with self._lock:
            return list(self._rounds)

    def keep(self, *, now: bool = False) -> None:
        """Write down what has changed: at once, or after eight hours. Raises DiskFull, CatalogUnwritable."""
        with self._lock:
            if not now and self._ran_s - self._kept_s < _KEEP_EVERY.total_seconds():
                return
            rows: dict[str, dict[str, Any] | None] = {
                key: row for key, each in self._rounds.items() if (row := asdict(each)) != self._kept.get(key)
            }
            self._kept_s = self._ran_s
            if rows:
                self._db.apply({TABLE: rows})
                self._kept.update({key: row for key, row in rows.items() if row})


def _round(row: dict[str, Any]) -> Round:
    return Round(**{key: row[key] for key in Round.__slots__ if key in row})
