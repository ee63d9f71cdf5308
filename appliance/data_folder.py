"""The folder of everything the appliance keeps: its places, its lock, its identity, the marker of the store."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from appliance import durable, migrations
from appliance.batches import drop_cache_of
from appliance.errors import ApplianceError, StoreUnavailable
from appliance.mounts import is_device_gone, is_read_only
from mqtt.topics import APPLIANCE_ID

MARKER = ".pyarchive"


class DataFolderError(ApplianceError):
    """The data folder cannot be used. The text says why and what to do."""

    code = "data_folder"


class IdChange(NamedTuple):
    """The id that the data had, and the one that it gets."""

    former: str
    new: str


class DataFolder:
    """Paths below DATA. ``open`` must succeed before anything else is touched."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.catalog = self.path / "catalog"
        self.ledger = self.path / "ledger"
        self.store = self.path / "store"
        self.spool = self.path / "spool"
        self.uploads = self.path / "uploads"
        self.trash = self.path / "trash"
        self.inbox = self.path / "inbox"
        self.secrets = self.path / "secrets"
        self.log = self.path / "log"
        self.scripts = self.path / "scripts"
        self.appliance_id = ""
        self.former_id: str | None = None
        self._lock_fd = -1

    def open(self, wanted_id: str | None, change: IdChange | None = None) -> None:
        """Lock the folder, make what is missing (never the store of an appliance that had one), know the appliance's id.

        ``change``: a recovery gives the data another id; done here where it was not yet.

        What is of an older format is brought to this one's first.

        Raises OlderFormat; DataFolderError: another appliance has it, another id is wanted than the one on the data, no right to write.
        """
        try:
            durable.make_dirs(self.path, 0o755)
            self._lock()
            self.appliance_id = self._identify(wanted_id, change)
            migrations.migrate(self.path)
            for folder, mode in (
                (self.catalog, 0o700),
                (self.ledger, 0o700),
                (self.secrets, 0o700),
                (self.spool, 0o700),
                (self.log, 0o700),
                (self.scripts, 0o700),
            ):
                durable.make_dir(folder, mode)
            for folder in (self.uploads, self.trash, self.inbox):
                durable.make_dir(folder, 0o750)
            # A start that was killed between the making of a folder and its sync left a name that a power cut could take.
            durable.sync_dir(self.path)
        except OSError as error:
            raise DataFolderError(f"cannot use the data folder {self.path}: {error.strerror}; check its owner and rights") from error

    def _lock(self) -> None:
        path = self.path / ".lock"
        fd = durable.open_lock(path)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text(errors="replace").strip() or "an unknown process"
            os.close(fd)
            raise DataFolderError(f"{self.path} is in use by another appliance ({holder}); stop it first, or use another --data") from None
        durable.note(fd, f"process {os.getpid()} on {os.uname().nodename}\n".encode())
        self._lock_fd = fd

    def _identify(self, wanted: str | None, change: IdChange | None) -> str:
        file = self.path / "appliance_id"
        known = file.read_text().strip() if file.exists() else None
        if known is not None and not APPLIANCE_ID.fullmatch(known):
            raise DataFolderError(f"{file} does not hold an appliance id; put the old one back (it names the folder on your remote)")
        if change and known in change:
            known = self._become(change, known, wanted)
        if known and wanted and known != wanted:
            raise DataFolderError(
                f"{self.path} belongs to appliance {known}, not {wanted}; unset PYARCHIVE_APPLIANCE_ID or use another data folder"
            )
        if known is None:
            known = wanted or f"pyarchive-{secrets.token_hex(4)}"
            durable.replace(file, f"{known}\n".encode(), 0o644)
        return known

    def _become(self, change: IdChange, known: str, wanted: str | None) -> str:
        if wanted is not None and wanted != change.new:
            raise DataFolderError(
                f"{self.path} becomes appliance {change.new} by a recovery; unset PYARCHIVE_APPLIANCE_ID ({wanted}) and start again"
            )
        if known != change.new:
            durable.replace(self.path / "appliance_id", f"{change.new}\n".encode(), 0o644)
        self.former_id = change.former
        return change.new

    def make_store(self) -> None:
        """The first start: the store with its marker. Safe to repeat."""
        durable.make_dir(self.store, 0o750)
        if not (self.store / MARKER).exists():
            self._mark_store()

    def _mark_store(self) -> None:
        content = {"format": "pyarchive-store", "version": 1, "appliance_id": self.appliance_id}
        durable.replace(self.store / MARKER, json.dumps(content).encode(), 0o644)

    def check_store(self, *, past_cache: bool = False) -> None:
        """Raises StoreUnavailable where the store's disk is away, another one, or read-only.

        ``past_cache``: the disk itself is asked. A disk that was pulled stays mounted, and what was read of it before is still there.
        A store that carries the id that this data had before a recovery is marked anew, whenever its disk comes.
        """
        try:
            if past_cache:
                drop_cache_of(self.store / MARKER)
            marker = json.loads((self.store / MARKER).read_text())
        except FileNotFoundError:
            raise StoreUnavailable(f"the store {self.store} is away (its marker {MARKER} is missing); connect and mount its disk") from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not what was written"
            raise StoreUnavailable(f"the store's marker {self.store / MARKER} cannot be read ({why}); connect and mount its disk") from None
        if is_device_gone(self.store):
            raise StoreUnavailable(f"the disk of the store {self.store} has left, though it is still mounted; connect and mount it again")
        owner = marker.get("appliance_id")
        if owner not in {self.appliance_id, self.former_id or self.appliance_id}:
            raise StoreUnavailable(f"the disk at {self.store} belongs to appliance {owner}; mount the right one")
        if is_read_only(self.store):
            raise StoreUnavailable(f"the store {self.store} is read-only; check its disk (dmesg), then mount it writable again")
        if owner != self.appliance_id:
            try:
                self._mark_store()
            except OSError as error:
                raise StoreUnavailable(f"the store {self.store} cannot be marked: {error.strerror}; check its disk") from error

    def close(self) -> None:
        """Give the lock back."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1
