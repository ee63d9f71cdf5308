"""A copy of the catalog goes to the active connection every hour in which something changed; the newest five stay there."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance import clock
from appliance.connections import Connection, Connections
from appliance.errors import ApplianceError, RemoteTaken, Stopped
from appliance.library import Library
from appliance.recovery.copies import Copy, copies_on
from appliance.recovery.copy_format import ConnectionRow, copy_of, tables_of, without_secrets
from appliance.recovery.serials import Made, Serials
from appliance.remotes.layout import CATALOG
from appliance.remotes.remote import Gate, Remote
from appliance.scripts.copies import rows_with_sources
from appliance.settings import SECRET, SettingsStore
from appliance.store import BytesReader
from appliance.tombstone import TABLE as TOMBSTONES
from appliance.tombstone import Tombstone, all_of, changes
from appliance.transfer.engine import Engine
from mqtt.messages import Direction

log = logging.getLogger("recovery")
KEPT = 5
OLD_COPY = "old copy"
_LOOK_EVERY_S = 60.0
_AS_THEY_ARE = ("deployments", "scripts")


@dataclass(slots=True)
class _Upload:
    """One that was begun: gone on with as long as this process lives and the catalog stays the same."""

    made: Made
    name: str
    content: BytesReader
    remote_id: str
    session: str | None = None


class _LimitedGate:
    """Under the upload limit, and ended by a pause, timetable or metered mode, or the appliance's end."""

    def __init__(self, engine: Engine, stopped: threading.Event) -> None:
        self._engine = engine
        self._stopped = stopped

    def piece_bytes(self) -> int:
        return self._engine.throttle.piece_bytes()

    def __call__(self, size_bytes: int) -> None:
        self._engine.throttle.take(size_bytes, lambda: self._stopped.is_set() or self._engine.holds(Direction.UP))


