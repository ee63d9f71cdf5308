"""One archive as the catalog knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from appliance import clock
from appliance.catalog.ledger import ArchiveFacts, Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """Facts of ingest, and what can be changed: title, owner, removal, pin. ``source`` is the inbox file it was made of.

    ``pinned``: the local copy stays, whatever the disk. Documents of older versions do not have it.
    """

    id: str
    title: str
    file_name: str
    owner: str
    size_bytes: int
    sha256: str
    batch_bytes: int
    created_at: datetime
    removed_at: datetime | None = None
    source: dict[str, Any] | None = None
    pinned: bool = False

    def to_document(self) -> dict[str, Any]:
        document = {key: value for key, value in asdict(self).items() if value is not None and key != "id"}
        document["created_at"] = clock.iso(self.created_at)
        if self.removed_at:
            document["removed_at"] = clock.iso(self.removed_at)
        if not self.pinned:
            del document["pinned"]
        return document

    @classmethod
    def from_document(cls, archive_id: str, document: Mapping[str, Any]) -> Archive:
        """Fields of a later version are passed over. Raises KeyError, TypeError, ValueError on a document that is none."""
        known = {key: document[key] for key in cls.__slots__ if key in document and key not in {"id", "created_at", "removed_at"}}
        removed = document.get("removed_at")
        return cls(
            id=archive_id,
            created_at=clock.from_iso(document["created_at"]),
            removed_at=clock.from_iso(removed) if removed else None,
            **known,
        )

    def as_told_by(self, ledger: Ledger) -> Archive:
        """What can be changed is written into the ledger first; a crash may have kept it out of the catalog."""
        if (self.title, self.owner, self.removed_at) == (ledger.title, ledger.owner, ledger.removed_at):
            return self
        return replace(self, title=ledger.title, owner=ledger.owner, removed_at=ledger.removed_at)

    @classmethod
    def from_facts(
        cls, facts: ArchiveFacts, *, title: str, owner: str, removed_at: datetime | None, source: dict[str, Any] | None = None
    ) -> Archive:
        """As the ledger alone tells it."""
        return cls(
            id=facts.archive_id,
            title=title,
            file_name=facts.file_name,
            owner=owner,
            size_bytes=facts.size_bytes,
            sha256=facts.sha256.hex(),
            batch_bytes=facts.batch_bytes,
            created_at=facts.created_at,
            removed_at=removed_at,
            source=source,
        )


def archives_in_words(count: int) -> str:
    """As in "1 archive" and "12 archives"."""
    return "1 archive" if count == 1 else f"{count} archives"
