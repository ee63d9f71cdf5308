"""Adopt mode: before the first change of a place it is looked whether something lies there that this catalog does not know.

The stories behind it: a reinstalled appliance that keeps "the newest four" of backups it has never seen, a catalog put back from
an old card that takes for orphans what it has forgotten. Nothing follows from a catalog that is younger than the remote.
"""

from __future__ import annotations

from collections.abc import Callable
from shlex import quote

from appliance.archive import archives_in_words
from appliance.connections import Connection, Connections
from appliance.errors import Conflict, RemoteForeign
from appliance.library import Library
from appliance.problems import Problems
from appliance.recovery.copies import copies_on
from appliance.recovery.serials import Serials
from appliance.remotes.remote import Remote
from appliance.tombstone import all_of
from appliance.transfer.gates import FREE_GATE

RECOVERING = "a recovery from it is under way"
_PROBLEM = "adopting"


class AdoptMode:
    """What ``Connections`` asks. Raises RemoteError: then nothing is known, and nothing is changed either."""

    def __init__(self, library: Library, connections: Connections, problems: Problems, is_recovering: Callable[[str], bool]) -> None:
        self._library = library
        self._is_recovering = is_recovering
        self._connections = connections
        self._problems = problems
        self._serials = Serials(library.db)

    def watch(self) -> None:
        """From here on the connections ask, and a connection in adopt mode is a problem that needs a person."""
        self._connections.ask_for_adoption(self)
        self._connections.on_change(self._say)
        for connection in self._connections.all():
            self._say(connection.id)

    def why(self, connection: Connection, remote: Remote) -> str | None:
        """Why this place must not be changed, in words; None: it may be. Asked once a process, before the first change."""
        if self._is_recovering(connection.id):
            return RECOVERING
        if not connection.settled:
            unknown = self._own_unknown(remote) or self._taken_over(connection, remote) or self._of_others(connection, remote)
            if unknown:
                return unknown
        return self._newer_copy(remote)

    def claimed(self, connection: Connection, remote: Remote) -> None:
        """What only the copies there know is given up. Raises Conflict while it is being recovered."""
        if self._is_recovering(connection.id):
            raise Conflict(f"{RECOVERING}; wait for its end (`pyarchive recover` shows it)")
        newest = next(iter(self._copies(remote)), 0)
        self._serials.raise_to(newest)

    def _own_unknown(self, remote: Remote) -> str | None:
        known = set(self._library.ids()) | self._library.broken.keys() | {stone.archive_id for stone in all_of(self._library.db)}
        unknown = [archive_id for archive_id in remote.list_archives() if archive_id not in known]
        if not any(self._has_objects(remote, archive_id) for archive_id in unknown):
            return None
        return f"{archives_in_words(len(unknown))} of this appliance there are not in its catalog"

    @staticmethod
    def _has_objects(remote: Remote, archive_id: str) -> bool:
        """Empty folders are left where all was trashed. The first object is enough: a folder would read each of them."""
        return any(True for _ in remote.list_objects(archive_id, FREE_GATE))

    def _taken_over(self, connection: Connection, remote: Remote) -> str | None:
        """Where we have something stored, a foreign epoch is no matter of adoption: somebody has taken our place over."""
        try:
            remote.check()
        except RemoteForeign:
            if any(connection.id in view.standings and view.standings[connection.id].batches_stored for view in self._library.all_views()):
                raise
            return "somebody else has written there last under this appliance's id"
        return None

    def _of_others(self, connection: Connection, remote: Remote) -> str | None:
        """A new appliance with the old account: what lies there is what it is to have."""
        if self._library.ids() or self._library.broken:
            return None
        own = self._library.folder.appliance_id
        for appliance_id in remote.list_appliances():
            other = self._connections.remote_of(connection.id, appliance_id) if appliance_id != own else None
            count = sum(1 for _ in other.list_archives()) if other else 0
            if count:
                return f"{archives_in_words(count)} of appliance {appliance_id} there can be recovered, and this appliance has none yet"
        return None

    def _newer_copy(self, remote: Remote) -> str | None:
        newest = next(iter(self._copies(remote)), 0)
        if newest <= self._serials.last.serial:
            return None
        return (
            "the copy of the catalog there is newer than this appliance's catalog, which was put back from an older state, or belongs to "
            "a copy of another appliance's card"
        )

    def _copies(self, remote: Remote) -> list[int]:
        return [copy.serial for copy in copies_on(remote, self._library.folder.appliance_id, FREE_GATE)]

    def _say(self, connection_id: str) -> None:
        connection = self._connections.get(connection_id)
        if connection is None or connection.adopting in {None, RECOVERING}:
            self._problems.clear(_PROBLEM, connection_id)
            return
        self._problems.raise_(
            _PROBLEM, connection_id,
            f"nothing on connection {connection.name} is changed: {connection.adopting}",
            f"`pyarchive recover {quote(connection.name)}` brings back what is there; "
            f"`pyarchive connection claim {quote(connection.name)} --confirm {quote(connection.name)}` goes on without it",
            needs_you=True,
        )  # fmt: skip
