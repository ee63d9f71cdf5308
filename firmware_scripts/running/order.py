"""What the runner tells a keeper to start, and the lines of JSON between the two."""

from __future__ import annotations

import base64
import json
import socket
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """All that a keeper needs. ``boot``: the program that makes
    the script ``__main__``. ``uid`` and ``gid``: whom the script runs as; none: whoever the keeper is. ``cgroup``: a folder
    of the kernel's tree that is to be made for the run; none: there is no such thing here.
    """

    run_id: str
    source_base64: str
    arguments: list[str]
    python: str
    boot: str
    folder: str
    uid: int | None
    gid: int | None
    cgroup: str | None
    cpu_s: int
    memory_mib: int
    processes: int
    files_mib: int

    @property
    def source(self) -> bytes:
        return base64.b64decode(self.source_base64)

    def message(self) -> dict[str, Any]:
        return {"start": asdict(self)}


class Lines:
    """Messages over a stream socket, one JSON object a line. Reading is for one thread; sending is safe from any."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self._buffer = b""

    def fileno(self) -> int:
        return self.wire.fileno()

    def send(self, **message: Any) -> None:
        """Raises OSError where the other side is gone."""
        self.wire.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """What has come; waits where nothing has. None: the other side is gone."""
        try:
            data = self.wire.recv(65536)
        except ConnectionError:
            return None
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]
