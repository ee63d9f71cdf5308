"""A tombstone: our own record that an object of ours on a remote may go. Table ``tombstones`` of the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from appliance.catalog.journal import CatalogDB

TABLE = "tombstones"
REMOVED, REPLACED = "removed", "replaced"
"""Reasons: the archive was removed, and its undo time is over; a bad batch was stored anew under another id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """``at`` is when the grace time began (ISO); None: not yet, because what replaces the object is not stored so far."""

    connection_id: str
    remote_id: str
    archive_id: str
    name: str
    reason: str
    at: str | None
    size_bytes: int | None = None

    @property
    def key(self) -> str:
        return f"{self.connection_id}:{self.remote_id}"

    def to_document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Of a document that may have been written before it told archive and name: a folder's ids tell both."""
        archive_id, _, name = document["remote_id"].partition("/")
        return cls(
            connection_id=document["connection_id"], remote_id=document["remote_id"],
            archive_id=document.get("archive_id", archive_id), name=document.get("name", name), reason=document["reason"],
            at=document["at"], size_bytes=document.get("size_bytes"),
        )  # fmt: skip


def all_of(db: CatalogDB) -> Iterator[Tombstone]:
    """Those of one moment."""
    return (Tombstone.from_document(document) for _, document in db.table(TABLE).items())


def changes(stones: list[Tombstone]) -> dict[str, dict[str, Any]]:
    """For ``CatalogDB.apply`` under TABLE."""
    return {stone.key: stone.to_document() for stone in stones}
