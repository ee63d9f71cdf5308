"""A connection to the fake Drive: bytes in and out, through the line, without needless copies."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path

from tests.fakes.drive_line import Line

_HEAD_BYTES = 64 * 1024
_PIECE_BYTES = 256 * 1024


class ConnectionBroken(Exception):
    """The client is gone, or the connection was cut on purpose."""


class Wire:
    """What was received but not asked for yet, and the line that all bytes pass."""

    def __init__(self, sock: socket.socket, line: Line) -> None:
        self.sock = sock
        self.line = line
        self._early = b""

    def head(self) -> bytes | None:
        """Everything up to the empty line; None where the client is done."""
        got = bytearray(self._early)
        while (end := got.find(b"\r\n\r\n")) < 0:
            piece = self._piece()
            if not piece or len(got) > _HEAD_BYTES:
                return None
            got += piece
        self._early = bytes(got[end + 4 :])
        self.line.up.passed(end + 4)
        return bytes(got[:end])

    def text_line(self) -> bytes:
        while b"\r\n" not in self._early:
            piece = self._piece()
            if not piece:
                raise ConnectionBroken
            self._early += piece
        text, _, self._early = self._early.partition(b"\r\n")
        return text

    def _piece(self) -> bytes:
        try:
            return self.sock.recv(_HEAD_BYTES)
        except (OSError, ValueError):
            return b""

    def fill(self, view: memoryview) -> int:
        """Less than the view takes only where the client is gone."""
        got_bytes = 0
        while got_bytes < len(view):
            # Over TLS this loop turns for every 16 KiB, and most of what a fast line costs is the way to it.
            if self._early or not self.line.is_free:
                size_bytes = self._hindered(view[got_bytes:])
            else:
                try:
                    size_bytes = self.sock.recv_into(view[got_bytes:])
                except (OSError, ValueError):
                    break
            if not size_bytes:
                break
            got_bytes += size_bytes
        return got_bytes

    def _hindered(self, view: memoryview) -> int:
        """Through the line. At least one byte; 0 where the client is gone."""
        view = view[: self.line.up.piece_bytes(len(view))]
        self.line.wait_until_thawed()
        if self._early:
            size_bytes = min(len(view), len(self._early))
            view[:size_bytes] = self._early[:size_bytes]
            self._early = self._early[size_bytes:]
        else:
            try:
                size_bytes = self.sock.recv_into(view)
            except (OSError, ValueError):
                return 0
        self.line.up.passed(size_bytes)
        return size_bytes

    def send(self, content: bytes | memoryview) -> None:
        """Raises ConnectionBroken."""
        view = memoryview(content)
        while view:
            size_bytes = self.line.down.piece_bytes(len(view))
            self.line.wait_until_thawed()
            try:
                self.sock.sendall(view[:size_bytes])
            except (OSError, ValueError) as error:
                raise ConnectionBroken from error
            self.line.down.passed(size_bytes)
            view = view[size_bytes:]

    def send_file(self, path: Path, offset_bytes: int, size_bytes: int) -> None:
        """Raises ConnectionBroken, also where the file is shorter."""
        with path.open("rb") as file:
            file.seek(offset_bytes)
            while size_bytes > 0:
                piece = file.read(min(_PIECE_BYTES, size_bytes))
                if not piece:
                    raise ConnectionBroken
                self.send(piece)
                size_bytes -= len(piece)

    def cut(self) -> None:
        """Reset: nothing that is still on its way arrives."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """Also ends a receive that waits in another thread."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
