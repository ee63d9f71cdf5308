"""A file in pieces: read in threads of our own, one piece ahead of the network, checked at the end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from concurrent.futures import Executor

from ui.panel.files.local_copy import CopyGone, LocalCopy
from ui.panel.files.ranges import Span


class CopyDamaged(CopyGone):
    """All was read, and it is not what was taken in."""


class Pieces:
    """``sha256``: of the span's content where that is known; then the last piece is given out only if it agrees."""

    def __init__(self, copy: LocalCopy, span: Span, piece_bytes: int, sha256: str | None, readers: Executor) -> None:
        self._copy = copy
        self._span = span
        self._piece_bytes = piece_bytes
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._readers = readers

    async def iterate(self) -> AsyncGenerator[bytes, None]:
        """At least one, of an empty file too. At any time two are in memory. Raises CopyGone."""
        at = self._span.start
        ahead = self._begin(at)
        try:
            while True:
                piece = await ahead
                at += len(piece)
                if at >= self._span.stop:
                    break
                ahead = self._begin(at)
                yield piece
        finally:
            ahead.cancel()
        if self._sha256 not in {None, self._digest.hexdigest()}:
            raise CopyDamaged("the local copy is damaged")
        yield piece

    def _begin(self, at: int) -> asyncio.Future[bytes]:
        return asyncio.get_running_loop().run_in_executor(self._readers, self._read, at)

    def _read(self, at: int) -> bytes:
        piece = self._copy.read_at(at, min(self._piece_bytes, self._span.stop - at))
        if self._sha256 is not None:
            self._digest.update(piece)
        return piece
