"""``python -m firmware_scripts.running.keeper CONTROL OUT ERR API``: a process that holds one run, and ends all of it.

It is the subreaper of what the script starts, so nothing can slip away by leaving its group or its session. Told to end, or when the
runner is gone (the control socket closes), it ends everything below it, removes the working folder, and goes. One thread; signals are
ignored, the control socket alone counts.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from firmware_scripts.running import cage, place, processes, system
from firmware_scripts.running.cage import CannotStart, Files
from firmware_scripts.running.cgroup import OfRun
from firmware_scripts.running.order import Lines, Order

_LOOK_EVERY_S = 0.1
_FILES_EVERY_S = 1.0
_PART_OF_A_PROCESSOR = 1 / 40
_END_TIMEOUT_S = 30.0
_CLEAN_TIMEOUT_S = 120.0
_MIB = 1 << 20
_MANY_FILES = 20_000
_OWN_MIB = 1  # the script itself, and what a file system adds to a file of the largest size that is allowed
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)


def main(arguments: list[str]) -> int:
    control, out, err, api = (int(text) for text in arguments)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    system.keep_to_ourselves()
    system.adopt_orphans()
    keeper = Keeper(Lines(socket.socket(fileno=control)), Files(out, err, api))
    keeper.run()
    return 0


class Keeper:
    """From the order to the end of the run."""

    def __init__(self, control: Lines, files: Files) -> None:
        self._control = control
        self._files = files
        self._runner = os.getppid()
        self._pid = 0
        self._early: list[dict[str, Any]] = []
        self._status: int | None = None
        self._gone = False
        self._kill_at_s = float("inf")
        self._processes_due, self._files_due = _Due(_LOOK_EVERY_S), _Due(_FILES_EVERY_S)

    def run(self) -> None:
        order = self._order()
        if order is None:
            return
        try:
            group = OfRun(order)
            self._pid = cage.start(order, self._files)
        except (CannotStart, OSError) as error:
            self._tell(refused=str(error))
            return
        self._tell(started=self._pid)
        with _wakes_at_death() as woken:
            self._hold(order, woken)
        group.kill()
        left = processes.end_below(os.getpid(), _END_TIMEOUT_S, self._ended)
        if words := group.over():
            self._tell(over=words)
        self._tell(ended=self._status, left=left)
        group.remove()
        _clean(order)
        if os.getppid() != self._runner:
            place.remove_if_unused(order.folder)

    def _order(self) -> Order | None:
        while (messages := self._control.receive()) is not None:
            if messages and "start" not in messages[0]:
                return None  # it is to end before it began
            if messages:
                self._early = messages[1:]
                return Order(**messages[0]["start"])
        return None

    def _hold(self, order: Order, woken: int) -> None:
        """Until the script's first process has ended, or all of the run has to."""
        self._obey(self._early)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while self._status is None and not self._gone and time.monotonic() < self._kill_at_s:
                for key, _ in selector.select(self._wait_s()):
                    if key.fd == woken:
                        os.read(woken, 4096)
                    else:
                        self._listen()
                processes.reap(self._ended)
                self._measure(order)

    def _wait_s(self) -> float:
        return max(0.0, min(_LOOK_EVERY_S, self._kill_at_s - time.monotonic()))

    def _listen(self) -> None:
        messages = self._control.receive()
        self._gone = self._gone or messages is None
        self._obey(messages or [])

    def _obey(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            self._end(float(message["end"]))

    def _end(self, grace_s: float) -> None:
        """SIGTERM for all, once; what is left after the grace time is killed. A shorter grace time later on counts."""
        if self._kill_at_s == float("inf"):
            for process in processes.below(os.getpid()):
                processes.send(process.pid, signal.SIGTERM)
                processes.send(process.pid, signal.SIGCONT)
        self._kill_at_s = min(self._kill_at_s, time.monotonic() + grace_s)

    def _ended(self, pid: int, status: int) -> None:
        if pid == self._pid:
            self._status = os.waitstatus_to_exitcode(status)

    def _measure(self, order: Order) -> None:
        """What limits of the kernel do not hold for the run as a whole."""
        words = self._processes_due.look(lambda: _over(order, processes.below(os.getpid())))
        words = words or self._files_due.look(lambda: _files_over(order))
        if words is not None and self._kill_at_s == float("inf"):
            self._tell(over=words)
            self._kill_at_s = 0.0

    def _tell(self, **message: object) -> None:
        try:
            self._control.send(**message)
        except OSError:
            self._gone = True


class _Due:
    """A look every so often, and the more seldom the longer it takes: looking costs a small part of a processor at most."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._at_s = 0.0

    def look(self, look: Callable[[], str | None]) -> str | None:
        began_s = time.monotonic()
        if began_s < self._at_s:
            return None
        words = look()
        now_s = time.monotonic()
        self._at_s = now_s + max(self._every_s, (now_s - began_s) / _PART_OF_A_PROCESSOR)
        return words


def _over(order: Order, found: list[processes.Process]) -> str | None:
    tasks = sum(process.threads for process in found if process.alive)
    if tasks > order.processes:
        return f"it had more than {order.processes} processes and threads at a time"
    most_bytes = order.memory_mib * _MIB
    # What forked shares much: it is added up exactly only where the cheap sum is too large.
    if sum(process.resident_bytes for process in found) > most_bytes and sum(map(processes.proportional_bytes, found)) > most_bytes:
        return f"it used more than {order.memory_mib} MiB of memory"
    return None


def _files_over(order: Order) -> str | None:
    """A folder that we may not look into is bounded by its file system alone."""
    used, seen = 0, 0
    for folder, _, names in os.walk(order.folder):
        seen += 1
        for name in names:
            seen += 1
            with contextlib.suppress(OSError):
                used += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118 - a Path each would cost the double
            if used > (order.files_mib + _OWN_MIB) * _MIB:
                return f"its files took more than {order.files_mib} MiB"
        if seen > _MANY_FILES:
            return f"it made more than {_MANY_FILES:,} files"
    return None


@contextlib.contextmanager
def _wakes_at_death() -> Iterator[int]:
    """A descriptor that can be read when a child has ended."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    yield reading
    signal.set_wakeup_fd(-1)


def _clean(order: Order) -> None:
    """Remove the working folder, as the user to whom it belongs; whatever lies in it, however deep, with whatever rights."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(  # noqa: S603 - words of ours; the folder's name is one of them
            ["/bin/sh", "-c", 'chmod -R u+rwx -- "$1"; rm -rf -- "$1"', "sh", order.folder], cwd="/", check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: cage.change_user(order.uid, order.gid),
            timeout=_CLEAN_TIMEOUT_S,
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
