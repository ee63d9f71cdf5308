"""What a test does to a fake Drive in this process: every method takes and gives what JSON can say."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.drive_faults import Fault, Storm, operations
from tests.fakes.drive_files import FOLDER, ROOT_ID, File, new_id
from tests.fakes.drive_world import World

_FLIPPED = 0x40


class Controls:
    """Called by name: by a FakeDrive directly, by a DriveProcess over the control path."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._files = world.files

    # Accounts

    def grant(self, client_id: str, client_secret: str, email: str, scope: str) -> str:
        return self._world.oauth.grant(client_id, client_secret, email, scope)

    def client(self, client_id: str, client_secret: str) -> None:
        self._world.oauth.clients[client_id] = client_secret

    def service_key(self, email: str, client_id: str) -> str:
        self._world.oauth.service(email, client_id)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
        ).decode()  # fmt: skip

    def tokens(self, lifetime_s: float) -> None:
        self._world.oauth.lifetime_s = lifetime_s

    def device(self, interval_s: float, lifetime_s: float) -> None:
        self._world.oauth.device_interval_s, self._world.oauth.device_lifetime_s = interval_s, lifetime_s

    def expire_tokens(self) -> None:
        self._world.oauth.expire()

    def revoke(self, client_id: str | None) -> None:
        self._world.oauth.revoke(client_id)

    def decide(self, decision: str, user_code: str | None) -> None:
        self._world.oauth.decide(decision, user_code)

    # Faults and the line

    def fault(self, kind: Any, match: Any, times: int | None, after: int, file_id: str | None, how: dict[str, Any]) -> None:
        self._world.faults.add(Fault(kind, operations(match), times, after, file_id, how))

    def storm(self, seed: int, rate: float, kinds: list[Any], match: Any) -> None:
        self._world.faults.storm(Storm(seed, rate, kinds, operations(match)))

    def calm(self) -> None:
        self._world.faults.clear()
        self._world.line.thaw()

    def line(self, up_bytes_per_s: float | None, down_bytes_per_s: float | None, latency_s: float) -> None:
        self._world.line.shape(up_bytes_per_s, down_bytes_per_s, latency_s)

    def freeze(self) -> None:
        self._world.line.freeze()

    def thaw(self) -> None:
        self._world.line.thaw()

    def lag(self, seconds: float, creations: int) -> None:
        self._world.lag.seconds, self._world.lag.creations = seconds, creations

    def quota(self, limit_bytes: int | None, used_bytes: int | None) -> None:
        """``used_bytes`` in all: what our files do not use is used by something else."""
        self._world.limit_bytes = limit_bytes
        if used_bytes is not None:
            self._world.foreign_bytes = used_bytes - self._files.used_bytes()

    def expire_sessions(self, status: int) -> None:
        self._world.expired_status = status
        with self._world.lock:
            self._world.sessions.clear()

    # Behind the client's back

    def flip(self, file_id: str, offset_bytes: int) -> None:
        with self._files.lock:
            file = self._file(file_id)
            path = self._own_content(file)
            content = bytearray(path.read_bytes())
            content[offset_bytes] ^= _FLIPPED
            path.write_bytes(content)
            self._changed(file)

    def truncate(self, file_id: str, size_bytes: int) -> None:
        with self._files.lock:
            file = self._file(file_id)
            path = self._own_content(file)
            path.write_bytes(path.read_bytes()[:size_bytes])
            self._changed(file)

    def _own_content(self, file: File) -> Path:
        """A fresh copy to be changed: a download that is under way keeps reading what it began with."""
        assert file.content is not None
        path = self._files.content_path(file.id)
        shutil.copyfile(file.content, path)
        file.content.unlink()
        file.content = path
        return path

    def _changed(self, file: File) -> None:
        """Drive reports what lies there, not what was sent."""
        assert file.content is not None
        self._files.change(file, checksums=self._files.summed(file, file.checksums), size_bytes=file.content.stat().st_size)

    def trash(self, file_id: str, trashed: bool) -> None:
        with self._files.lock:
            self._files.change(self._file(file_id), trashed=trashed)

    def delete(self, file_id: str) -> None:
        with self._files.lock:
            self._files.remove(self._file(file_id).id)

    def duplicate(self, file_id: str) -> str:
        with self._files.lock:
            source = self._file(file_id)
            made = File(new_id(), source.name, source.client_id, list(source.parents), source.mime_type, dict(source.app_properties))
            self._files.add(made)
            if source.content is not None:
                self._files.write(made, source.content.read_bytes(), source.checksums)
            return made.id

    def drop_checksums(self, file_id: str | None, names: list[str]) -> None:
        with self._files.lock:
            for file in self._files.by_id.values() if file_id is None else [self._file(file_id)]:
                file.checksums = {name: value for name, value in file.checksums.items() if name not in names}

    def report_checksums(self, names: list[str]) -> None:
        """Of all files that are to come."""
        self._world.checksums = tuple(names)

    def abusive(self, file_id: str, is_abusive: bool) -> None:
        (self._world.abusive.add if is_abusive else self._world.abusive.discard)(file_id)

    def seed(self, records: list[dict[str, Any]]) -> list[str]:
        with self._files.lock:
            return [self._seeded(record) for record in records]

    def _seeded(self, record: dict[str, Any]) -> str:
        file = File(
            id=record.get("id") or new_id(),
            name=record["name"],
            client_id=record["client_id"],
            parents=[ROOT_ID if record.get("parent") in {None, "root"} else record["parent"]],
            mime_type=FOLDER if record.get("is_folder") else "application/octet-stream",
            app_properties=record.get("app_properties") or {},
            trashed=bool(record.get("trashed")),
        )
        if not file.is_folder:
            file.size_bytes, file.checksums = record.get("size_bytes") or 0, record.get("checksums") or {}
        self._files.add(file)
        if (content := record.get("content")) is not None:
            self._files.write(file, base64.b64decode(content), self._world.checksums)
        return file.id

    def _file(self, file_id: str) -> File:
        """Raises KeyError, also for what was deleted."""
        return self._files.by_id[file_id]

    # Inspection

    def files(self) -> list[dict[str, Any]]:
        with self._files.lock:
            return [self._record(file) for file in self._files.by_id.values()]

    def _record(self, file: File) -> dict[str, Any]:
        return {
            "id": file.id, "name": file.name, "parents": file.parents, "is_folder": file.is_folder,
            "app_properties": file.app_properties,
            "size_bytes": file.size_bytes, "checksums": file.checksums, "trashed": self._files.is_trashed(file),
            "client_id": file.client_id,
            "content_path": None if file.content is None else str(file.content),
        }  # fmt: skip

    def sessions(self) -> list[dict[str, Any]]:
        with self._world.lock:
            return [
                {
                    "id": one.id, "file_id": one.file.id, "name": one.file.name, "kept_bytes": one.kept_bytes,
                    "total_bytes": one.total_bytes,
                    "is_complete": one.result is not None,
                }
                for one in self._world.sessions.values()
            ]  # fmt: skip

    def counters(self) -> dict[str, Any]:
        world = self._world
        with world.lock:
            return {
                "requests": dict(world.requests), "faults": dict(world.faults.happened), "sent_bytes": world.sent_bytes,
                "received_bytes": world.meter.received_bytes, "received_twice_bytes": world.meter.received_twice_bytes,
            }  # fmt: skip

    def violations(self) -> list[str]:
        with self._world.lock:
            return list(self._world.violations)
