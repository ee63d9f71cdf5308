"""Connections: configured remotes; added, validated, activated, renamed, removed."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance import clock, durable
from appliance.catalog.ledger import Ledger
from appliance.errors import ApplianceError, BadRequest, Conflict, NotFound, Refused, RemoteDamaged, RemoteError, RemoteForeign
from appliance.library import Library
from appliance.remotes.folder import FolderRemote
from appliance.remotes.remote import Remote, Usage
from appliance.transfer.gates import FREE_GATE
from mqtt.messages import ConnectionState

log = logging.getLogger("connections")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """What is kept of one connection. ``folder_id`` tells the disk at ``path`` from another one mounted there."""

    id: str
    kind: str
    name: str
    path: str
    folder_id: str
    added_at: str
    valid: bool = False
    active: bool = False
    validated_at: str | None = None

    def to_document(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in self.__slots__ if key != "id"}

    @classmethod
    def from_document(cls, connection_id: str, document: Mapping[str, Any]) -> Connection:
        return cls(id=connection_id, **{key: document[key] for key in cls.__slots__ if key in document and key != "id"})


class Connections:
    """Thread-safe. ``wrap`` is put around every remote that is opened: tests script faults there."""

    def __init__(self, library: Library, wrap: Callable[[Remote], Remote] = lambda remote: remote) -> None:
        self._library = library
        self._table = library.db.table("connections")
        self._wrap = wrap
        self._lock = threading.RLock()
        self._remotes: dict[str, Remote] = {}
        self._usage: dict[str, Usage] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._epoch = self._read_epoch()

    def _read_epoch(self) -> str:
        # Outside the catalog, so that an appliance whose catalog was rebuilt still owns its remotes.
        file = self._library.folder.secrets / "epoch"
        if not file.exists():
            durable.replace(file, f"{secrets.token_hex(16)}\n".encode())
        return file.read_text().strip()

    def on_change(self, listener: Callable[[str], None]) -> None:
        """``listener(connection_id)`` after each change."""
        self._listeners.append(listener)

    def all(self) -> list[Connection]:
        """In the order in which they were added."""
        found = [Connection.from_document(key, document) for key, document in self._table.items()]
        return sorted(found, key=lambda connection: connection.added_at)

    def get(self, connection_id: str) -> Connection | None:
        return next((connection for connection in self.all() if connection.id == connection_id), None)

    def find(self, text: str) -> Connection:
        """By id, name or unique prefix of an id. Raises NotFound."""
        known = self.all()
        hits = [c for c in known if text in (c.id, c.name)] or [c for c in known if c.id.startswith(text)]
        if len(hits) != 1:
            raise NotFound(f"there is no connection {text[:64]!r}; `pyarchive connection list` shows all")
        return hits[0]

    @property
    def active(self) -> Connection | None:
        return next((connection for connection in self.all() if connection.active), None)

    def remote(self, connection_id: str) -> Remote:
        """The code that speaks to it; one object per connection. Raises NotFound."""
        with self._lock:
            if connection_id not in self._remotes:
                self._remotes[connection_id] = self._open(self.find(connection_id))
            return self._remotes[connection_id]

    def _open(self, connection: Connection) -> Remote:
        remote = FolderRemote(
            Path(connection.path), self._library.folder.appliance_id, connection.id, self._epoch, folder_id=connection.folder_id
        )
        return self._wrap(remote)

    def add(self, name: str, path: str) -> str:
        """A folder. Raises BadRequest, Conflict (name taken), RemoteError (not there, not writable, not ours)."""
        place = self._checked_place(path)
        if any(connection.name == name for connection in self.all()):
            raise Conflict(f"a connection named {name!r} exists already; choose another name")
        connection_id = secrets.token_hex(4)
        folder_id = FolderRemote(place, self._library.folder.appliance_id, connection_id, self._epoch, folder_id=None).create()
        self._refuse_second(folder_id)
        self._save(
            Connection(id=connection_id, kind="folder", name=name, path=str(place), folder_id=folder_id, added_at=clock.iso(clock.now()))
        )
        log.info("connection %s added: folder %s", name, place)
        return connection_id

    def _refuse_second(self, folder_id: str) -> None:
        """One folder is one copy, by whatever path it is reached."""
        same = next((connection for connection in self.all() if connection.folder_id == folder_id), None)
        if same is not None:
            raise Conflict(f"this folder is connection {same.name!r} already; a second copy needs another disk")

    def _checked_place(self, path: str) -> Path:
        place = Path(path)
        if "\0" in path or not place.is_absolute():
            raise BadRequest("the folder's path must be absolute, as in /media/backup")
        if not place.is_dir():
            raise BadRequest(f"there is no folder {place}; create it, or mount its disk")
        store = self._library.folder.store.resolve()
        if place.resolve() == store or store in place.resolve().parents or place.resolve() in store.parents:
            raise BadRequest(f"{place} holds or lies in the store itself; a copy there would be no second copy")
        return place

    def validate(self, connection_id: str) -> Connection:
        """Write, read and delete a probe, and read something old back. Raises the remote's error, and says invalid where it means that."""
        connection = self.find(connection_id)
        remote = self.remote(connection.id)
        try:
            remote.prepare()
            remote.probe()
            self._read_something_old(connection.id, remote)
        except RemoteForeign:
            self.change(connection.id, valid=False)
            raise
        return self.change(connection.id, valid=True, validated_at=clock.iso(clock.now()))

    def _read_something_old(self, connection_id: str, remote: Remote) -> None:
        """A new object can be fine while the old ones are out of reach (another client id, another disk)."""
        for view in self._library.all_views():
            ledger = self._library.ledger(view.archive.id) if connection_id in view.standings else None
            index = _first_stored(ledger, connection_id) if ledger else None
            if ledger is None or index is None:
                continue
            found = remote.stat(ledger.remote_id(connection_id, index) or "")
            if found is None or found.sha256 != ledger.batch_sha256(index):
                raise RemoteDamaged(f"batch {index} of {view.archive.title!r} is not as it was stored; run `pyarchive verify --remote`")
            for _ in remote.get(found.remote_id, 0, min(4096, found.size_bytes), FREE_GATE):
                pass
            return

    def activate(self, connection_id: str) -> Connection:
        """Raises Conflict where it was not validated. Nothing that is stored elsewhere is touched."""
        connection = self.find(connection_id)
        if not connection.valid:
            raise Conflict(f"connection {connection.name!r} is not valid; run `pyarchive connection validate {connection.id}` first")
        with self._lock:
            changes = {c.id: {**c.to_document(), "active": c.id == connection.id} for c in self.all()}
            self._library.db.apply({"connections": changes})
        self.publish()
        return self.find(connection.id)

    def rename(self, connection_id: str, name: str) -> Connection:
        if any(connection.name == name and connection.id != connection_id for connection in self.all()):
            raise Conflict(f"a connection named {name!r} exists already; choose another name")
        return self.change(connection_id, name=name)

    def remove(self, connection_id: str) -> None:
        """Forget it; the remote is not touched. Raises Refused while it holds the only copy of anything."""
        connection = self.find(connection_id)
        with self._library.giving_up:
            self._refuse_only_copies(connection.id)
            self._library.db.apply({"connections": {connection.id: None}})
            with self._lock:
                self._remotes.pop(connection.id, None)
            self.publish()
        for view in self._library.all_views():
            if connection.id in view.standings:
                self._library.ledger(view.archive.id).forget(connection.id)
                self._library.changed(view.archive.id)
        self.tell(connection.id)

    def _refuse_only_copies(self, connection_id: str) -> None:
        only = [view.archive for view in self._library.all_views() if self._is_only_copy(view.archive.id, connection_id)]
        if only:
            raise Refused(
                f"{len(only)} archives ({sum(a.size_bytes for a in only):,} bytes) have their only copy there, {only[0].title!r} among "
                "them; restore them first"
            )

    def _is_only_copy(self, archive_id: str, connection_id: str) -> bool:
        view = self._library.view(archive_id)
        here = view.standings.get(connection_id)
        if here is None or not here.batches_stored or (view.local and view.cached == view.batches):
            return False
        others = view.standings.keys() & self._library.valid - {connection_id}
        return not any(view.standings[other].batches_stored == view.batches for other in others)

    def change(self, connection_id: str, **changes: Any) -> Connection:
        """Change kept fields. Raises NotFound."""
        with self._lock:
            document = {**self.find(connection_id).to_document(), **changes}
            self._library.db.apply({"connections": {connection_id: document}})
        self.publish()
        return Connection.from_document(connection_id, document)

    def publish(self) -> None:
        """Tell the library and the listeners which connections count."""
        known = self.all()
        valid, active = {c.id for c in known if c.valid}, next((c.id for c in known if c.active), None)
        if (frozenset(valid), active) != (self._library.valid, self._library.active):
            self._library.connections_changed(valid, active)
        for connection in known:
            self.tell(connection.id)

    def refresh_usage(self) -> None:
        """Ask every remote for its space. What does not answer keeps its last numbers."""
        for connection in self.all():
            try:
                usage = self.remote(connection.id).usage()
            except (RemoteError, ApplianceError):
                continue
            if usage != self._usage.get(connection.id):
                self._usage[connection.id] = usage
                self.tell(connection.id)

    def state(self, connection: Connection, last_error: str | None, next_try_at: datetime | None) -> ConnectionState:
        usage = self._usage.get(connection.id, Usage(None, None, None))
        return ConnectionState(
            id=connection.id,
            kind=connection.kind,
            name=connection.name,
            active=connection.active,
            valid=connection.valid,
            path=connection.path,
            validated_at=clock.from_iso(connection.validated_at) if connection.validated_at else None,
            free_bytes=usage.free_bytes,
            limit_bytes=usage.limit_bytes,
            used_bytes=usage.used_bytes,
            last_error=last_error,
            next_try_at=next_try_at,
        )

    def _save(self, connection: Connection) -> None:
        self._library.db.apply({"connections": {connection.id: connection.to_document()}})
        self.publish()

    def tell(self, connection_id: str) -> None:
        for listener in self._listeners:
            listener(connection_id)


def _first_stored(ledger: Ledger, connection_id: str) -> int | None:
    stored = ledger.stored_count(connection_id)
    return next((index for index in range(ledger.batch_count) if ledger.is_stored(connection_id, index)), None) if stored else None
