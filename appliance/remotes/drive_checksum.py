"""The SHA-256 of what is sent, computed while the bytes travel: by a thread of its own where a core is free for it, else in between.

Hashing and TLS both leave Python to others. With more uploads than cores the others keep the cores busy, and handing each piece over
would only cost.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self, TypeVar

from appliance.errors import LocalDamaged
from appliance.remotes.remote import PIECE_BYTES, BatchReader, Gate

_PIECES_AHEAD = 4
_LOOK_S = 0.1
_T = TypeVar("_T")
_Work = bytes | memoryview | range
"""What is to be hashed next: bytes, or a part of the content that has to be read first."""


class Checksum:
    """``with Checksum(content, gate, beside=True) as checksum``. One sender hands over what it sends; each byte is hashed once, in order.

    What is sent again is passed over; what was sent by another before is read and hashed here, and goes through no limit.
    ``beside``: in a thread of its own; a few pieces at most wait for their turn.
    """

    def __init__(self, content: BatchReader, gate: Gate, *, beside: bool) -> None:
        self._content = content
        self._given_bytes = 0
        self._is_right = False
        self._hasher: _Hasher = _Beside(content, gate) if beside else _InBetween(content, gate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._hasher.close()

    def add(self, offset_bytes: int, piece: bytes) -> None:
        """A piece that is about to be sent. Raises what the gate raises while it waits for its turn."""
        end = offset_bytes + len(piece)
        if end <= self._given_bytes:
            return
        if offset_bytes > self._given_bytes:
            self._hasher.give(range(self._given_bytes, offset_bytes))
            self._given_bytes = offset_bytes
        self._hasher.give(memoryview(piece)[self._given_bytes - offset_bytes :] if offset_bytes < self._given_bytes else piece)
        self._given_bytes = end

    def require_right(self) -> None:
        """All was added: is it what was taken in? Raises LocalDamaged, and what the gate raises while the hash is not ready."""
        if self._is_right:
            return
        if self._hasher.result() != self._content.sha256:
            raise LocalDamaged("the local copy of a batch does not match the checksum that it was taken in with; nothing was stored")
        self._is_right = True


class _Hasher(Protocol):
    """Used by one thread."""

    def give(self, work: _Work) -> None:
        """Raises what the gate raises."""
        ...

    def result(self) -> bytes:
        """The hash of all that was given. Raises what the gate raises, and what reading the content raised."""
        ...

    def close(self) -> None:
        """The content is not read any more when it returns."""
        ...


class _InBetween:
    def __init__(self, content: BatchReader, gate: Gate) -> None:
        self._content = content
        self._gate = gate
        self._digest = hashlib.sha256()

    def give(self, work: _Work) -> None:
        if not isinstance(work, range):
            self._digest.update(work)
            return
        for piece in _read(self._content, work):
            self._gate(0)
            self._digest.update(piece)

    def result(self) -> bytes:
        return self._digest.digest()

    def close(self) -> None:
        """Nothing goes on."""


class _Beside:
    def __init__(self, content: BatchReader, gate: Gate) -> None:
        self._content = content
        self._gate = gate
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._result: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checksum", daemon=True)
        for _ in range(_PIECES_AHEAD):
            self._room.put(None)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._work.put(None)
        self._thread.join()

    def give(self, work: _Work) -> None:
        self._waited_for(self._room)
        self._work.put(work)

    def result(self) -> bytes:
        self._work.put(None)
        result = self._waited_for(self._result)
        if isinstance(result, Exception):
            raise result
        return result

    def _waited_for(self, source: queue.SimpleQueue[_T]) -> _T:
        while True:
            try:
                return source.get(timeout=_LOOK_S)
            except queue.Empty:
                self._gate(0)

    def _run(self) -> None:
        self._result.put(self._hashed())

    def _hashed(self) -> bytes | Exception:
        digest = hashlib.sha256()
        failure: Exception | None = None
        while (work := self._work.get()) is not None:
            try:
                for piece in self._pieces(work):
                    digest.update(piece)
            except Exception as error:  # noqa: BLE001 (handed over to the sender, who raises it)
                failure = error
            self._room.put(None)
        return failure or digest.digest()

    def _pieces(self, work: _Work) -> Iterator[bytes | memoryview]:
        if not isinstance(work, range):
            yield work
            return
        for piece in _read(self._content, work):
            if self._ended.is_set():
                return
            yield piece


def _read(content: BatchReader, part: range) -> Iterator[bytes]:
    for offset in range(part.start, part.stop, PIECE_BYTES):
        yield content.read_at(offset, min(PIECE_BYTES, part.stop - offset))
