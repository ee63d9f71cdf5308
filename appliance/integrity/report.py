"""What a check found, and what of the last check of each connection is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appliance import clock
from appliance.archive import Archive
from appliance.catalog.journal import CatalogDB

_TABLE = "checks"
_MOST_FINDINGS = 1000


@dataclass(slots=True)
class Report:
    """What ``integrity/job`` answers for a check. ``asked``: the connections that were checked; ``unasked``: those not in full."""

    archives: int = 0
    batches_checked: int = 0
    unknown: list[str] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    unasked: set[str] = field(default_factory=set)

    def add(self, archive: Archive, index: int | None, where: str, what: str, *, repaired: bool = False) -> None:
        self.findings.append(
            {"archive_id": archive.id, "title": archive.title, "batch_index": index, "where": where, "what": what, "repaired": repaired}
        )

    def not_known(self, what: str, connection_id: str) -> None:
        """Something there could not be asked."""
        self.unknown.append(what)
        self.unasked.add(connection_id)

    def damage_left(self, where: str) -> int:
        return sum(finding["where"] == where and not finding["repaired"] for finding in self.findings)

    def to_result(self) -> dict[str, Any]:
        repaired = sum(finding["repaired"] for finding in self.findings)
        return {
            "archives": self.archives, "batches_checked": self.batches_checked, "batches_damaged": len(self.findings),
            "batches_repaired": repaired, "damage_left": len(self.findings) - repaired, "unknown": self.unknown,
            "findings": self.findings[:_MOST_FINDINGS],
        }  # fmt: skip

    def keep(self, db: CatalogDB, *, whole: bool) -> None:
        """Of each connection, how its last check ended. One of some archives says nothing new where it found nothing."""
        at = clock.iso(clock.now())
        rows = {
            connection_id: {"at": at, "damage": self.damage_left(connection_id), "unknown": connection_id in self.unasked}
            for connection_id in self.asked
        }
        db.apply({_TABLE: {key: row for key, row in rows.items() if whole or row["damage"] or row["unknown"]}})


def why_not_clean(db: CatalogDB, connection_id: str) -> str | None:
    """What the last check of the connection left open, in words; None: nothing, or there was none yet."""
    row = db.table(_TABLE).get(doc_id=connection_id)
    if row is None or not (row["damage"] or row["unknown"]):
        return None
    left = f"left {row['damage']} damaged objects" if row["damage"] else "could not ask everything"
    return f"its last check ({row['at'][:16]}) {left}; run `pyarchive verify --remote` again"
