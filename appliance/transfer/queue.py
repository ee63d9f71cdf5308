"""What is pending, derived from views and ledgers: which archive is next, and which of its batches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from appliance.transfer.shares import Shares
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


def lacks_manifest(view: View, active: str | None) -> bool:
    """All its batches are on the active connection, and a few kB are missing until it is remote."""
    here = view.standings.get(active) if active else None
    return here is not None and here.manifest_due and not here.manifest_stored


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
    """Archives with something to move in one direction.

    In this order: those put first by hand (``by_hand`` names them); then the owner who has had the least of the line lately; of one
    owner, what is at risk, or lacks but its manifest, before what is safe elsewhere, then the oldest. Every fourth turn of an owner
    the archive with the least to move is the first: so a small file that comes after a terabyte waits for a few batches and not for
    weeks, and the oldest still gets most. A choice costs no look at archives that come later.
    """

    def __init__(self, by_hand: Callable[[], Sequence[str]] = tuple) -> None:
        self._by_hand = by_hand
        self._owners: dict[str, _OfOwner] = {}
        self._places: dict[str, _Place] = {}
        self._turns: Counter[str] = Counter()
        self._shares = Shares()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, archive_id: str) -> bool:
        return archive_id in self._places

    def ids(self) -> list[str]:
        """In no order."""
        return list(self._places)

    def put(self, view: View, size_bytes: int, *, at_risk: bool = True) -> None:
        """Add, or renew the bytes that remain."""
        archive = view.archive
        place = _Place(archive.owner, (not at_risk, archive.created_at.isoformat(), archive.id), size_bytes)
        if self._places.get(archive.id) != place:
            self.drop(archive.id)
            self._places[archive.id] = place
            self._owners.setdefault(archive.owner, _OfOwner()).add(place)

    def drop(self, archive_id: str) -> None:
        place = self._places.pop(archive_id, None)
        if place is not None:
            of_owner = self._owners[place.owner]
            of_owner.remove(place)
            if not of_owner.by_age:
                del self._owners[place.owner]

    def candidates(self) -> Iterator[str]:
        """Archive ids in the order in which they should be tried now. What is dropped meanwhile may still come."""
        first = [archive_id for archive_id in self._by_hand() if archive_id in self._places]
        yield from first
        skip = frozenset(first)
        for owner in sorted(self._owners, key=lambda owner: (self._shares.load_bytes(owner), self._owners[owner].by_age[0])):
            if owner in self._owners:
                smallest_first = self._turns[owner] % _SMALLEST_EVERY == _SMALLEST_EVERY - 1
                yield from (archive_id for archive_id in self._owners[owner].ids(smallest_first=smallest_first) if archive_id not in skip)

    def started(self, owner: str, size_bytes: int) -> None:
        """A turn of that owner: one of their batches is on its way."""
        self._turns[owner] += 1
        self._shares.started(owner, size_bytes)

    def ended(self, owner: str, size_bytes: int, moved_bytes: int) -> None:
        self._shares.ended(owner, size_bytes, moved_bytes)


class _Place(NamedTuple):
    owner: str
    key: Key
    size_bytes: int


class _OfOwner:
    """The archives of one owner, by age and by size."""

    def __init__(self) -> None:
        self.by_age: list[Key] = []
        self._by_size: list[tuple[int, Key]] = []

    def add(self, place: _Place) -> None:
        insort(self.by_age, place.key)
        insort(self._by_size, (place.size_bytes, place.key))

    def remove(self, place: _Place) -> None:
        del self.by_age[bisect_left(self.by_age, place.key)]
        del self._by_size[bisect_left(self._by_size, (place.size_bytes, place.key))]

    def ids(self, *, smallest_first: bool) -> Iterator[str]:
        smallest = self._by_size[0][1] if smallest_first and self._by_size else None
        if smallest:
            yield smallest[2]
        at = 0
        while at < len(self.by_age):
            key = self.by_age[at]
            if key != smallest:
                yield key[2]
            at = bisect_right(self.by_age, key)  # it may be gone by now, or others
