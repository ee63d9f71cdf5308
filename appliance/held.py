"""Which of our threads the system holds in a call for a file: a disk or a network share that does not answer.

No restart helps there: what hangs in the kernel cannot be ended, and keeps the data folder locked. So it is told from a loop that hangs
by our own fault (in a lock, or running in circles), which a restart does help. See proc_pid_syscall(5) and proc_pid_stat(5).
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import NamedTuple

_TASKS = Path("/proc/self/task")
_FILES = Path("/proc/self/fd")

# Numbers of calls that name a file by a path, and of those that take one that is open (a pipe or socket does not count).
_BY_PATH = {
    "x86_64": "2 4 6 21 76 80 82 83 84 86 87 88 89 90 137 257 258 262 263 264 265 266 268 269 280 316 332 439",
    "aarch64": "8 9 10 33 34 35 36 37 38 43 45 48 49 53 56 78 79 88 276 291 439",
}
_BY_DESCRIPTOR = {
    "x86_64": "0 1 3 5 8 16 17 18 19 20 40 73 74 75 77 78 91 138 217 221 277 285 295 296 326",
    "aarch64": "25 29 32 44 46 47 52 57 61 62 63 64 65 66 67 68 69 70 71 80 82 83 84 223 285",
}


class _Stand(NamedTuple):
    """Where a thread stands: the call with its arguments, and how often it was let run; the same twice means that it has not moved."""

    call: str
    runs: str


class Held:
    """``look`` again and again: a thread is held when it stands at a look where it stood at the one before."""

    def __init__(self) -> None:
        self._before: dict[str, _Stand] = {}

    def look(self) -> list[str]:
        """The names of the threads that are held."""
        now = {task.name: stand for task in _tasks() if (stand := _stand(task))}
        same = [number for number, stand in now.items() if self._before.get(number) == stand]
        self._before = now
        names = {f"{thread.native_id}": thread.name for thread in threading.enumerate()}
        return sorted(names.get(number, number) for number in same)

    def forget(self) -> None:
        self._before = {}


def _tasks() -> list[Path]:
    with contextlib.suppress(OSError):
        return list(_TASKS.iterdir())
    return []


def _stand(task: Path) -> _Stand | None:
    """None: it is not in a call for a file."""
    with contextlib.suppress(OSError, ValueError):
        status = (task / "status").read_text()
        call = _call(task)
        if "\nState:\tD" in status or _is_for_file(call):
            return _Stand(call, "".join(line for line in status.splitlines() if "ctxt_switches" in line))
    return None


def _call(task: Path) -> str:
    """Empty where the kernel does not tell."""
    with contextlib.suppress(OSError):
        return (task / "syscall").read_text().strip()
    return ""


def _is_for_file(call: str) -> bool:
    number, _, arguments = call.partition(" ")
    if not number.isdecimal():  # "running", or blocked outside of a call
        return False
    machine = os.uname().machine
    if number in _BY_PATH.get(machine, "").split():
        return True
    return number in _BY_DESCRIPTOR.get(machine, "").split() and _is_file(int(arguments.split()[0], 16))


def _is_file(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        return str((_FILES / f"{descriptor}").readlink()).startswith("/")
    return False
