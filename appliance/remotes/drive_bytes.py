"""The contents of objects on their way to Drive and back, on kept connections, a piece at a time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from appliance.remotes.drive_checksum import Checksum
from appliance.remotes.drive_download import Download
from appliance.remotes.drive_exchange import AccessTokens
from appliance.remotes.drive_line import Line
from appliance.remotes.drive_upload import SessionLost, Upload
from appliance.remotes.drive_web import Web
from appliance.remotes.remote import BatchReader, Gate

__all__ = ["Bytes", "SessionLost"]

_CORES = os.cpu_count() or 1


class Bytes:
    """One remote's. Thread-safe: each thread has a connection of its own, and all share what is known of the line."""

    def __init__(self, web: Web, tokens: AccessTokens) -> None:
        self._web = web
        self._tokens = tokens
        self._line = Line()
        self._lock = threading.Lock()
        self._sending = 0

    def send(self, session_uri: str, content: BatchReader, confirmed: Callable[[int], None], gate: Gate, *, begun: bool) -> dict[str, Any]:
        """Bring the content into the upload session; returns what Drive reports of the file (the fields asked for at its opening).

        ``begun``: something may be there already; Drive is asked, and only what is missing is sent. ``confirmed(offset_bytes)`` is
        called whenever Drive says how much it has, which may be less than before. The last piece leaves only when the SHA-256 of the
        whole is right: what is not right is never completed.
        Raises SessionLost (and only then is it lost: 404 or 410), LocalDamaged, RemoteStalled (the offset does not grow any more),
        what ``gate`` raises, and what ``translated`` makes of the rest; all but SessionLost leave a session that can go on.
        """
        with self._free_core() as beside, Checksum(content, gate, beside=beside) as checksum:
            return Upload(self._web, self._tokens, self._line, session_uri, content, checksum, confirmed, gate).run(begun=begun)

    @contextlib.contextmanager
    def _free_core(self) -> Iterator[bool]:
        """While something is sent. True: the uploads of the moment leave a core free."""
        with self._lock:
            self._sending += 1
            free = self._sending < _CORES
        try:
            yield free
        finally:
            with self._lock:
                self._sending -= 1

    def fetch(self, url: str, offset_bytes: int, size_bytes: int, gate: Gate, doing: str) -> Iterator[bytes]:
        """Those bytes of the object in pieces of at most PIECE_BYTES. ``doing`` begins the text of errors: "reading 00000003".

        A cut connection goes on at the byte reached. Raises RemoteDamaged where the object is gone or shorter, what ``gate`` raises,
        and what ``translated`` makes of the rest.
        """
        return Download(self._web, self._tokens, url, gate, doing).pieces(offset_bytes, size_bytes)
