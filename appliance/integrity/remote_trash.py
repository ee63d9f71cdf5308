"""Our trash on a remote: how much lies there, and its emptying. What an archive still needs is never deleted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from appliance.connections import Connection, Connections
from appliance.errors import Refused
from appliance.jobs import Job
from appliance.library import Library
from appliance.remotes.layout import index_of
from appliance.remotes.remote import Trashed
from appliance.transfer.gates import CheckGate

log = logging.getLogger("integrity")


@dataclass(frozen=True, slots=True)
class RemoteTrash:
    """``run`` is a job. Cut off and asked again it goes on with what is left."""

    library: Library
    connections: Connections

    def run(self, connection_id: str, job: Job, *, purge: bool) -> dict[str, Any]:
        """``objects`` and ``bytes`` that lie there; ``kept`` of them belong to an archive still; ``purged`` were deleted for ever.

        Raises Refused where nobody can tell what is needed (damaged ledgers or catalog), Adopting, RemoteError, Stopped.
        """
        connection = self.connections.find(connection_id)
        remote = self.connections.to_write(connection.id) if purge else self.connections.remote(connection.id)
        if purge:
            self._refuse_unsure()
        remote.check()
        found = list(remote.list_trash(CheckGate(job.stopped.is_set, lambda _: None)))
        job.total_bytes = sum(each.size_bytes for each in found)
        kept = purged = 0
        for each in found:
            if self._is_needed(connection, each):
                kept += 1
            elif purge:
                remote.purge(each.trash_id)
                purged += 1
            job.count(each.size_bytes)
        if purged:
            log.warning("%d objects in the trash of %s were deleted for ever", purged, connection.name)
        return {"objects": len(found), "bytes": job.total_bytes, "kept": kept, "purged": purged}

    def _refuse_unsure(self) -> None:
        if self.library.broken or self.library.db.damage:
            raise Refused("ledgers or the catalog were damaged, so nobody knows what is still needed; run `pyarchive verify` first")

    def _is_needed(self, connection: Connection, one: Trashed) -> bool:
        """Its id is named by the archive's ledger, or no good copy is known of what it holds: it may be all that there is."""
        if one.archive_id not in self.library.views:
            return one.archive_id in self.library.broken
        ledger, index = self.library.ledger(one.archive_id), index_of(one.name)
        if index is None:
            known = ledger.manifest(connection.id)
            return one.remote_id is not None and one.remote_id in {ledger.remote_id(connection.id, None), known[0] if known else None}
        if index >= ledger.batch_count:
            return False
        if one.remote_id is not None and ledger.remote_id(connection.id, index) == one.remote_id:
            return True
        return not ledger.is_cached(index) and not any(ledger.is_stored(each, index) for each in self.library.valid)
