"""Reading batches back from a remote: the one proof that it can give them out. All of them, or a sample within a budget of bytes."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from appliance import clock
from appliance.archive import Archive
from appliance.errors import ApplianceError, RemoteDamaged, Stopped
from appliance.integrity.checking import ENDS_IT, WORDS, Checking
from appliance.integrity.listing import Comparison, State
from appliance.library import Library

_WRITTEN_AT_ONCE = 64


@dataclass(frozen=True, order=True, slots=True)
class Candidate:
    """A stored batch. In order, those come first that were never read back (0), or longest ago."""

    read_at_s: int
    archive_id: str
    connection_id: str
    index: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Newest:
    """The other way round: a heap gives out its smallest."""

    candidate: Candidate

    def __lt__(self, other: _Newest) -> bool:
        return other.candidate < self.candidate


def candidates(library: Library, archive_ids: Iterable[str]) -> Iterator[Candidate]:
    """Every stored batch on every valid connection, archive by archive."""
    for archive_id in archive_ids:
        ledger = library.ledger(archive_id)
        for connection_id in sorted(library.valid & ledger.connections()):
            for index, read_at_s in enumerate(ledger.read_back_times(connection_id)):
                if read_at_s is not None:
                    yield Candidate(read_at_s, archive_id, connection_id, index, ledger.range_of(index)[1])


def sample(found: Iterable[Candidate], budget_bytes: int) -> list[Candidate]:
    """As many of the first in their order as come to no more than that; none where the very first is larger already."""
    heap: list[_Newest] = []
    total_bytes = 0
    for each in found:
        heapq.heappush(heap, _Newest(each))
        total_bytes += each.size_bytes
        while total_bytes - heap[0].candidate.size_bytes > budget_bytes:
            total_bytes -= heapq.heappop(heap).candidate.size_bytes
    chosen, left_bytes = list[Candidate](), budget_bytes
    for each in sorted(entry.candidate for entry in heap):
        if each.size_bytes > left_bytes:
            break
        left_bytes -= each.size_bytes
        chosen.append(each)
    return chosen


@dataclass(slots=True)
class ReadBack:
    """``run`` reads, and writes down in the ledgers what came back right."""

    checking: Checking
    _silent: set[str] = field(default_factory=set)

    def run(self, chosen: Iterable[Candidate]) -> None:
        """Archive by archive, in the order in which they come there. Raises Stopped."""
        for (archive_id, connection_id), group in groupby(chosen, key=lambda each: (each.archive_id, each.connection_id)):
            if connection_id in self._silent:
                continue
            try:
                with self.checking.shown(archive_id):
                    self._read_archive(archive_id, connection_id, [each.index for each in group])
            except Stopped:
                raise
            except ApplianceError as error:
                self.checking.not_known(connection_id, f"{self.checking.title(archive_id)}: {error}")
                if isinstance(error, ENDS_IT):
                    self._silent.add(connection_id)

    def _read_archive(self, archive_id: str, connection_id: str, indices: list[int]) -> None:
        right: list[int] = []
        try:
            for index in indices:
                if self._read_one(archive_id, connection_id, index):
                    right.append(index)
                if len(right) == _WRITTEN_AT_ONCE:
                    self._write_down(archive_id, connection_id, right)
        finally:
            self._write_down(archive_id, connection_id, right)

    def _read_one(self, archive_id: str, connection_id: str, index: int) -> bool:
        remote = self.checking.connections.remote(connection_id)
        with self.checking.archive(archive_id) as held:
            if held is None or not held[1].is_stored(connection_id, index):
                return False
            archive, ledger = held
            comparison = self.checking.compare(archive, ledger, connection_id, remote)
            # What comes back wrong once may have been hurt on its way.
            return self._comes_back(comparison, index) or self._comes_back(comparison, index) or self._note(archive, comparison, index)

    def _comes_back(self, comparison: Comparison, index: int) -> bool:
        return self.checking.patiently(lambda: _reads_right(comparison, index))

    def _note(self, archive: Archive, comparison: Comparison, index: int) -> bool:
        """It did not come back right twice. What is absent is looked at once more, later."""
        state = comparison.fresh(index)
        if state is State.ABSENT and not comparison.remote.is_local:
            self.checking.wait(self.checking.second_look_s)
            state = comparison.fresh(index)
        self.checking.withdraw(archive, comparison.ledger, comparison.connection_id, index, WORDS.get(state, "reads back different"))
        return False

    def _write_down(self, archive_id: str, connection_id: str, right: list[int]) -> None:
        if not right:
            return
        ledger = self.checking.library.ledger(archive_id)
        for first, count in _runs(sorted(right)):
            ledger.read_back(connection_id, first, count, clock.now())
        right.clear()


def _reads_right(comparison: Comparison, index: int) -> bool:
    ledger, digest = comparison.ledger, hashlib.sha256()
    remote_id = ledger.remote_id(comparison.connection_id, index) or ""
    try:
        for piece in comparison.remote.get(remote_id, 0, ledger.range_of(index)[1], comparison.gate):
            digest.update(piece)
    except RemoteDamaged:
        return False
    return digest.digest() == ledger.batch_sha256(index)


def _runs(indices: list[int]) -> Iterator[tuple[int, int]]:
    """Neighbours together: (first, count)."""
    first, count = indices[0], 0
    for index in indices:
        if index != first + count:
            yield first, count
            first, count = index, 0
        count += 1
    yield first, count
