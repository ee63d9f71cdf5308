"""What a slot does with one job: the way of a batch up, down, or through the spool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance import clock
from appliance.archive import Archive
from appliance.connections import Connections
from appliance.errors import Stopped
from appliance.intake.admission import Admission
from appliance.library import Library
from appliance.transfer import work
from appliance.transfer.choosing import Job
from appliance.transfer.gates import Moving, TransferGate
from appliance.transfer.spool import Spool, fetch_batch
from appliance.transfer.throttle import RateMeter, Throttle
from mqtt.messages import Direction


@dataclass(frozen=True, slots=True)
class Mover:
    """``is_wanted(job)`` is asked once the archive cannot change hands any more. ``works(moving)``: bytes move on its line."""

    library: Library
    connections: Connections
    admission: Admission
    spool: Spool
    throttle: Throttle
    meters: Mapping[Direction, RateMeter]
    is_wanted: Callable[[Job], bool]
    may_go_on: Callable[[Moving], bool]
    works: Callable[[Moving], None]

    def move(self, moving: Moving, job: Job) -> None:
        """Raises Stopped where it ends early or is not to be done any more, and what the remote, the store and the spool raise."""
        with self.library.locks.share(job.archive_id) as shared:
            if not shared:
                raise Stopped("the archive is being released or removed")
            if not self.is_wanted(job):
                raise Stopped("the archive was released, restored or removed since this was chosen")
            self.library.folder.check_store()
            archive = self.library.archive(job.archive_id)
            if job.direction is Direction.UP:
                self._send(moving, archive)
            else:
                self._fetch(moving, archive)

    def _send(self, moving: Moving, archive: Archive) -> None:
        remote = self.connections.to_write(moving.connection_id)
        remote.check()
        if moving.index is None:  # a manifest's few bytes tell nothing of the line
            work.upload_manifest(self.library, archive, moving.connection_id, remote, self._gate(moving, RateMeter()))
            return
        gate = self._gate(moving, self.meters[Direction.UP])
        if moving.carried:
            self.spool.check(archive.id, self.library.ledger(archive.id), moving.index, gate)
        work.upload_batch(self.library, archive, moving.index, moving.connection_id, remote, gate)
        if moving.carried:  # here and not when a slot chooses: no disk is waited for under the engine's lock
            self.spool.drop(archive.id, moving.index)

    def _fetch(self, moving: Moving, archive: Archive) -> None:
        if moving.index is None:
            work.finish_restore(self.library, archive, lambda _: None, lambda: self._stop_if_told(moving))
            return
        # Not checked before: what can be read is fetched, also from a disk that may not be written to.
        remote, gate = self.connections.remote(moving.connection_id), self._gate(moving, self.meters[Direction.DOWN])
        if moving.carried:
            fetch_batch(self.library, self.spool, self.admission, archive, moving.index, moving.connection_id, remote, gate)
            return
        if self.library.ledger(archive.id).is_released:  # a repair writes over what is there
            work.check_room(self.admission, archive, self.library.folder)
        work.download_batch(self.library, archive, moving.index, moving.connection_id, remote, gate)

    def _gate(self, moving: Moving, meter: RateMeter) -> TransferGate:
        throttle = self.throttle if moving.direction is Direction.UP else None
        return TransferGate(moving, self.may_go_on, throttle, meter, lambda: self.works(moving))

    def _stop_if_told(self, moving: Moving) -> None:
        moving.last_piece_s = clock.monotonic_s()
        if not self.may_go_on(moving):
            raise Stopped("stopped")
