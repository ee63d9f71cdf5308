"""Upload sessions of the fake Drive (https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable)."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.drive_files import File
from tests.fakes.drive_http import Body, Request
from tests.fakes.drive_wire import Wire

UNIT_BYTES = 256 * 1024
"""Chunks are multiples of this, but for the last."""
_BLOCK_BYTES = 1024 * 1024
_DRAIN_S = 5.0
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class Coverage:
    """Which offsets of something were received before: a list of ranges that do not touch."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, start: int, end: int) -> int:
        """How many of these bytes were there already."""
        if start >= end:
            return 0
        touching = [(low, high) for low, high in self._ranges if low <= end and start <= high]
        apart = [one for one in self._ranges if one not in touching]
        twice = sum(max(0, min(high, end) - max(low, start)) for low, high in touching)
        whole = (min([start, *(low for low, _ in touching)]), max([end, *(high for _, high in touching)]))
        self._ranges = sorted([*apart, whole])
        return twice


class Meter:
    """Payload received, in all and more than once for the same target. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coverage: dict[tuple[str, ...], Coverage] = {}
        self.received_bytes = 0
        self.received_twice_bytes = 0

    def received(self, target: tuple[str, ...], offset_bytes: int, size_bytes: int) -> None:
        with self._lock:
            self.received_bytes += size_bytes
            self.received_twice_bytes += self._coverage.setdefault(target, Coverage()).add(offset_bytes, offset_bytes + size_bytes)


class Hashing:
    """The checksums of what comes in one block after the other, computed in other threads meanwhile."""

    def __init__(self, names: Iterable[str], pool: ThreadPoolExecutor) -> None:
        self._hashes = {name: hashlib.new(name) for name in names}
        self._pool = pool

    def update(self, block: memoryview) -> list[Future[None]]:
        """Returns at once; the block must not change until all of these are done, nor may the next one be given before."""
        return [self._pool.submit(one.update, block) for one in self._hashes.values()]

    def digests(self) -> dict[str, str]:
        return {name: one.hexdigest() for name, one in self._hashes.items()}


@dataclass(eq=False)
class Session:
    """One upload. ``kept_bytes`` is what Drive confirms; ``result`` is the id of the file once it is complete.

    ``file`` is in the index only once the upload is complete, unless it is an update.
    """

    metadata: dict[str, Any]
    file: File
    is_update: bool
    fields: str | None
    opening: Request
    path: Path
    target: tuple[str, ...]
    total_bytes: int | None
    mime_type: str
    hashing: Hashing
    id: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    kept_bytes: int = 0
    result: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    receiving: Wire | None = None

    def take_over(self) -> None:
        """Waits for what still arrives on an older connection of this session, then ends that one. Leaves the lock taken."""
        if self.lock.acquire(timeout=_DRAIN_S):
            return
        if (wire := self.receiving) is not None:
            wire.close()
        self.lock.acquire()


@dataclass(frozen=True)
class ContentRange:
    """``bytes first-last/total``; ``start`` None asks for the status, ``total`` None is not known yet."""

    start: int | None
    end: int | None
    total: int | None

    @classmethod
    def of(cls, request: Request) -> ContentRange | None:
        """None where it cannot be understood. A body without one is the whole content."""
        text = request.headers.get("content-range")
        if text is None:
            return cls(0, request.content_bytes, request.content_bytes)
        match = _RANGE.fullmatch(text)
        if match is None:
            return None
        first, last, total = match.groups()
        known = None if total == "*" else int(total)
        return cls(None, None, known) if first is None else cls(int(first), int(last) + 1, known)

    @property
    def is_last(self) -> bool:
        return self.total is not None and self.end == self.total


class Receiver:
    """Brings the body of a chunk into the file of its session: received, hashed and written without copies, two blocks in turn."""

    _local = threading.local()

    def __init__(self, session: Session, meter: Meter) -> None:
        self._session, self._meter = session, meter
        if not hasattr(self._local, "blocks"):
            self._local.blocks = tuple(memoryview(bytearray(_BLOCK_BYTES)) for _ in range(2))
        self._blocks: tuple[memoryview, memoryview] = self._local.blocks
        self._hashed: list[Future[None]] = []

    def receive(self, body: Body, keep_bytes: int) -> int:
        """Keeps so many bytes of the body, fewer where it breaks off: then down to a whole unit. Returns how many bytes came."""
        handle = os.open(self._session.path, os.O_WRONLY | os.O_CREAT, 0o600)
        came_bytes = turn = 0
        try:
            while came_bytes < keep_bytes:
                wanted_bytes = min(_BLOCK_BYTES, keep_bytes - came_bytes)
                block = self._blocks[turn][:wanted_bytes]
                got_bytes = self._fill(block, body)
                came_bytes += got_bytes
                self._keep(handle, block[: got_bytes if got_bytes == wanted_bytes else self._whole_units(got_bytes)])
                if got_bytes < wanted_bytes:
                    break
                turn = 1 - turn
        finally:
            self._settle()
            os.close(handle)
        return came_bytes

    def _fill(self, block: memoryview, body: Body) -> int:
        filled_bytes = body.fill(block)
        self._meter.received(self._session.target, self._session.kept_bytes, filled_bytes)
        return filled_bytes

    def _whole_units(self, got_bytes: int) -> int:
        end = self._session.kept_bytes + got_bytes
        return max(0, end - end % UNIT_BYTES - self._session.kept_bytes)

    def _keep(self, handle: int, block: memoryview) -> None:
        self._settle()
        if not block:
            return
        self._hashed = self._session.hashing.update(block)
        os.pwrite(handle, block, self._session.kept_bytes)
        self._session.kept_bytes += len(block)

    def _settle(self) -> None:
        for future in self._hashed:
            with suppress(CancelledError):  # the server was told to end meanwhile: nobody asks for the checksum any more
                future.result()
        self._hashed = []
