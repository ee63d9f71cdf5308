"""What was dated while the clock was wrong: its time begins anew, once the date can be believed.

Otherwise a removal of the year 1970 would be over at once when the clock is set, and one of 2046 would lie in the trash until then.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.errors import ApplianceError
from appliance.library import Library

log = logging.getLogger("housekeeping")
_TABLE = "doubted_dates"
_DATES = {
    "tombstones": ("at",), "uploads": ("announced_at",), "sessions": ("created_at", "used_at"), "invitations": ("created_at",),
    "setup": ("created_at",),
}  # fmt: skip
"""Tables of the catalog, and the dates in them by which something gets old; that of a removal is with its archive."""
_CLEARLY, _AROUND = timedelta(days=1), timedelta(minutes=3)
_WRITTEN_EVERY = timedelta(hours=1)
_MOST_SPANS = 50


class WrongDates:
    """For one thread. The spans of dates that were given while the clock was in doubt are kept: a restart may come in between."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._db: CatalogDB = library.db
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._kept: datetime | None = None

    def doubt(self, now: datetime) -> None:
        """Dates of now are not to be believed. Call it every minute. Raises DiskFull, CatalogUnwritable."""
        if self._since is None or self._until is None or not timedelta() <= now - self._until < _WRITTEN_EVERY:
            self._since = self._kept = None
        self._since, self._until = self._since or now, now
        if self._kept is None or now - self._kept >= _WRITTEN_EVERY:
            row = {"since": clock.iso(self._since - _AROUND), "until": clock.iso(now + _WRITTEN_EVERY)}
            oldest = list(self._db.table(_TABLE).ids())[:-_MOST_SPANS]
            self._db.apply({_TABLE: {**dict.fromkeys(oldest), clock.iso(self._since): row}})
            self._kept = now

    def mend(self, now: datetime, *, is_known: bool) -> None:
        """The date can be believed. ``is_known``: somebody has said so, and what lies more than a day ahead was dated wrongly, too.

        Raises DiskFull, CatalogUnwritable.
        """
        spans = [(clock.from_iso(row["since"]), clock.from_iso(row["until"])) for row in self._db.table(_TABLE).all()]
        if self._since and self._until:
            spans.append((self._since - _AROUND, self._until + _AROUND))
        if spans or is_known:
            self._mend(now, lambda at: (is_known and at - now > _CLEARLY) or any(since <= at <= until for since, until in spans))
        if spans:
            self._db.apply({_TABLE: dict.fromkeys(self._db.table(_TABLE).ids())})
        self._since = self._until = self._kept = None

    def _mend(self, now: datetime, is_wrong: Callable[[datetime], bool]) -> None:
        mended = 0
        for table, names in _DATES.items():
            for row_id, row in list(self._db.table(table).items()):
                wrong = [name for name in names if row.get(name) and is_wrong(clock.from_iso(row[name]))]
                if wrong:
                    with contextlib.suppress(KeyError):  # what has gone meanwhile must not come back
                        self._db.table(table).update(dict.fromkeys(wrong, clock.iso(now)), doc_ids=[row_id])
                    mended += 1
        for view in self._library.all_views():
            if view.archive.removed_at and is_wrong(view.archive.removed_at):
                mended += self._remove_anew(view.archive.id, now)
        if mended:
            log.warning("%d dates were written while the clock was wrong; what they tell of begins now", mended)

    def _remove_anew(self, archive_id: str, now: datetime) -> bool:
        try:
            with self._library.locks.alone(archive_id, timeout_s=1.0):
                if self._library.archive(archive_id).removed_at is not None:
                    self._library.mark_removed(archive_id, now)
        except ApplianceError as error:
            log.warning("the date of a removal cannot be mended: %s", error, extra={"archive_id": archive_id})
            return False
        return True
