"""Connections: configured remotes; added, validated, activated, renamed, removed."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, Protocol

from appliance import clock
from appliance.archive import Archive, archives_in_words
from appliance.catalog.ledger import Ledger
from appliance.errors import (
    Adopting,
    ApplianceError,
    BadRequest,
    ClockWrong,
    Conflict,
    NotFound,
    Refused,
    RemoteAway,
    RemoteDamaged,
    RemoteError,
    RemoteForeign,
    RemoteRefused,
    RemoteStalled,
    SignInNeeded,
)
from appliance.library import Library
from appliance.remotes.kinds import Kinds, Where
from appliance.remotes.remote import Remote, Usage
from appliance.transfer.gates import FREE_GATE
from mqtt.messages import ConnectionState

if TYPE_CHECKING:
    from appliance.remotes.drive_credentials import Credentials

log = logging.getLogger("connections")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """What is kept of one connection, without its secrets. ``folder_id`` tells the disk at ``path``, or the folder on Drive, from others.

    ``adopting``: in adopt mode, and why; nothing on the remote is changed then. ``settled``: what was there when the connection
    was new has been looked at: there was nothing unknown, or it was recovered, or an admin claimed the place.
    """

    id: str
    kind: str
    name: str
    added_at: str
    path: str | None = None
    folder_id: str | None = None
    client_id: str | None = None
    valid: bool = False
    active: bool = False
    validated_at: str | None = None
    adopting: str | None = None
    settled: bool = False

    @property
    def where(self) -> Where:
        return Where(connection_id=self.id, kind=self.kind, path=self.path, folder_id=self.folder_id)

    def to_document(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in self.__slots__ if key != "id"}

    @classmethod
    def from_document(cls, connection_id: str, document: Mapping[str, Any]) -> Connection:
        return cls(id=connection_id, **{key: document[key] for key in cls.__slots__ if key in document and key != "id"})


class Adoption(Protocol):
    """Whether a place may be changed. Raises RemoteError: then nothing is known, and nothing there is changed either."""

    def why(self, connection: Connection, remote: Remote) -> str | None:
        """Why nothing there may be changed, in words; None: it may be."""
        ...

    def claimed(self, connection: Connection, remote: Remote) -> None:
        """An admin says that this appliance is to go on there. Raises Conflict while that cannot be."""
        ...


_DID_NOT_ANSWER = frozenset({RemoteAway.code, RemoteStalled.code, ClockWrong.code})
SignInState = tuple[Literal["ok", "needed", "pending"], str | None]


class Connections:
    """Thread-safe. ``wrap`` is put around every remote that is opened: tests script faults there."""

    def __init__(self, library: Library, kinds: Kinds, wrap: Callable[[Remote], Remote] = lambda remote: remote) -> None:
        self._library = library
        self._kinds = kinds
        self._table = library.db.table("connections")
        self._wrap = wrap
        self._lock = threading.RLock()
        self._remotes: dict[str, Remote] = {}
        self._usage: dict[str, Usage] = {}
        self._trouble: dict[str, RemoteError | None] = {}
        self._sign_in: Callable[[str], SignInState | None] = lambda _: None
        self._adoption: Adoption | None = None
        self._looking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._looked_at: set[str] = set()
        self._listeners: list[Callable[[str], None]] = []

    def on_change(self, listener: Callable[[str], None]) -> None:
        """``listener(connection_id)`` after each change."""
        self._listeners.append(listener)

    def ask_for_adoption(self, adoption: Adoption) -> None:
        """Before anything on a place is changed in this process."""
        self._adoption = adoption

    def ask_for_sign_ins(self, state: Callable[[str], SignInState | None]) -> None:
        """``state(connection_id)``: of a sign-in that is under way or failed; None: none."""
        self._sign_in = state

    def all(self) -> list[Connection]:
        """In the order in which they were added."""
        found = [Connection.from_document(key, document) for key, document in self._table.items()]
        return sorted(found, key=lambda connection: connection.added_at)

    def names(self) -> dict[str, str]:
        """By id."""
        return {connection.id: connection.name for connection in self.all()}

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
        return self._wrap(self._kinds.open(connection.where))

    def remote_of(self, connection_id: str, appliance_id: str) -> Remote:
        """The same place as another appliance sees it, for a recovery: only to be read."""
        return self._wrap(self._kinds.open(self.find(connection_id).where, appliance_id))

    def to_write(self, connection_id: str) -> Remote:
        """The remote, for a change. Raises Adopting while nothing there may be changed, NotFound, and what a look there raises."""
        connection = self._looked_at_first(self.find(connection_id))
        if connection.adopting:
            raise Adopting(
                f"{connection.adopting}; nothing on {connection.name!r} is changed until `pyarchive recover {quote(connection.name)}` "
                f"(or `pyarchive connection claim {quote(connection.name)} --confirm {quote(connection.name)}`)"
            )
        return self.remote(connection.id)

    def add(self, kind: str, name: str, *, path: str | None = None, credentials: str | None = None, folder_id: str | None = None) -> str:
        """Raises BadRequest, Conflict (name or place taken), RemoteError (not there, not writable)."""
        if any(connection.name == name for connection in self.all()):
            step = f"choose another name, or go on with that one (`pyarchive connection show {quote(name)}` tells what it lacks)"
            raise Conflict(f"a connection named {name!r} exists already; {step}")
        connection_id = secrets.token_hex(4)
        where = Where(connection_id=connection_id, kind=kind, path=path, folder_id=folder_id)
        client_id = self._kinds.keep_credentials(where, credentials)
        try:
            if kind == "folder":
                where = self._marked_folder(where)
        except ApplianceError:
            self._kinds.forget(connection_id)
            raise
        self._save(
            Connection(
                id=connection_id, kind=kind, name=name, path=where.path, folder_id=where.folder_id, client_id=client_id,
                added_at=clock.iso(clock.now()),
            )
        )  # fmt: skip
        log.info("connection %s added: %s", name, where.path or kind)
        return connection_id

    def _marked_folder(self, where: Where) -> Where:
        place = self._checked_place(where.path or "")
        where = replace(where, path=str(place))
        folder_id = self._kinds.open(where).create()
        self._refuse_second(where.connection_id, folder_id)
        return replace(where, folder_id=folder_id)

    def _refuse_second(self, connection_id: str, folder_id: str) -> None:
        """One folder is one copy, by whatever path or account it is reached."""
        same = next((c for c in self.all() if c.folder_id == folder_id and c.id != connection_id), None)
        if same is not None:
            raise Conflict(f"this folder is connection {same.name!r} already; a second copy needs another disk or account")

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

    def credentials(self, connection_id: str) -> Credentials:
        """Raises BadRequest where the kind has none, SignInNeeded where they are gone."""
        connection = self.find(connection_id)
        if connection.kind == "folder":
            raise BadRequest(f"{connection.name!r} is a folder: nobody signs in there")
        return self._kinds.credentials(connection.id)

    def change_credentials(self, connection_id: str, credentials: str) -> Connection:
        """Other credentials for the same place; validate it next. Raises BadRequest (also: a folder has none)."""
        connection = self.find(connection_id)
        client_id = self._kinds.keep_credentials(connection.where, credentials)
        with self._lock:
            self._remotes.pop(connection.id, None)
            self._trouble.pop(connection.id, None)  # of the credentials before
        return self.change(connection.id, client_id=client_id)

    def validate(self, connection_id: str) -> Connection:
        """Write, read and delete a probe, and read something old back. Raises the remote's error, and says invalid where it means that."""
        connection = self._with_folder(self.find(connection_id))
        remote = self.remote(connection.id)
        try:
            if not connection.settled:
                self._look_anew(connection)
            if self._looked_at_first(self.find(connection.id)).adopting is None:
                remote.prepare()
                remote.probe()
                self._read_something_old(connection.id, remote)
        except (RemoteForeign, RemoteRefused, SignInNeeded):
            self.change(connection.id, valid=False)
            raise
        self._look_at(connection.id)
        return self.change(connection.id, valid=True, validated_at=clock.iso(clock.now()))

    def _looked_at_first(self, connection: Connection) -> Connection:
        """Once a process, before the first change: whether what is there is known here."""
        if connection.adopting or connection.id in self._looked_at:
            return connection
        with self._looking[connection.id]:
            if connection.id not in self._looked_at:
                self._look_anew(connection)
        return self.find(connection.id)

    def _look_anew(self, connection: Connection) -> None:
        why = self._adoption.why(connection, self.remote(connection.id)) if self._adoption else None
        if (why, why is None) != (connection.adopting, connection.settled):
            self.change(connection.id, adopting=why, settled=why is None)
        if why is None:
            self._looked_at.add(connection.id)

    def claim(self, connection_id: str) -> Connection:
        """End adopt mode: this appliance is the place's writer from now on; what is unknown there stays as it is. Raises RemoteError."""
        connection = self.find(connection_id)
        if connection.adopting:
            remote = self.remote(connection.id)
            if self._adoption:
                self._adoption.claimed(connection, remote)
            remote.take_over()
        return self.settle(connection.id)

    def settle(self, connection_id: str) -> Connection:
        """The end of adopt mode."""
        self._looked_at.add(connection_id)
        return self.change(connection_id, adopting=None, settled=True)

    def adopt(self, connection_id: str, why: str) -> Connection:
        """Adopt mode from here on: what lies there has to be looked at again."""
        self._looked_at.discard(connection_id)
        return self.change(connection_id, adopting=why, settled=False)

    def _with_folder(self, connection: Connection) -> Connection:
        """Drive's folder is found or made when the connection is validated first: only then somebody has signed in."""
        if connection.folder_id and connection.validated_at:
            return connection
        folder_id = self._kinds.open(connection.where).create()
        self._refuse_second(connection.id, folder_id)
        with self._lock:
            self._remotes.pop(connection.id, None)
        return self.change(connection.id, folder_id=folder_id)

    def _read_something_old(self, connection_id: str, remote: Remote) -> None:
        """A new object can be fine while the old ones are out of reach (another client id, another disk)."""
        for view in self._library.all_views():
            ledger = self._library.ledger(view.archive.id) if connection_id in view.standings else None
            index = _first_stored(ledger, connection_id) if ledger else None
            if ledger is None or index is None:
                continue
            found = remote.stat(ledger.remote_id(connection_id, index) or "")
            if found is None or found.sha256 not in {None, ledger.batch_sha256(index)}:
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
        renamed = self.change(connection_id, name=name)
        self._tell_archives(renamed.id)  # their states carry the name
        return renamed

    def _tell_archives(self, connection_id: str) -> None:
        for view in self._library.all_views():
            if connection_id in view.standings:
                self._library.changed(view.archive.id)

    def remove(self, connection_id: str) -> None:
        """Forget it; the remote is not touched. Raises Refused while it holds the only copy of anything."""
        connection = self.find(connection_id)
        with self._library.giving_up:
            self.refuse_only_copies(connection.id)
            self._library.db.apply({"connections": {connection.id: None}})
            with self._lock:
                self._remotes.pop(connection.id, None)
                self._kinds.forget(connection.id)
            self.publish()
        for view in self._library.all_views():
            if connection.id in view.standings:
                self._library.ledger(view.archive.id).forget(connection.id)
                self._library.changed(view.archive.id)
        self.tell(connection.id)

    def refuse_only_copies(self, connection_id: str) -> None:
        """Raises Refused where anything has no whole copy elsewhere. Hold ``library.giving_up`` while you act on the answer."""
        only = [view.archive for view in self._library.all_views() if self.is_only_copy(view.archive.id, connection_id)]
        if only:
            raise Refused(_only_copies(only))

    def is_only_copy(self, archive_id: str, connection_id: str) -> bool:
        """What is stored of it there is whole nowhere else."""
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
        valid, active = {c.id for c in known if c.valid}, next((c.id for c in known if c.active and not c.adopting), None)
        if (frozenset(valid), active) != (self._library.valid, self._library.active):
            self._library.connections_changed(valid, active)
        for connection in known:
            self.tell(connection.id)

    def look(self) -> dict[str, RemoteError]:
        """Ask every remote for its space, and keep what must be used to stay valid. What failed, by connection.

        What does not answer keeps its last numbers.
        """
        found = {}
        for connection in self.all():
            error = self._look_at(connection.id)
            if error is not None:
                found[connection.id] = error
            if str(error) != str(self._trouble.get(connection.id)):
                self._trouble[connection.id] = error
                self.tell(connection.id)
        return found

    def answered(self, connection_id: str) -> None:
        """It did what it was asked to: what the last look at it found is not true any more."""
        if self._trouble.pop(connection_id, None):
            self.tell(connection_id)

    def _look_at(self, connection_id: str) -> RemoteError | None:
        try:
            remote = self.remote(connection_id)
            remote.keep_signed_in()
            usage = remote.usage()
        except RemoteError as error:
            return error
        except ApplianceError:  # removed meanwhile
            return None
        if usage != self._usage.get(connection_id):
            self._usage[connection_id] = usage
            self.tell(connection_id)
        return None

    def state(
        self, connection: Connection, last_error: str | None, next_try_at: datetime | None, last_error_code: str | None
    ) -> ConnectionState:
        """``last_error_code`` is the code of the error that closed the line; an idle line has the error of the last look."""
        trouble = self._trouble.get(connection.id)
        if last_error is None and trouble is not None:
            last_error, last_error_code = str(trouble), trouble.code
        usage = self._usage.get(connection.id, Usage(None, None, None))
        remote = self._remotes.get(connection.id)
        sign_in, sign_in_message = self._sign_in(connection.id) or (self._usual_sign_in(connection, last_error_code), None)
        return ConnectionState(
            id=connection.id,
            kind=connection.kind,
            name=connection.name,
            active=connection.active,
            valid=connection.valid,
            path=connection.path,
            account=remote.account() if remote else None,
            folder_id=None if connection.kind == "folder" else connection.folder_id,
            client_id=connection.client_id,
            reachable=last_error_code not in _DID_NOT_ANSWER,
            sign_in=sign_in,
            sign_in_message=sign_in_message,
            adopting=connection.adopting,
            validated_at=clock.from_iso(connection.validated_at) if connection.validated_at else None,
            free_bytes=usage.free_bytes,
            limit_bytes=usage.limit_bytes,
            used_bytes=usage.used_bytes,
            last_error=last_error,
            next_try_at=next_try_at,
        )

    def _usual_sign_in(self, connection: Connection, error_code: str | None) -> Literal["not_needed", "ok", "needed"]:
        if connection.kind == "folder":
            return "not_needed"
        is_signed_in = connection.validated_at is not None or self._kinds.is_signed_in(connection.id)
        return "ok" if is_signed_in and error_code != SignInNeeded.code else "needed"

    def _save(self, connection: Connection) -> None:
        self._library.db.apply({"connections": {connection.id: connection.to_document()}})
        self.publish()

    def tell(self, connection_id: str) -> None:
        for listener in self._listeners:
            listener(connection_id)


def _only_copies(archives: list[Archive]) -> str:
    size_bytes = sum(archive.size_bytes for archive in archives)
    undo = " (`pyarchive undo` before, where one was removed)" if any(archive.removed_at for archive in archives) else ""
    if len(archives) == 1:
        return f"1 archive ({size_bytes:,} bytes) has its only copy there: {archives[0].title!r}; restore it first{undo}"
    return (
        f"{archives_in_words(len(archives))} ({size_bytes:,} bytes) have their only copy there, {archives[0].title!r} among them; "
        f"restore them first{undo}"
    )


def _first_stored(ledger: Ledger, connection_id: str) -> int | None:
    stored = ledger.stored_count(connection_id)
    return next((index for index in range(ledger.batch_count) if ledger.is_stored(connection_id, index)), None) if stored else None
