"""Regular checks that go from batch to batch: local copies, and connections to disks, where a look at a batch reads its bytes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.connections import Connection
from appliance.integrity.checking import Checking
from appliance.integrity.local_check import check_next
from appliance.integrity.remote_check import RemoteCheck
from appliance.integrity.rounds import DONE, Round
from appliance.library import Library
from appliance.problems import Problems

_MOST_PASSED_BY = 500
Look = Callable[[Archive, Ledger, int, Checking], int | None]


@dataclass(slots=True)
class Walk:
    """``wants(archive_id)``: something of it is there. ``look`` is at one batch, and returns the next one's index, or None.

    What comes in during a round has its turn in the next one: it was read and compared when it came.
    """

    library: Library
    wants: Callable[[str], bool]
    look: Look
    _ids: list[str] = field(default_factory=list)

    def step(self, its: Round, checking: Checking) -> bool:
        """One batch; True at the end of the round. Where this raises, or finds something unknown, the place stays."""
        self._ids = self._ids or sorted(self.library.ids())
        for _ in range(_MOST_PASSED_BY):
            archive_id = self._next(its)
            if archive_id is None:
                self._ids = []
                return True
            if self.wants(archive_id):
                self._look(archive_id, its, checking)
                return False
            its.pass_by(archive_id)
        return False

    def _next(self, its: Round) -> str | None:
        at = (bisect_right if its.index == DONE else bisect_left)(self._ids, its.archive)
        if at == len(self._ids):
            return None
        if self._ids[at] != its.archive:
            its.archive, its.index = self._ids[at], 0
        return its.archive

    def _look(self, archive_id: str, its: Round, checking: Checking) -> None:
        with checking.archive(archive_id) as held:
            if held is None:  # it is being released or removed, each by a look of its own
                its.pass_by(archive_id)
                return
            archive, ledger = held
            following = self.look(archive, ledger, its.index, checking)
            if checking.report.unknown:
                return
            its.done_bytes += ledger.range_of(its.index)[1] if its.index < ledger.batch_count else 0
        its.index = DONE if following is None else following


def local_walk(library: Library, problems: Problems) -> Walk:
    def wants(archive_id: str) -> bool:
        view = library.views.get(archive_id)
        return view is not None and view.local and not view.archive.removed_at

    return Walk(library, wants, lambda archive, ledger, index, checking: check_next(archive, ledger, index, checking, problems))


def disk_walk(library: Library, connection: Connection) -> Walk:
    """The index behind the last batch is the manifest."""

    def wants(archive_id: str) -> bool:
        view = library.views.get(archive_id)
        here = view.standings.get(connection.id) if view and not view.archive.removed_at else None
        return here is not None and here.batches_stored > 0

    def look(archive: Archive, ledger: Ledger, index: int, checking: Checking) -> int | None:
        return _look_at_object(archive, ledger, index, checking, connection)

    return Walk(library, wants, look)


def _look_at_object(archive: Archive, ledger: Ledger, index: int, checking: Checking, connection: Connection) -> int | None:
    """Raises RemoteError."""
    remote, check = checking.connections.remote(connection.id), RemoteCheck(checking, connection)
    comparison = checking.compare(archive, ledger, connection.id, remote)
    checking.report.asked.add(connection.id)
    remote.check()
    if index >= ledger.batch_count:
        if ledger.manifest(connection.id):
            check.look_at(archive, comparison, None, comparison.fresh(None))
        return None
    if ledger.is_stored(connection.id, index):
        found = remote.stat(ledger.remote_id(connection.id, index) or "", checking.gate)
        check.look_at(archive, comparison, index, comparison.judge(index, found))
        checking.report.batches_checked += 1
    return index + 1
