"""What is pending, derived from views and ledgers: which archive is next, and which of its batches."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from appliance.views import View

_SMALLEST_EVERY = 4
Key = tuple[bool, str, str]


def needs_upload(view: View, active: str | None) -> bool:
    """Something of it is to be stored on the active connection, and can be: a released archive has nothing here to store."""
    if active is None or view.archive.removed_at or not view.local:
        return False
    here = view.standings.get(active)
    return here is None or here.batches_stored < view.batches or here.manifest_due


def needs_manifest_only(view: View, active: str | None) -> bool:
    """A released archive that was renamed: its manifest can be written without its content."""
    if active is None or view.archive.removed_at or view.local:
        return False
    here = view.standings.get(active)
    return here is not None and here.manifest_due


def needs_carry(view: View, active: str | None, valid: frozenset[str]) -> bool:
    """A released archive that is not all on the active connection, while another valid one has something of it.

    Not while it is being restored: then it is sent from the local copy.
    """
    if active is None or view.archive.removed_at or view.local or view.wanted_local:
        return False
    here = view.standings.get(active)
    missing = view.batches - (here.batches_stored if here else 0)
    if missing <= view.lost_batches:
        return False
    return any(view.standings[other].batches_stored for other in valid & view.standings.keys() - {active})


def needs_download(view: View) -> bool:
    """Batches are missing in a local copy that is wanted, or a restore has to be ended."""
    return not view.archive.removed_at and view.wanted_local and (view.cached < view.batches or not view.local)


def remaining_bytes(view: View, active: str | None) -> int:
    here = view.standings.get(active) if active else None
    return view.archive.size_bytes - (here.stored_bytes if here else 0)


class Queue:
    """Archives with something to move in one direction: what is at risk before what is safe elsewhere, then the oldest first."""

    def __init__(self) -> None:
        self._order: list[Key] = []
        self._keys: dict[str, Key] = {}
        self._sizes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, archive_id: str) -> bool:
        return archive_id in self._keys

    def put(self, view: View, size_bytes: int, *, at_risk: bool = True) -> None:
        """Add, or renew the bytes that remain."""
        archive = view.archive
        key = (not at_risk, archive.created_at.isoformat(), archive.id)
        if self._keys.get(archive.id) != key:
            self.drop(archive.id)
            self._keys[archive.id] = key
            insort(self._order, key)
        self._sizes[archive.id] = size_bytes

    def drop(self, archive_id: str) -> None:
        key = self._keys.pop(archive_id, None)
        if key is not None:
            del self._order[bisect_left(self._order, key)]
            del self._sizes[archive_id]

    def candidates(self, turn: int) -> Iterator[str]:
        """Archive ids in the order in which they should be tried; every fourth turn the one with least to move is the first.

        So a small file that comes after a terabyte waits for a few batches and not for weeks, and the oldest still gets most.
        """
        if self._order and turn % _SMALLEST_EVERY == _SMALLEST_EVERY - 1:
            yield min(self._sizes, key=lambda archive_id: (self._sizes[archive_id], self._keys[archive_id]))
        for _, _, archive_id in list(self._order):
            yield archive_id
