"""A process of the demo: started with a pipe that ends it when the demo dies, started again when it dies itself."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ui.words import clean

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_STEADY_AFTER_S = 60.0
_LOG_LIMIT_BYTES = 8 << 20


class Child:
    """One process in the demo's own process group; what it prints goes to ``log``. Not thread-safe."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._again_s: float | None = None
        self._delay_s = _FIRST_DELAY_S

    def start(self) -> None:
        """Raises OSError."""
        self._trim_log()
        with self.log.open("ab", buffering=0) as log, _terminal_signals_blocked():
            self._process = subprocess.Popen(  # noqa: S603 - our own program, without a shell
                self._command, env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        self._started_s, self._again_s = time.monotonic(), None

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def tend(self) -> str | None:
        """Start it again when its time has come; a line to be said when it has just died."""
        if self.exit_status is None:
            return None
        if self._again_s is None:
            return self._died()
        if time.monotonic() >= self._again_s:
            self._close_pipe()
            self.start()
        return None

    def _died(self) -> str:
        lived_s = time.monotonic() - self._started_s
        self._delay_s = _FIRST_DELAY_S if lived_s > _STEADY_AFTER_S else self._delay_s
        self._again_s = time.monotonic() + self._delay_s
        line = f"the {self.name} ended ({self.how_it_ended()}); it is started again in {self._delay_s:g} s (its log: {self.log})"
        self._delay_s = min(_LONGEST_DELAY_S, self._delay_s * 2)
        return line

    def how_it_ended(self) -> str:
        """``exit status 1: the last line of its log``."""
        status = self.exit_status or 0
        how = f"exit status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
        last = self._last_line() if status > 0 else ""
        return f"{how}: {last}" if last else how

    def _last_line(self) -> str:
        try:
            lines = self.log.read_bytes()[-4096:].decode(errors="replace").splitlines()
        except OSError:
            return ""
        return clean(next((line for line in reversed(lines) if line.strip()), ""))

    def stop(self, timeout_s: float) -> bool:
        """False where it had to be killed."""
        process = self._process
        if process is None:
            return True
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        finally:
            self._close_pipe()
        return True

    def _close_pipe(self) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _trim_log(self) -> None:
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > _LOG_LIMIT_BYTES:
                self.log.replace(self.log.with_suffix(".log.old"))


@contextlib.contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    """Ctrl-C at the terminal reaches the whole process group; the children are to hear of it from the demo, in order.

    A blocked signal stays blocked in a child. Unlike ignoring it, blocking loses none that comes meanwhile.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
