"""What could be recovered from a connection, and whose it is. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from appliance import clock
from appliance.archive import archives_in_words
from appliance.connections import Connection, Connections
from appliance.errors import Conflict, Damaged, NewerFormat, NotFound
from appliance.integrity.inventory import Inventory
from appliance.jobs import Job
from appliance.library import Library
from appliance.recovery.copies import copies_on
from appliance.recovery.nearby import nearby
from appliance.remotes.layout import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest
from appliance.remotes.remote import Gate, Remote
from appliance.transfer.gates import FREE_GATE, CheckGate


@dataclass(frozen=True, slots=True)
class Looking:
    """Raises RemoteError."""

    library: Library
    connections: Connections

    def look(self, connection_id: str, job: Job) -> dict[str, Any]:
        """The result of recovery/look."""
        connection = self.connections.find(connection_id)
        gate = CheckGate(job.stopped.is_set, lambda _: None)
        found = [self._shown(connection, appliance_id, gate) for appliance_id in self._present(connection)]
        return {"appliances": found, "hint": None if found else _hint(connection)}

    def choose(self, connection: Connection, wanted: str | None) -> str:
        """Whose archives are meant: those of this appliance, else the only ones. Raises NotFound, Conflict (several could be)."""
        present, own = self._present(connection), self.library.folder.appliance_id
        if wanted is not None:
            if wanted not in present:
                raise NotFound(f"nothing of appliance {wanted} lies on {connection.name!r}; there is: {self._named(connection, present)}")
            return wanted
        if own in present:
            return own
        if not present:
            raise NotFound(
                f"there is nothing to recover on {connection.name!r}: no appliance has archives or a copy of its catalog there; "
                f"{_hint(connection)}. If nothing is to be there, `pyarchive connection claim {quote(connection.name)} "
                f"--confirm {quote(connection.name)}` lets this appliance go on there"
            )
        if len(present) > 1:
            raise Conflict(
                f"several appliances have something on {connection.name!r}: {self._named(connection, present)}; choose one: "
                f"`pyarchive recover {quote(connection.name)} --from {present[0]}`"
            )
        return present[0]

    def _present(self, connection: Connection) -> list[str]:
        """Appliances with an archive or a copy of a catalog; an empty place of one that was never used is passed over."""
        found = self.connections.remote(connection.id).list_appliances()
        return [appliance_id for appliance_id in found if self._has_something(self._remote(connection, appliance_id), appliance_id)]

    @staticmethod
    def _has_something(remote: Remote, appliance_id: str) -> bool:
        return any(True for _ in remote.list_archives()) or bool(copies_on(remote, appliance_id, FREE_GATE))

    def _named(self, connection: Connection, appliance_ids: list[str]) -> str:
        counts = {each: sum(1 for _ in self._remote(connection, each).list_archives()) for each in appliance_ids}
        return ", ".join(f"{each} ({archives_in_words(count)})" for each, count in counts.items()) or "nothing"

    def _remote(self, connection: Connection, appliance_id: str) -> Remote:
        if appliance_id == self.library.folder.appliance_id:
            return self.connections.remote(connection.id)
        return self.connections.remote_of(connection.id, appliance_id)

    def _shown(self, connection: Connection, appliance_id: str, gate: Gate) -> dict[str, Any]:
        remote = self._remote(connection, appliance_id)
        sizes = _sizes_by_manifest(remote, gate) if remote.is_local else _sizes_by_sweep(remote, gate)
        is_ours = appliance_id == self.library.folder.appliance_id
        unknown = [archive_id for archive_id in sizes if archive_id not in self.library.views]
        made = next((copy.header.made_at for copy in copies_on(remote, appliance_id, gate) if copy.header), None)
        return {
            "appliance_id": appliance_id, "archives": len(sizes), "bytes": sum(sizes.values()), "unknown_here": len(unknown),
            "ours": is_ours, "catalog_copy_at": clock.iso(made) if made else None,
        }  # fmt: skip


def _hint(connection: Connection) -> str:
    if connection.path is None:
        return "look whether it is the account, the OAuth client and the folder that the archives were stored with"
    meant = nearby(Path(connection.path))
    if meant is None:
        return "look whether it is the right folder: the one in which folders of appliances lie (such as pyarchive-61a732f0)"
    return f"{meant} looks like the right folder: `pyarchive connection add folder --name NAME --path {quote(str(meant))}`"


def _sizes_by_sweep(remote: Remote, gate: Gate) -> dict[str, int]:
    """Of what is stored of each archive."""
    inventory = Inventory.taken(remote, gate)
    return {
        archive_id: sum(one.size_bytes for one in inventory.of(archive_id) if one.name != MANIFEST_NAME and not one.trashed)
        for archive_id in inventory.archives()
    }


def _sizes_by_manifest(remote: Remote, gate: Gate) -> dict[str, int]:
    """Of the files, as their manifests tell: listing a folder's batches would read all of them. 0 where no manifest tells it."""
    return {archive_id: _told_size(remote, archive_id, gate) for archive_id in remote.list_archives()}


def _told_size(remote: Remote, archive_id: str, gate: Gate) -> int:
    (manifest_id,) = remote.new_ids(archive_id, [MANIFEST_NAME])  # in a folder an id is a place: nothing is made
    found = remote.stat(manifest_id, gate)
    if found is None or found.size_bytes > MAX_MANIFEST_BYTES:
        return 0
    try:
        return Manifest.from_bytes(b"".join(remote.get(manifest_id, 0, found.size_bytes, gate))).size_bytes
    except (Damaged, NewerFormat):
        return 0
