"""A process of a test's own, ended by its id."""

from __future__ import annotations

import signal
import subprocess

from tests.waiting import PATIENCE_S


class OwnProcess:
    """``process`` is None before it was started."""

    process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """As a power cut ends a process: at once."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout_s: float = PATIENCE_S) -> None:
        """In order; raises TimeoutExpired."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout_s)
