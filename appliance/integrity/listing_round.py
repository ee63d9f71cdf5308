"""The regular check of a connection that tells checksums: one paged listing of everything, compared with the ledgers bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.connections import Connection
from appliance.errors import Stopped
from appliance.integrity.checking import Checking
from appliance.integrity.remote_check import RemoteCheck
from appliance.integrity.rounds import DONE, Round
from appliance.library import Library

_REST_S = 0.02


@dataclass(slots=True)
class ListingRound:
    """Cut off it goes on with the archives that are left, from another listing: an old one is no proof of anything."""

    library: Library
    connection: Connection

    def step(self, its: Round, checking: Checking) -> bool:
        """All that is left of the round; False where the remote did not answer to the end. Raises Stopped."""
        check, seen = RemoteCheck(checking, self.connection), _Seen()
        try:
            check.run(self._each(its, checking, seen), whole=True)
        except Stopped:
            self._back_to(check.suspects, its)
            raise
        return seen.all

    def _each(self, its: Round, checking: Checking, seen: _Seen) -> Iterator[str]:
        for archive_id in sorted(self.library.ids()):
            if archive_id < its.archive or (archive_id == its.archive and its.index == DONE):
                continue
            checking.wait(_REST_S)
            checking.job.count(0)
            if self._wants(archive_id):
                yield archive_id
            its.pass_by(archive_id)
        seen.all = True

    def _wants(self, archive_id: str) -> bool:
        """Not what is being released or removed, each by a listing of its own."""
        view = self.library.views.get(archive_id)
        return (
            view is not None and self.connection.id in view.standings and not view.archive.removed_at
            and not self.library.locks.is_wanted(archive_id)
        )  # fmt: skip

    def _back_to(self, suspects: list[str], its: Round) -> None:
        """What was absent was not looked at again: its archives are compared once more."""
        if suspects and min(suspects) <= its.archive:
            its.archive, its.index = min(suspects), 0


@dataclass(slots=True)
class _Seen:
    all: bool = False
