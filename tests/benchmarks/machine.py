"""What the disk does at the time of a benchmark: the figures beside which its own have to be read."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.benchmarks.content import fill
from tests.benchmarks.figures import seconds

_APPENDS = 50
_COPY_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Median of 50 small appends, each with fsync; and `cp` + `sync` of 256 MiB that are in the page cache."""

    fsync_ms: float
    copy_mb_per_s: float


def measure(folder: Path) -> Machine:
    """Takes a second or two, and leaves nothing."""
    return Machine(fsync_ms=_fsync_ms(folder / "appended"), copy_mb_per_s=_copy_mb_per_s(folder / "copied"))


def _fsync_ms(path: Path) -> float:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return median(_append_ms(fd) for _ in range(_APPENDS))
    finally:
        os.close(fd)
        path.unlink()


def _append_ms(fd: int) -> float:
    start_s = perf_counter()
    os.write(fd, b"x" * 256)
    os.fsync(fd)
    return 1000 * (perf_counter() - start_s)


def _copy_mb_per_s(target: Path) -> float:
    source = target.with_name("to-be-copied")
    fill(source, _COPY_BYTES)
    try:
        return _COPY_BYTES / 1e6 / seconds(lambda: copy(source, target))
    finally:
        source.unlink()


def copy(source: Path, target: Path) -> None:
    """`cp` + `sync` of that one file, which is removed again."""
    subprocess.run(["cp", source, target], check=True)
    subprocess.run(["sync", target], check=True)
    target.unlink()
