"""A remote in memory whose objects have ids of their own, as Drive's do: names are not unique, trashing keeps the id, listings may lag."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.errors import LocalDamaged, RemoteDamaged, RemoteError, RemoteTaken
from appliance.remotes.layout import CATALOG, MANIFEST_NAME
from appliance.remotes.remote import PIECE_BYTES, BatchReader, Confirm, Gate, Object, Remote, Trashed, Usage
from tests.inside import Inside

BATCH = 64 * 1024


@dataclass(frozen=True)
class Kept:
    """One object with its bytes."""

    archive_id: str
    name: str
    content: bytes
    trashed: bool = False


@dataclass
class Place:
    """What lies on the remote, and what a test makes of it. ``calls`` counts by method; ``raises``: method -> errors of its next calls."""

    objects: dict[str, Kept] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    raises: dict[str, list[RemoteError]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Ids that listings do not show yet."""
    absent: dict[str, int] = field(default_factory=dict)
    """Ids that are not found so many times yet."""
    no_sha256: bool = False
    no_md5: bool = False
    before: Callable[[str], None] = lambda _: None
    """Called with the name of each method before it does anything."""
    ids: Iterator[int] = field(default_factory=itertools.count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def named(self, archive_id: str, name: str, *, trashed: bool = False) -> list[str]:
        return [key for key, one in self.objects.items() if (one.archive_id, one.name, one.trashed) == (archive_id, name, trashed)]

    def flip(self, remote_id: str) -> None:
        one = self.objects[remote_id]
        self.objects[remote_id] = replace(one, content=bytes([one.content[0] ^ 1]) + one.content[1:])

    def trash(self, remote_id: str) -> None:
        self.objects[remote_id] = replace(self.objects[remote_id], trashed=True)

    def duplicate(self, remote_id: str) -> str:
        copy = f"copy-{next(self.ids)}"
        self.objects[copy] = self.objects[remote_id]
        return copy

    def enter(self, method: str) -> None:
        self.before(method)
        with self.lock:
            self.calls[method] += 1
            errors = self.raises.get(method)
            if errors:
                raise errors.pop(0)


class IdRemote:
    """``Remote`` on a Place."""

    kind = "drive"
    is_local = False

    def __init__(self, place: Place) -> None:
        self.place = place

    def create(self) -> str:
        return "place"

    def prepare(self) -> None:
        self.place.enter("prepare")

    def check(self) -> None:
        self.place.enter("check")

    def probe(self) -> None:
        self.place.enter("probe")

    def new_ids(self, archive_id: str, names: list[str], *, is_new: bool = False) -> list[str]:
        self.place.enter("new_ids")
        return [f"id-{next(self.place.ids)}" for _ in names]

    def put(
        self, remote_id: str, archive_id: str, name: str, content: BatchReader,
        session: str | None, on_confirmed: Confirm, gate: Gate,
    ) -> Object:  # fmt: skip
        self.place.enter("put")
        gate(content.size_bytes)
        sent = content.read_at(0, content.size_bytes)
        if hashlib.sha256(sent).digest() != content.sha256:
            raise LocalDamaged("the local copy does not match its checksum")
        before = self.place.objects.get(remote_id)
        if before is not None and before.content != sent and name != MANIFEST_NAME:
            raise RemoteTaken(f"under {remote_id} stands another object")
        self.place.objects[remote_id] = Kept(archive_id, name, sent)
        return Object(remote_id, archive_id, name, len(sent), content.sha256)

    def stat(self, remote_id: str, gate: Gate | None = None) -> Object | None:
        self.place.enter("stat")
        if self.place.absent.get(remote_id, 0) > 0:
            self.place.absent[remote_id] -= 1
            return None
        return self._object(remote_id) if remote_id in self.place.objects else None

    def _object(self, remote_id: str) -> Object:
        one = self.place.objects[remote_id]
        sha256 = None if self.place.no_sha256 else hashlib.sha256(one.content).digest()
        md5 = hashlib.md5(one.content, usedforsecurity=False).digest() if self.place.no_sha256 and not self.place.no_md5 else None
        return Object(remote_id, one.archive_id, one.name, len(one.content), sha256, one.trashed, md5)

    def get(self, remote_id: str, offset_bytes: int, size_bytes: int, gate: Gate) -> Iterator[bytes]:
        self.place.enter("get")
        if remote_id not in self.place.objects:
            raise RemoteDamaged(f"{remote_id} is gone")
        content = self.place.objects[remote_id].content[offset_bytes : offset_bytes + size_bytes]
        for start in range(0, len(content), PIECE_BYTES):
            gate(len(content[start : start + PIECE_BYTES]))
            yield content[start : start + PIECE_BYTES]

    def list_all(self, gate: Gate) -> Iterator[Object]:
        self.place.enter("list_all")
        yield from self._listed(lambda one: one.archive_id != CATALOG, gate)

    def list_archives(self) -> Iterator[str]:
        self.place.enter("list_archives")
        yield from sorted({one.archive_id for one in self.place.objects.values()} - {CATALOG})

    def list_objects(self, archive_id: str, gate: Gate) -> Iterator[Object]:
        self.place.enter("list_objects")
        yield from self._listed(lambda one: one.archive_id == archive_id, gate)

    def _listed(self, wanted: Callable[[Kept], bool], gate: Gate) -> Iterator[Object]:
        for remote_id, one in list(self.place.objects.items()):
            gate(0)
            self.place.enter("listed")
            if wanted(one) and remote_id not in self.place.hidden:
                yield self._object(remote_id)

    def trash(self, remote_id: str) -> None:
        self.place.enter("trash")
        if remote_id in self.place.objects:
            self.place.trash(remote_id)

    def untrash(self, remote_id: str) -> None:
        self.place.enter("untrash")
        if remote_id in self.place.objects:
            self.place.objects[remote_id] = replace(self.place.objects[remote_id], trashed=False)

    def list_trash(self, gate: Gate) -> Iterator[Trashed]:
        self.place.enter("list_trash")
        for remote_id, one in list(self.place.objects.items()):
            gate(0)
            if one.trashed:
                yield Trashed(remote_id, remote_id, one.archive_id, one.name, len(one.content))

    def purge(self, trash_id: str) -> None:
        self.place.enter("purge")
        one = self.place.objects.get(trash_id)
        if one is not None and one.trashed:
            del self.place.objects[trash_id]

    def list_appliances(self) -> list[str]:
        return []

    def take_over(self) -> None:
        self.place.enter("take_over")

    def keep_signed_in(self) -> None:
        """Nobody signs in."""

    def account(self) -> str | None:
        return None

    def usage(self) -> Usage:
        return Usage(None, 0, None)


def with_ids(tmp_path: Path, place: Place, **settings: Any) -> Inside:
    """An appliance whose connections to folders named ``ids…`` lead to the place; others are folders."""

    def wrap(remote: Remote) -> Remote:
        folder: Path = remote._place.folder  # type: ignore[attr-defined]
        return IdRemote(place) if folder.name.startswith("ids") else remote

    inside = Inside(tmp_path / "data", batch_bytes=BATCH, wrap=wrap, **settings)
    inside.app.verifier.second_look_s = 0.05
    return inside
