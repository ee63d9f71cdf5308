"""What an owner has: archives, removed ones that can be taken back, files on their way in."""

from __future__ import annotations

import os
from dataclasses import dataclass

from appliance.archive import archives_in_words
from appliance.library import Library

_MOST_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """How many of each."""

    archives: int
    removed: int
    uploads: int
    in_inbox: int

    @property
    def any(self) -> bool:
        return bool(self.archives or self.removed or self.uploads or self.in_inbox)

    def in_words(self) -> str:
        parts = (
            (self.archives, archives_in_words(self.archives)), (self.removed, f"{self.removed} removed that can be taken back"),
            (self.uploads, f"{self.uploads} on their way in"), (self.in_inbox, f"{self.in_inbox} files in the inbox"),
        )  # fmt: skip
        return ", ".join(words for count, words in parts if count)


class Holdings:
    """Looks at everything; for acts of people, not for each request."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def archives(self, owner: str) -> list[str]:
        """Ids, removed ones too."""
        return [view.archive.id for view in self._library.all_views() if view.archive.owner == owner]

    def uploads(self, owner: str) -> list[str]:
        return [key for key, row in self._library.db.table("uploads").items() if row["owner"] == owner]

    def of(self, owner: str) -> Held:
        ids = self.archives(owner)
        removed = sum(self._library.archive(archive_id).removed_at is not None for archive_id in ids)
        unreadable = sum(
            row.get("owner") == owner for key, row in self._library.db.table("archives").items() if key in self._library.broken
        )
        return Held(len(ids) - removed + unreadable, removed, len(self.uploads(owner)), self._in_inbox(owner))

    def _unreadable(self, owner: str) -> int:
        """Archives whose ledger is damaged stand in the catalog alone."""
        rows = self._library.db.table("archives").get(doc_ids=list(self._library.broken))
        return sum(row.get("owner") == owner for row in rows)

    def _in_inbox(self, owner: str) -> int:
        count = 0
        for _, _, names in os.walk(self._library.folder.inbox / owner):
            count += len(names)
            if count > _MOST_LOOKED_AT:
                break
        return count
