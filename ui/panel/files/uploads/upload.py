"""One upload while somebody works on it: who has the turn, and the bytes of a request on their way to the disk.

The newest request has the turn. What came before it ends at its next piece, so that a connection that died without a word, as those of
sleeping laptops do, is in nobody's way.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.types import Receive

from ui.panel.files.uploads.content import Content
from ui.panel.files.uploads.protocol import Checksum, Refusal

PIECE_BYTES = 1 << 20
_TURN_S = 15.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
T = TypeVar("T")


class Ended(Exception):
    """The request was ended by us; the refusal is what it is answered, if anybody listens."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Upload:
    """``threads`` do what blocks. All else is for the event loop."""

    def __init__(self, content: Content, threads: ThreadPoolExecutor) -> None:
        self.content = content
        self.moved_s = time.monotonic()
        self._threads = threads
        self._lock = asyncio.Lock()
        self._newest = 0
        self._reading: asyncio.Task[Any] | None = None
        self._end: Refusal | None = None

    @property
    def active(self) -> bool:
        """Bytes of it are coming in."""
        return self._lock.locked()

    async def on_thread(self, work: Callable[..., T], *values: Any) -> T:
        """To its end, also when whoever waits for it is cancelled: a file is not closed under a thread that writes."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, work, *values)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Ends whoever has it. Raises Refusal: somebody newer came meanwhile, or the disk holds the one before up."""
        self._newest += 1
        mine = self._newest
        self.end(Refusal(423, "this upload goes on elsewhere", state="elsewhere", hang_up=True))
        try:
            async with asyncio.timeout(_TURN_S):
                await self._lock.acquire()
        except TimeoutError:
            raise Refusal(423, "the disk still writes what came before; try again in a moment", retry_after_s=5) from None
        try:
            if mine != self._newest:
                raise Refusal(423, "this upload goes on elsewhere", state="elsewhere", hang_up=True)
            self._end = None
            self.moved_s = time.monotonic()
            yield
        finally:
            try:
                await self.on_thread(self.content.close)
            finally:
                self._lock.release()

    def end(self, refusal: Refusal) -> None:
        """Whoever has the turn stops at once where it waits for bytes, else after the piece that is being written."""
        self._end = refusal
        if self._reading is not None:
            self._reading.cancel()

    async def _next(self, receive: Receive) -> dict[str, Any]:
        if self._end is not None:
            raise Ended(self._end)
        self._reading = asyncio.current_task()
        try:
            return dict(await receive())
        except asyncio.CancelledError:
            if self._end is None:
                raise
            self._reading.uncancel()
            raise Ended(self._end) from None
        finally:
            self._reading = None

    async def pour(self, receive: Receive, most_bytes: int, checksum: Checksum | None) -> None:
        """The request's content into the file, all of it synced at the end, however it ends. Within a turn.

        Raises Refusal: too long, a wrong checksum (then nothing of it stays), no room; Ended; OSError.
        """
        if checksum:
            await self.on_thread(self.content.begin_checked)
        try:
            whole = await self._pour(receive, most_bytes, checksum)
            if checksum and not (whole and checksum.right):
                raise Refusal(460, "the checksum does not match what arrived; nothing of it was kept: send it again")
            await self.on_thread(self.content.keep)
        except OSError as error:
            raise refused(error) from error
        finally:
            await self._settle()

    async def _settle(self) -> None:
        await self.on_thread(self.content.take_back)
        try:
            await self.on_thread(self.content.sync)
        except OSError as error:
            raise refused(error) from error

    async def _pour(self, receive: Receive, most_bytes: int, checksum: Checksum | None) -> bool:
        """False where the client left before the end of the content."""
        writing: asyncio.Task[None] | None = None
        try:
            async for piece in self._pieces(receive, most_bytes):
                if writing:
                    await writing
                writing = asyncio.create_task(self._write(piece, checksum))
            if writing:
                await writing
        except _Left:
            return False
        finally:
            if writing and not writing.done():
                await asyncio.wait([writing])
        return True

    async def _write(self, piece: bytearray, checksum: Checksum | None) -> None:
        if checksum:
            await self.on_thread(checksum.update, piece)
        await self.on_thread(self.content.write, piece)

    async def _pieces(self, receive: Receive, most_bytes: int) -> AsyncIterator[bytearray]:
        """Of PIECE_BYTES or a little more; what came before an end is given too."""
        gathered, left_bytes, more = bytearray(), most_bytes, True
        while more:
            try:
                event = await self._next(receive)
            except Ended:
                yield gathered
                raise
            if event["type"] == "http.disconnect":
                yield gathered
                raise _Left
            body, more = event.get("body", b""), event.get("more_body", False)
            left_bytes -= len(body)
            if left_bytes < 0:
                raise Refusal(413, "more bytes came than were announced; nothing of what is too much was kept", hang_up=True)
            self.moved_s = time.monotonic()
            gathered += body
            if len(gathered) >= PIECE_BYTES:
                yield gathered
                gathered = bytearray()
        yield gathered


class _Left(Exception):
    pass


def refused(error: OSError) -> Refusal:
    """What the disk says, to a client."""
    if error.errno in _NO_ROOM:
        return Refusal(507, "the appliance's disk is full; free some space, then it goes on by itself", state="full", retry_after_s=30)
    return Refusal(500, f"the appliance's disk refuses to write ({error.strerror}); check it, then go on", state="disk", retry_after_s=30)
