"""All archives of an appliance on a remote, one after the other or several at a time, until none is left that could be tried again."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from appliance.errors import ApplianceError, RemoteError, RemoteRefused, Stopped
from appliance.integrity.inventory import Inventory
from appliance.jobs import Job
from appliance.recovery.adopter import TABLE, Adopter
from appliance.recovery.progress import Progress
from appliance.remotes.remote import Object
from appliance.transfer.retry import Backoff

log = logging.getLogger("recovery")
_AT_ONCE = 4
"""Each manifest costs a round trip, and hardly any work."""


class Waiter:
    """Waits between two tries, with full jitter, until told to stop. A Retry-After is obeyed."""

    def __init__(self, job: Job, progress: Progress, cap_s: float) -> None:
        self._job = job
        self._progress = progress
        self._backoff = Backoff(first_s=min(1.0, cap_s), cap_s=cap_s)
        self._random = random.Random()  # noqa: S311 (jitter is no secret)
        self._attempt = 0

    def wait(self, error: RemoteError, *, got_further: bool) -> None:
        """After an error that may pass. Raises Stopped."""
        self._attempt = 0 if got_further else self._attempt + 1
        self._progress.trouble = str(error)
        delay_s = self._backoff.delay_s(self._attempt, self._random, getattr(error, "retry_after_s", None))
        log.info("the recovery goes on in %.0f s: %s", delay_s, error)
        if self._job.stopped.wait(delay_s):
            raise Stopped("the appliance is stopping; the recovery goes on at the next start")
        self._progress.trouble = None


class Source(Protocol):
    """What lies on the remote, by archive."""

    def archives(self) -> list[str]: ...
    def of(self, archive_id: str) -> Iterable[Object]: ...


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder reads every byte that it lists: archive by archive, so that a kill costs one, and not what is known to be there."""

    adopter: Adopter
    ids: list[str]

    def archives(self) -> list[str]:
        return self.ids

    def of(self, archive_id: str) -> Iterable[Object]:
        return self.adopter.remote.list_objects(archive_id, self.adopter.gate)

    def is_known(self, archive_id: str) -> bool:
        """All of it is stored there as far as the ledger knows: whether that is still so is asked by a check."""
        library, connection_id = self.adopter.library, self.adopter.connection_id
        view = library.views.get(archive_id)
        here = view.standings.get(connection_id) if view else None
        return view is not None and here is not None and here.manifest_stored and here.batches_stored == view.batches


def source_of(adopter: Adopter) -> Source:
    """One sweep over everything, or a folder's archives one by one. Raises RemoteError, Stopped."""
    if adopter.remote.is_local:
        return FolderSource(adopter, list(adopter.remote.list_archives()))
    return Inventory.taken(adopter.remote, adopter.gate)


@dataclass(slots=True)
class Sweep:
    """``run`` ends when every archive was taken up, or cannot be."""

    adopter: Adopter
    source: Source
    progress: Progress
    waiter: Waiter
    _before: frozenset[str] = field(default_factory=frozenset)
    _refused: RemoteRefused | None = None

    def run(self) -> None:
        """Raises RemoteError where only a person can help, Stopped, DiskFull, StoreUnavailable, CatalogUnwritable.

        An archive that is refused holds up no other: RemoteRefused is raised when all others are done with.
        """
        recovered = self.adopter.library.db.table(TABLE)
        self._before = frozenset(self.adopter.library.ids()) - set(recovered.ids())
        left = self.source.archives()
        self.progress.begin(len(left))
        while left:
            before = len(left)
            left, error = self._pass(left)
            if error is not None:
                self.waiter.wait(error, got_further=len(left) < before)
        if self._refused is not None:
            raise self._refused

    def _pass(self, archive_ids: list[str]) -> tuple[list[str], RemoteError | None]:
        """Those that are to be tried again, and the last error of them."""
        again, last = list[str](), None
        executor = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="recovery")
        try:
            for archive_id, error in executor.map(self._one, archive_ids):
                if error is not None:
                    again.append(archive_id)
                    last = error
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
        return again, last

    def _one(self, archive_id: str) -> tuple[str, RemoteError | None]:
        try:
            self._take(archive_id)
        except RemoteRefused as error:
            self._refused = error
            self._taken(archive_id, str(error))
        except RemoteError as error:
            if not error.retriable:
                raise
            return archive_id, error
        return archive_id, None

    def _take(self, archive_id: str) -> None:
        known = isinstance(self.source, FolderSource) and self.source.is_known(archive_id)
        objects = [] if known else list(self.source.of(archive_id))
        if not known and not objects:
            self.progress.total -= 1  # an empty folder: all that was in it was trashed
            return
        try:
            why_not = None if known else self.adopter.take(archive_id, objects)
        except OSError as error:
            raise ApplianceError(f"taking {archive_id} up: {error.strerror or error}; check the appliance's disk") from error
        self._taken(archive_id, why_not)

    def _taken(self, archive_id: str, why_not: str | None) -> None:
        self.progress.taken(archive_id, was_here=archive_id in self._before, why_not=why_not)
        if why_not is not None:
            log.warning("recovery of %s: %s", archive_id, why_not, extra={"archive_id": archive_id})