class Copier:
    """One thread; ``run_once`` is one look of it."""

    def __init__(self, library: Library, connections: Connections, settings: SettingsStore, engine: Engine) -> None:
        self._library = library
        self._connections = connections
        self._settings = settings
        self._engine = engine
        self._serials = Serials(library.db)
        self._uploads: dict[str, _Upload] = {}
        self._seen: dict[str, dict[str, Copy]] = {}
        self._stop = threading.Event()
        self._gate = _LimitedGate(engine, self._stop)
        self._thread = threading.Thread(target=self._work, name="catalog-copy", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        self._engine.throttle.wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        while not self._stop.wait(min(_LOOK_EVERY_S, self._every.total_seconds())):
            try:
                self.run_once()
            except Stopped:
                continue
            except ApplianceError as error:
                log.info("the catalog cannot be copied now, it is tried again: %s", error)
            except Exception:
                log.exception("the catalog cannot be copied")

    @property
    def _every(self) -> timedelta:
        return timedelta(minutes=self._settings.current.catalog_copy_minutes)

    def run_once(self) -> bool:
        """A copy was stored. Raises RemoteError, DiskFull, CatalogUnwritable, Stopped (nothing may be sent, or the appliance ends)."""
        connection = next((each for each in self._connections.all() if self._is_due(each)), None)
        if connection is None or self._engine.holds(Direction.UP):
            return False
        tables = tables_of(
            {name: self._rows(name) for name in ("archives", "connections", "settings", "tombstones", "users", *_AS_THEY_ARE)}
        )
        sha256 = hashlib.sha256(tables).hexdigest()
        before = self._serials.of(connection.id)
        if before is not None and before.sha256 == sha256:
            return False
        self._store(connection, tables, self._serials.next(sha256))
        return True

    def _is_due(self, connection: Connection) -> bool:
        if not (connection.active and connection.valid) or connection.adopting:
            return False
        before = self._serials.of(connection.id)
        since = clock.now() - before.at if before and before.at else None
        return since is None or not timedelta() <= since < self._every

    # What is in it

    def _rows(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if table == "archives":
            return self._archives()
        if table == "connections":
            fields = set(ConnectionRow.model_fields)
            return ((each.id, {k: v for k, v in each.to_document().items() if k in fields}) for each in self._connections.all())
        if table == "tombstones":  # but for those of copies: else each copy would be a change that the next one is made for
            return ((each.key, each.to_document()) for each in all_of(self._library.db) if each.archive_id != CATALOG)
        if table == "scripts":
            return rows_with_sources(self._library.db, self._library.folder.scripts)
        rows = self._library.db.table(table).items()
        if table == "settings":
            kept = dict(rows).get("values", {})
            return iter([("values", {name: value for name, value in kept.items() if name not in SECRET})])
        return rows if table in _AS_THEY_ARE else ((row_id, without_secrets(row)) for row_id, row in rows)

    def _archives(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for view in self._library.all_views():
            each = view.archive
            removed_at = clock.iso(each.removed_at) if each.removed_at else None
            yield each.id, {"title": each.title, "owner": each.owner, "file_name": each.file_name, "size_bytes": each.size_bytes,
                            "removed_at": removed_at}  # fmt: skip

    # Its way

    def _store(self, connection: Connection, tables: bytes, made: Made) -> None:
        remote = self._connections.to_write(connection.id)
        upload = self._uploads.get(connection.id)
        if upload is None or upload.made != made:
            copies = self._copies(connection, remote)
            if any(copy.header and (copy.header.serial, copy.header.sha256) == (made.serial, made.sha256) for copy in copies):
                self._serials.stored(connection.id, made)  # a kill kept that from the catalog
                return
            upload = self._uploads[connection.id] = self._planned(remote, copies, tables, made)
        try:
            remote.put(upload.remote_id, CATALOG, upload.name, upload.content, upload.session, _noting(upload), self._gate)
        except RemoteTaken:
            del self._uploads[connection.id]
            raise
        self._serials.stored(connection.id, made)
        del self._uploads[connection.id]
        log.info("copy %d of the catalog is on %s (%d bytes)", made.serial, connection.name, upload.content.size_bytes)
        self._bury_old(connection, remote)

    def _planned(self, remote: Remote, copies: list[Copy], tables: bytes, made: Made) -> _Upload:
        at = made.at or clock.now()
        name = self._free_name(at, {copy.object.name for copy in copies})
        (remote_id,) = remote.new_ids(CATALOG, [name])
        content = copy_of(tables, self._library.folder.appliance_id, made.serial, at)
        return _Upload(made, name, BytesReader(content), remote_id)

    @staticmethod
    def _free_name(at: datetime, taken: set[str]) -> str:
        """By the second. Under a name that is there already a folder would move the older copy away."""
        while (name := f"catalog-{at:%Y%m%dT%H%M%SZ}.json") in taken:
            at += timedelta(seconds=1)
        return name

    def _copies(self, connection: Connection, remote: Remote) -> list[Copy]:
        gate: Gate = self._gate
        return copies_on(remote, self._library.folder.appliance_id, gate, self._seen.setdefault(connection.id, {}))

    def _bury_old(self, connection: Connection, remote: Remote) -> None:
        """Never trashed at once: a tombstone and its grace time, as for everything of ours."""
        buried = {stone.remote_id for stone in all_of(self._library.db) if stone.connection_id == connection.id}
        stones = [
            Tombstone(
                connection_id=connection.id, remote_id=copy.object.remote_id, archive_id=CATALOG, name=copy.object.name, reason=OLD_COPY,
                at=clock.iso(clock.now()), size_bytes=copy.object.size_bytes,
            )
            for copy in self._copies(connection, remote)[KEPT:]
            if copy.object.remote_id not in buried
        ]  # fmt: skip
        self._library.db.apply({TOMBSTONES: changes(stones)})


def _noting(upload: _Upload) -> Any:
    def confirmed(session: str, _offset_bytes: int) -> None:
        upload.session = session

    return confirmed
