"""Emptying our folder on a connection: everything of ours there moves to the remote's trash, once nothing counts on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote
from typing import Any

from appliance.archive import archives_in_words
from appliance.connections import Connection, Connections
from appliance.errors import Refused
from appliance.integrity.inventory import Inventory
from appliance.jobs import Job
from appliance.library import Library
from appliance.remotes.layout import CATALOG
from appliance.remotes.remote import Object, Remote
from appliance.tombstone import TABLE, all_of
from appliance.transfer.gates import CheckGate

log = logging.getLogger("integrity")


@dataclass(frozen=True, slots=True)
class Emptying:
    """``run`` is a job. Cut off and asked again it goes on with what is left."""

    library: Library
    connections: Connections

    def run(self, connection_id: str, job: Job, *, dry_run: bool) -> dict[str, Any]:
        """What was, or with ``dry_run`` would be, trashed. owner.json and README.txt stay: the place remains ours.

        The ledgers forget the connection first, synced: a crash in between leaves objects that nothing counts on, never the
        other way round. Raises Refused (only copies, active, adopt mode, what this catalog does not know), RemoteError, Stopped.
        """
        connection = self.connections.find(connection_id)
        self._check(connection)
        remote = self.connections.remote(connection.id)
        remote.check()
        inventory = self._inventory(remote, job)
        self._refuse_unknown(connection, inventory)
        sizes = [each.size_bytes for each in _not_trashed(inventory)]
        archives = {each.archive_id for each in _not_trashed(inventory)} - {CATALOG}
        result = {"objects": len(sizes), "bytes": sum(sizes), "archives": len(archives), "dry_run": dry_run}
        if not dry_run:
            job.total_bytes += result["bytes"]
            self._forget(connection)
            self._trash(connection, inventory, job)
            log.warning("connection %s was emptied: %d objects went to its trash", connection.name, len(sizes))
        return result

    def _inventory(self, remote: Remote, job: Job) -> Inventory:
        gate = CheckGate(job.stopped.is_set, lambda _: None)
        inventory = Inventory.taken(remote, gate)
        for copy in remote.list_objects(CATALOG, gate):
            inventory.add(copy)
        return inventory

    def _check(self, connection: Connection) -> None:
        if connection.active:
            raise Refused(f"{connection.name!r} is the active connection: all would be sent there again; activate another one first")
        if connection.adopting:
            raise Refused(
                f"{connection.name!r} is in adopt mode: {connection.adopting}; run `pyarchive recover {quote(connection.name)}` first"
            )
        if self.library.broken or self.library.db.damage:
            raise Refused("ledgers or the catalog were damaged, so nobody knows what has its only copy there; run `pyarchive verify` first")
        self.connections.refuse_only_copies(connection.id)

    def _refuse_unknown(self, connection: Connection, inventory: Inventory) -> None:
        """An archive that no ledger knows may have its only copy there."""
        buried = {stone.archive_id for stone in all_of(self.library.db) if stone.connection_id == connection.id}
        unknown = [each for each in inventory.archives() if each != CATALOG and each not in self.library.views and each not in buried]
        left = [each for each in unknown if any(not one.trashed for one in inventory.of(each))]
        if left:
            raise Refused(
                f"on {connection.name!r} lie {archives_in_words(len(left))} that this appliance does not know ({left[0]} is one); "
                "adopt them first (`pyarchive orphans --adopt`), or move them away by hand"
            )

    def _forget(self, connection: Connection) -> None:
        with self.library.giving_up:  # so that no release relies on it meanwhile
            self._check(self.connections.find(connection.id))
            for view in self.library.all_views():
                if connection.id in view.standings:
                    self.library.ledger(view.archive.id).forget(connection.id)
                    self.library.changed(view.archive.id)

    def _trash(self, connection: Connection, inventory: Inventory, job: Job) -> None:
        remote = self.connections.to_write(connection.id)
        for each in _not_trashed(inventory):
            remote.trash(each.remote_id)
            job.count(each.size_bytes)
        stones = [stone for stone in all_of(self.library.db) if stone.connection_id == connection.id]
        self.library.db.apply({TABLE: {stone.key: None for stone in stones}})


def _not_trashed(inventory: Inventory) -> Iterator[Object]:
    return (each for archive_id in inventory.archives() for each in inventory.of(archive_id) if not each.trashed)
