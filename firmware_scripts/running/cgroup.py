"""A cgroup (v2) for each run, where one was delegated to the runner: memory and processes of the run as a whole, and its end at once.

https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from firmware_scripts.running.order import Order

log = logging.getLogger("scripts")

_TREE = Path("/sys/fs/cgroup")
_CONTROLLERS = "+memory +pids"
_MIB = 1 << 20


class Delegated:
    """The part of the tree that is ours. ``whole``: memory and processes can be limited there."""

    def __init__(self, root: Path) -> None:
        """Raises OSError where it is not ours, or there are processes of others in it."""
        self._root = root
        leaf = root / "runner"  # only leaves have processes, so we move into one
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text(f"{os.getpid()}")
        self.whole = False
        with contextlib.suppress(OSError):  # a kernel without one of them
            (root / "cgroup.subtree_control").write_text(_CONTROLLERS)
            self.whole = True

    def of_run(self, number: int) -> str:
        """A name; its keeper makes it, and removes it."""
        return str(self._root / f"run-{os.getpid()}-{number}")


def delegated(named: Path | None) -> Delegated | None:
    """What is named, or what systemd has delegated to our unit (``Delegate=yes``); None where there is nothing, or it cannot be used."""
    root = named or _of_our_unit()
    if root is None:
        return None
    try:
        return Delegated(root)
    except OSError as error:
        log.warning("the cgroup %s cannot be used: %s; runs are held without one", root, error.strerror)
        return None


def _of_our_unit() -> Path | None:
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
        if own and os.getxattr(_TREE / own, "user.delegate") == b"1":  # by it systemd says that nobody else goes there
            return _TREE / own
    return None


class OfRun:
    """The keeper's side. Without a cgroup nothing happens."""

    def __init__(self, order: Order) -> None:
        """Raises OSError."""
        self._path = Path(order.cgroup) if order.cgroup else None
        self._memory_mib = order.memory_mib
        if self._path:
            self._path.mkdir()
            for name, value in (
                ("memory.max", order.memory_mib * _MIB), ("memory.swap.max", 0), ("memory.oom.group", 1), ("pids.max", order.processes),
            ):  # fmt: skip
                if (self._path / name).exists():
                    (self._path / name).write_text(f"{value}")

    def kill(self) -> None:
        """All that is in it, at once."""
        if self._path:
            with contextlib.suppress(OSError):
                (self._path / "cgroup.kill").write_text("1")

    def over(self) -> str | None:
        """Whether the kernel has ended it for its memory, in words."""
        with contextlib.suppress(OSError):
            if self._path and any(_ended(line) for line in (self._path / "memory.events").read_text().splitlines()):
                return f"it used more than {self._memory_mib} MiB of memory"
        return None

    def remove(self) -> None:
        if self._path:
            with contextlib.suppress(OSError):
                self._path.rmdir()


def _ended(line: str) -> bool:
    name, _, count = line.partition(" ")
    return name == "oom_kill" and count != "0"


def join(order: Order) -> None:
    """The process that calls it, and all that it will start. Raises OSError."""
    if order.cgroup:
        Path(order.cgroup, "cgroup.procs").write_text("0")
