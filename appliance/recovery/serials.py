"""The number of the last copy of the catalog, and what of it each connection has: table ``copies``.

The number is higher than that of every copy that was made of this catalog before, and is written down before the copy leaves.
So a catalog that was put back from an old card finds a higher number on the remote than its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from appliance import clock
from appliance.catalog.journal import CatalogDB

TABLE = "copies"
_LAST = "last"


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A copy: its number, the SHA-256 of its tables (None: none was made under this number), when it was made."""

    serial: int
    sha256: str | None
    at: datetime | None


class Serials:
    """Raises DiskFull, CatalogUnwritable where it writes."""

    def __init__(self, db: CatalogDB) -> None:
        self._db = db

    @property
    def last(self) -> Made:
        return self._read(_LAST) or Made(serial=0, sha256=None, at=None)

    def next(self, sha256: str) -> Made:
        """Another number for other tables; the same for the same."""
        last = self.last
        if last.sha256 == sha256:
            return last
        made = Made(serial=last.serial + 1, sha256=sha256, at=clock.now())
        self._write({_LAST: made})
        return made

    def raise_to(self, serial: int) -> None:
        """All that a copy with that number knows is known here, or given up."""
        if serial > self.last.serial:
            self._write({_LAST: Made(serial=serial, sha256=None, at=None)})

    def of(self, connection_id: str) -> Made | None:
        """The last copy that this connection has got."""
        return self._read(connection_id)

    def stored(self, connection_id: str, made: Made) -> None:
        self._write({connection_id: made})

    def forget_connections(self) -> None:
        rows = {row_id: None for row_id in self._db.table(TABLE).ids() if row_id != _LAST}
        self._db.apply({TABLE: rows})

    def _read(self, row_id: str) -> Made | None:
        row: Mapping[str, Any] | None = self._db.table(TABLE).get(doc_id=row_id)
        return (
            None if row is None else Made(serial=row["serial"], sha256=row["sha256"], at=clock.from_iso(row["at"]) if row["at"] else None)
        )

    def _write(self, rows: Mapping[str, Made]) -> None:
        self._db.apply({TABLE: {key: {**asdict(made), "at": clock.iso(made.at) if made.at else None} for key, made in rows.items()}})
