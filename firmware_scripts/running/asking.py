"""What a script asks for, over its socket: the runner puts the run's id to it and passes it on as the login ``scripts``.

One request a line, ``{"id", "verb", "parameters", "timeout_s"}``; one answer a line, ``{"id", "data"}`` or ``{"id", "error": {"code",
"message"}}``. One after another: a script that asks in a flood waits for itself.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from mqtt.envelope import MAX_DEPTH, MAX_PAYLOAD_BYTES
from mqtt.requests import NoAnswer, RequestFailed

Ask = Callable[[str, dict[str, Any], float], Any]
"""``ask(verb, parameters, timeout_s)``. Raises RequestFailed and NoAnswer."""

_VERB = re.compile(r"[a-z-]{1,40}/[a-z-]{1,40}")
_LONGEST_LINE_BYTES = MAX_PAYLOAD_BYTES
_LONGEST_WAIT_S, _USUAL_WAIT_S = 300.0, 60.0
_A_SECOND, _AT_ONCE = 50.0, 100.0
_UNREAD_TIMEOUT_S = 60.0


class Asking:
    """Serves one run's socket until the script closes it, or somebody shuts it down."""

    def __init__(self, run_id: str, wire: socket.socket, ask: Ask) -> None:
        self._run_id = run_id
        self._wire = wire
        self._ask = ask
        self._tokens = _AT_ONCE
        self._filled_s = time.monotonic()

    def serve(self) -> None:
        """On a thread of its own."""
        self._wire.settimeout(None)
        with contextlib.suppress(OSError):
            for line in self._lines():
                self._slow_down()
                self._send(self._answer(line))

    def _lines(self) -> Iterator[bytes]:
        buffer = bytearray()
        while data := self._wire.recv(65536):
            buffer += data
            while (end := buffer.find(b"\n")) >= 0:
                line = bytes(buffer[:end])
                del buffer[: end + 1]
                yield line
            if len(buffer) > _LONGEST_LINE_BYTES:
                self._send(_error(None, "too_large", f"a request has at most {_LONGEST_LINE_BYTES} bytes; the socket is closed"))
                self._wire.shutdown(socket.SHUT_RDWR)
                return

    def _send(self, answer: dict[str, Any]) -> None:
        # A script that asks and does not read is left alone after a while, not waited for without end.
        self._wire.settimeout(_UNREAD_TIMEOUT_S)
        self._wire.sendall(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n")
        self._wire.settimeout(None)

    def _slow_down(self) -> None:
        now_s = time.monotonic()
        self._tokens = min(_AT_ONCE, self._tokens + (now_s - self._filled_s) * _A_SECOND) - 1
        self._filled_s = now_s
        if self._tokens < 0:
            time.sleep(-self._tokens / _A_SECOND)

    def _answer(self, line: bytes) -> dict[str, Any]:
        ident: Any = None
        try:
            request = json.loads(line, parse_constant=_no_constant)
            ident = request.get("id")
            verb, parameters, timeout_s = _checked(request)
        except (ValueError, RecursionError, AttributeError) as error:
            return _error(ident if isinstance(ident, int) else None, "bad_request", f"not a request: {str(error)[:200]}")
        try:
            # The run's id comes last: what a script says it is does not count.
            return {"id": ident, "data": self._ask(verb, {**parameters, "run_id": self._run_id}, timeout_s)}
        except RequestFailed as error:
            return _error(ident, error.code, error.message)
        except NoAnswer as error:
            return _error(ident, "no_answer", str(error))


def _checked(request: dict[str, Any]) -> tuple[str, dict[str, Any], float]:
    """Raises ValueError."""
    verb, parameters = request.get("verb"), request.get("parameters", {})
    timeout_s = request.get("timeout_s", _USUAL_WAIT_S)
    if not isinstance(request.get("id"), int):
        raise ValueError("it has no id, a whole number")  # noqa: TRY004 - all that is wrong with a request is one error here
    if not isinstance(verb, str) or not _VERB.fullmatch(verb):
        raise ValueError(f"{str(verb)[:80]!r} is not a verb, such as archive/list")
    if not isinstance(parameters, dict) or _deep(parameters):
        raise ValueError("its parameters are not an object, or one that is nested too deeply")
    if not isinstance(timeout_s, int | float) or not 0 < timeout_s < math.inf:
        raise ValueError("its timeout_s is not a number of seconds")
    return verb, parameters, min(float(timeout_s), _LONGEST_WAIT_S)


def _deep(value: Any, depth: int = 0) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth >= MAX_DEPTH or any(_deep(child, depth + 1) for child in children)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _error(ident: int | None, code: str, message: str) -> dict[str, Any]:
    return {"id": ident, "error": {"code": code, "message": message}}
