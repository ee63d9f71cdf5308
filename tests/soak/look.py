"""One look at all processes, folders and topics of a house."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

_PAGE = os.sysconf("SC_PAGE_SIZE")
_FOLDERS = ("catalog", "ledger", "log", "spool", "uploads", "trash", "scripts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Of one process, at one moment. ``children``: those below it, at any depth."""

    rss: int
    pss: int
    files: int
    threads: int
    children: int
    zombies: int
    inotify: int
    cpu_s: float
    written: int
    handed_over: int


def figures(pid: int) -> Figures | None:
    """None: it is gone."""
    with contextlib.suppress(OSError, psutil.NoSuchProcess, ValueError, IndexError):
        return _figures(pid)
    return None


def _figures(pid: int) -> Figures:
    process = psutil.Process(pid)
    below = process.children(recursive=True)
    proc = Path(f"/proc/{pid}")
    io = dict(line.split(": ") for line in (proc / "io").read_text().splitlines())
    cpu = process.cpu_times()
    return Figures(
        rss=int((proc / "statm").read_text().split()[1]) * _PAGE, pss=pss(proc), files=sum(1 for _ in (proc / "fd").iterdir()),
        threads=process.num_threads(), children=len(below), zombies=sum(map(_is_zombie, below)), inotify=_inotify(proc),
        cpu_s=cpu.user + cpu.system, written=int(io["write_bytes"]) - int(io["cancelled_write_bytes"]), handed_over=int(io["wchar"]),
    )  # fmt: skip


def pss(proc: Path) -> int:
    """Bytes: what is shared with others is counted in parts (proc(5), smaps_rollup)."""
    lines = (proc / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _inotify(proc: Path) -> int:
    """Watches, of all instances."""
    found = 0
    for info in (proc / "fdinfo").iterdir():
        with contextlib.suppress(OSError):
            found += info.read_text().count("inotify wd:")
    return found


def size_and_files(folder: Path) -> tuple[int, int]:
    """Bytes and files below it; what goes away meanwhile is not counted."""
    size_bytes = files = 0
    for top, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size_bytes += os.lstat(os.path.join(top, name)).st_size  # noqa: PTH118 - many files, often
                files += 1
    return size_bytes, files


def folders(data: Path, panel: Path, temporary: Iterable[Path]) -> dict[str, float]:
    """Sizes and numbers of files of what lies on the disk, but for the local copies."""
    found: dict[str, float] = {}
    for name in _FOLDERS:
        found[f"{name} bytes"], found[f"{name} files"] = size_and_files(data / name)
    found["panel's folder bytes"], found["panel's folder files"] = size_and_files(panel)
    found["temporary files"] = sum(size_and_files(folder)[1] for folder in temporary)
    return found
