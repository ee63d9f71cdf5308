"""Hands one message to a process that sends it, and ends that process when it takes too long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

from appliance import clock

_PATIENCE_S, _LOOK_S = 30.0, 0.5
_NOT_SENT = "it could not be sent: the program that sends it failed"
_ENVIRONMENT = frozenset({
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy",
    "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
})  # fmt: skip
"""What the process gets to know: how to reach the network, and none of our own secrets."""


class Sender:
    """Thread-safe. ``stop`` ends what is under way."""

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def check(self, url: str) -> str | None:
        """Why the address cannot be used, without using it; None: it can."""
        return self._run({"url": url})

    def send(self, url: str, title: str, body: str) -> str | None:
        """Why it could not be sent, in words without a secret; None: the service took it."""
        return self._run({"url": url, "title": title, "body": body})

    def _run(self, order: dict[str, str]) -> str | None:
        command = [sys.executable, "-m", "appliance.notifications.send"]
        environment = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT}
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module, and nothing of the order is in the command
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
        except OSError as error:
            return f"{_NOT_SENT} ({error.strerror})"
        with process:
            return self._answer(process, json.dumps(order).encode())

    def _answer(self, process: subprocess.Popen[bytes], order: bytes | None) -> str | None:
        until_s = clock.monotonic_s() + self._patience_s
        while not self._stopped.is_set() and clock.monotonic_s() < until_s:
            try:
                output, _ = process.communicate(order, timeout=_LOOK_S)
                return _error_in(output)
            except subprocess.TimeoutExpired:
                order = None  # it was handed over
        process.kill()
        process.communicate()
        return "the appliance is stopping" if self._stopped.is_set() else f"it does not answer: given up after {self._patience_s:.0f} s"


def _error_in(output: bytes) -> str | None:
    try:
        error = json.loads(output)["error"]
    except (ValueError, KeyError, TypeError):
        return _NOT_SENT
    return None if error is None else str(error)
