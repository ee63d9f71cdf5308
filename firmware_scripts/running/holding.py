"""The runner's side of a keeper: the process, and the descriptors to what it holds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from firmware_scripts.running.order import Lines, Order


class Holding:
    """A keeper that waits for an order. Made beforehand, so that a run begins at once.

    ``stdout`` and ``stderr`` are read from, ``api`` is the other end of the script's socket, ``control`` tells what the keeper says.
    """

    def __init__(self) -> None:
        """Raises OSError. To be made by a thread that lives as long as the runner."""
        self.stdout, out = os.pipe()
        self.stderr, err = os.pipe()
        self.api, api = socket.socketpair()
        control, theirs = socket.socketpair()
        self.control = Lines(control)
        given = (theirs.fileno(), out, err, api.fileno())
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, without a shell
                [sys.executable, "-P", "-m", "firmware_scripts.running.keeper", *map(str, given)],
                env={name: os.environ[name] for name in ("TZ", "LANG") if name in os.environ},  # no secret is handed down
                pass_fds=given, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except OSError:
            self.close()
            raise
        finally:
            theirs.close()
            api.close()
            os.close(out)
            os.close(err)
        self.pid = self._process.pid

    def start(self, order: Order) -> None:
        """Raises OSError where the keeper is gone."""
        self.control.send(**order.message())

    def end(self, grace_s: float) -> None:
        """End what it holds; no error where it is gone."""
        try:
            self.control.send(end=grace_s)
        except OSError:
            return

    def close(self) -> None:
        """It ends what it holds, at once, cleans up and goes."""
        self.control.wire.close()
        self.api.close()
        os.close(self.stdout)
        os.close(self.stderr)

    def gone(self) -> bool:
        return self._process.poll() is not None

    def wait(self, timeout_s: float) -> bool:
        """False where it still runs."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True
