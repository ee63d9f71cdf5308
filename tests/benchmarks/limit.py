"""The upload limit, looked at from outside: the bytes that have arrived in the remote's folder."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import APPLIANCE_ID, Running

_LIMIT_BYTES_PER_S = 4_000_000
_WINDOW_S, _EVERY_S = 10.0, 0.05


class Sample(NamedTuple):
    """What had arrived at a time."""

    at_s: float
    arrived_bytes: int


def measure(order: Order) -> list[Figure]:
    """25 s (small: 15 s) at 4,000 kB/s with three slots; every window of 10 s between the first byte and the end."""
    seconds = 15 if order.small else 25
    with Running(order.folder, upload_limit_kb_per_s=_LIMIT_BYTES_PER_S // 1000, batch_size_mib=4) as appliance:
        appliance.ask("transfer/pause")
        archive_id = appliance.hand_in((seconds * _LIMIT_BYTES_PER_S >> 20) + 16 << 20)
        appliance.wait_received(archive_id)
        appliance.connect(order.folder / "remote")
        appliance.ask("transfer/resume")
        samples = _sampled(order.folder / "remote" / APPLIANCE_ID / archive_id, seconds)
    windows = [each / (_WINDOW_S * _LIMIT_BYTES_PER_S) for each in windows_bytes(samples)]
    return [
        Figure(name="fullest 10 s at an upload limit of 4,000 kB/s", value=max(windows), unit="x limit", at_most=1.05),
        Figure(name="emptiest 10 s", value=min(windows), unit="x limit", at_least=0.95),
    ]


def _sampled(folder: Path, seconds: float) -> list[Sample]:
    """From the first byte on."""
    samples: list[Sample] = []
    pause = threading.Event()
    while not samples or samples[-1].at_s - samples[0].at_s < seconds:
        arrived = arrived_bytes(folder)
        if arrived:
            samples.append(Sample(perf_counter(), max(arrived, samples[-1].arrived_bytes if samples else 0)))
        pause.wait(_EVERY_S)
    return samples


def arrived_bytes(folder: Path) -> int:
    """A batch is counted once, whether under the name of its part file or its own."""
    sizes: dict[str, int] = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                sizes[entry.name.strip(".").removesuffix(".part")] = entry.stat().st_size
    return sum(sizes.values())


def windows_bytes(samples: list[Sample]) -> list[float]:
    """What arrived in each window of 10 s that begins with a sample; between samples a straight line is drawn."""
    ends = [each for each in samples if each.at_s + _WINDOW_S <= samples[-1].at_s]
    arrived_at = _line_through(samples)
    return [arrived_at(each.at_s + _WINDOW_S) - each.arrived_bytes for each in ends]


def _line_through(samples: list[Sample]) -> Callable[[float], float]:
    times = [each.at_s for each in samples]

    def arrived_at(at_s: float) -> float:
        after = max(1, bisect_left(times, at_s))
        (from_s, low), (to_s, high) = samples[after - 1], samples[after]
        return low + (high - low) * (at_s - from_s) / (to_s - from_s)

    return arrived_at
