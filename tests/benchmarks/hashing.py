"""Hashing at ingest (whole file and batches in one read) beside ``openssl dgst -sha256`` on the same file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from appliance.batches import drop_cache_of, hash_file

_PIECE_BYTES = 1 << 22


def measure_hashing(folder: Path, size_bytes: int = 1 << 30, batch_bytes: int = 16 << 20, rounds: int = 5) -> dict[str, float]:
    """Medians, taken in turns so that both see the same machine: from the page cache, and once each from the disk.

    ``ratio`` is our speed to openssl's (both read the file and hash it); above 1 we are faster.
    """
    path = folder / "hashed"
    try:
        _fill(path, size_bytes)
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(_seconds(lambda: hash_file(path, size_bytes, batch_bytes)))
            theirs.append(_seconds(lambda: _openssl(path)))
        cold = _cold(path, lambda: hash_file(path, size_bytes, batch_bytes))
        cold_openssl = _cold(path, lambda: _openssl(path))
    finally:
        path.unlink(missing_ok=True)
    return {
        "mb_per_s": size_bytes / 1e6 / median(ours),
        "openssl_mb_per_s": size_bytes / 1e6 / median(theirs),
        "ratio": median(theirs) / median(ours),
        "cold_ratio": cold_openssl / cold,
        "cold_mb_per_s": size_bytes / 1e6 / cold,
    }


def _fill(path: Path, size_bytes: int) -> None:
    piece = os.urandom(_PIECE_BYTES)
    with path.open("wb") as file:
        for at in range(0, size_bytes, _PIECE_BYTES):
            file.write(piece[: size_bytes - at])
        file.flush()
        os.fsync(file.fileno())


def _openssl(path: Path) -> object:
    return subprocess.run(["openssl", "dgst", "-sha256", str(path)], check=True, capture_output=True)


def _cold(path: Path, work: Callable[[], object]) -> float:
    drop_cache_of(path)
    return _seconds(work)


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
