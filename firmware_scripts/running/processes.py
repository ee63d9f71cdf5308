"""What descends from a process, as /proc tells it, and the end of all of it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PAUSE_S = 0.01
_ANY, _MANY = -1, 100_000

Ended = Callable[[int, int], None]
"""``ended(pid, status)``, the status as waitpid(2) has it."""


class Process(NamedTuple):
    """One line of /proc/<pid>/stat (proc_pid_stat(5)), as far as it is wanted here."""

    pid: int
    state: str
    parent: int
    threads: int
    resident_bytes: int

    @property
    def alive(self) -> bool:
        return self.state not in {"Z", "X"}


def below(root: int, spare: frozenset[int] = frozenset()) -> list[Process]:
    """All descendants of ``root``, those too that left its group and session, zombies included; not ``spare`` and what is below these.

    Complete where ``root`` is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): what loses its parent becomes root's child then.
    """
    children: defaultdict[int, list[Process]] = defaultdict(list)
    for process in _all():
        children[process.parent].append(process)
    found, parents = list[Process](), [root]
    while parents:
        born = [process for process in children.pop(parents.pop(), []) if process.pid not in spare]
        found += born
        parents += [process.pid for process in born]
    return found


def end_below(root: int, timeout_s: float, ended: Ended = lambda _pid, _status: None, spare: frozenset[int] = frozenset()) -> int:
    """SIGKILL for all that descends from ``root`` (which is us) until nothing is left; answers how many there were.

    What forks without end is stopped first, all of it: while one of them runs, it takes the place of each that is killed. ``spare``:
    children of ours that stay, with theirs.
    """
    stopped: set[int] = set()
    until_s = time.monotonic() + timeout_s
    while (living := [one for one in below(root, spare) if one.alive]) and time.monotonic() < until_s:
        running = [one for one in living if one.pid not in stopped]
        for process in running or living:
            send(process.pid, signal.SIGSTOP if running else signal.SIGKILL)
        stopped |= {process.pid for process in running}
        if not running:
            reap(ended, spare)
            time.sleep(_PAUSE_S)
    reap(ended, spare)
    return len(stopped)


def send(pid: int, number: int) -> None:
    """A signal; no error where the process is gone already, or may not be sent one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def reap(ended: Ended, spare: frozenset[int] = frozenset()) -> None:
    """Take every child that has ended; ``ended`` is told of each. Never waits."""
    pids = [process.pid for process in below(os.getpid(), spare) if process.parent == os.getpid()] if spare else [_ANY] * _MANY
    for wanted in pids:
        try:
            pid, status = os.waitpid(wanted, os.WNOHANG)
        except ChildProcessError:
            pid = 0
        if pid:
            ended(pid, status)
        elif wanted == _ANY:
            return


def proportional_bytes(process: Process) -> int:
    """Its memory, what is shared divided by those who share it; what is resident, where we may not know more."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, ValueError):
        return process.resident_bytes


def tasks_of(uid: int) -> int:
    """Processes and threads of a user: what RLIMIT_NPROC counts."""
    count = 0
    for process in _all():
        with contextlib.suppress(OSError):
            count += process.threads if (_PROC / str(process.pid)).stat().st_uid == uid else 0
    return count


def _all() -> Iterator[Process]:
    for name in os.listdir(_PROC):  # noqa: PTH208 - names are enough, and much cheaper
        if name.isdigit() and (process := _read(name)):
            yield process


def _read(pid: str) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:  # it ended meanwhile
        return None
    fields = text.rpartition(")")[2].split()  # its name may have spaces and brackets of its own
    return Process(int(pid), fields[0], int(fields[1]), int(fields[17]), int(fields[21]) * _PAGE_BYTES)
