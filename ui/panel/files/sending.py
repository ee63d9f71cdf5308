"""One answer with a file's content. It is whole, or the connection ends before its end: never a short file that looks right."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

from starlette.types import Receive, Scope, Send

from ui.panel.files.answers import Answer
from ui.panel.files.local_copy import CopyGone
from ui.panel.files.pieces import Pieces

log = logging.getLogger("panel.files")
# Whoever takes nothing for so long holds an open file, and with it the room of an archive that was released.
STALL_TIMEOUT_S = 300.0


class Sending:
    """``pieces`` make up exactly the Content-Length of the answer; None: it has no content."""

    def __init__(self, answer: Answer, pieces: Pieces | None, stall_timeout_s: float) -> None:
        self._start = {"type": "http.response.start", "status": answer.status, "headers": answer.raw_headers}
        self._pieces = pieces
        self._stall_timeout_s = stall_timeout_s
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until all is sent, or nobody is there any more. Raises CopyGone where nothing was sent yet; later that ends the connection."""
        sending = asyncio.create_task(self._send(scope["path_params"]["archive_id"], send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            outcome, _ = await asyncio.gather(sending, leaving, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome

    async def _send(self, archive_id: str, send: Send) -> None:
        try:
            if self._pieces:
                await self._send_pieces(self._pieces, send)
            else:
                await send(self._start)
        except (CopyGone, TimeoutError) as error:
            if not self._started:
                raise
            # Content-Length is not reached: the server closes the connection, and the browser says that the download failed.
            log.warning("a download of %s was cut off: %s", archive_id, str(error) or "nothing was taken for too long")
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_pieces(self, pieces: Pieces, send: Send) -> None:
        async with aclosing(pieces.iterate()) as iterated:
            async for piece in iterated:
                async with asyncio.timeout(self._stall_timeout_s):
                    if not self._started:
                        await send(self._start)
                        self._started = True
                    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
