"""The appliance on Drive beside an unmodified rclone: the same fake, a process of its own, over TLS; and on a line that is shaped."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.content import fill
from tests.benchmarks.drive_clients import Cost, Ours, Theirs
from tests.benchmarks.figures import Figure, Order
from tests.fakes.drive import DriveProcess

_MIB = 1 << 20
_MEMORY = Path("/dev/shm")
_RATE_BYTES_PER_S = 5_000_000
_LATENCY_S = 0.2


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Of one form of the benchmark."""

    one_bytes: int
    many: int
    each_bytes: int
    pairs: int
    shaped_bytes: int

    @property
    def one(self) -> str:
        return f"one archive of {self.one_bytes // _MIB} MiB"

    @property
    def several(self) -> str:
        return f"{self.many} archives of {self.each_bytes // _MIB} MiB"


_FULL = _Sizes(one_bytes=1024 * _MIB, many=128, each_bytes=8 * _MIB, pairs=5, shaped_bytes=256 * _MIB)
_SMALL = _Sizes(one_bytes=256 * _MIB, many=32, each_bytes=8 * _MIB, pairs=3, shaped_bytes=128 * _MIB)
_FIRST_BYTES = 64 * _MIB


def measure(order: Order) -> list[Figure]:
    """Pairs in turn, medians of their ratios. rclone's figures contain its start, ours do not: the appliance is there all the time."""
    sizes = _SMALL if order.small else _FULL
    with _contents(order.folder, sizes) as contents, DriveProcess(contents, tls=True) as fake:
        fake.report_checksums(["md5", "sha256"])  # what rclone and we compare
        with Ours(fake, order.folder / "ours") as ours:
            figures = [*_one(order, sizes, fake, ours), *_several(order, sizes, fake, ours), *_shaped(order, sizes, fake, ours)]
        assert not fake.violations, fake.violations
    return figures


@contextmanager
def _contents(folder: Path, sizes: _Sizes) -> Iterator[Path]:
    """Where the fake keeps what it gets: in memory where there is room, so that its disk does not count."""
    is_roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 * sizes.one_bytes
    with tempfile.TemporaryDirectory(prefix="fake-drive-", dir=_MEMORY if is_roomy else folder) as name:
        yield Path(name)


def _one(order: Order, sizes: _Sizes, fake: DriveProcess, ours: Ours) -> list[Figure]:
    """The first archive is small, so that the memory of a large one can be seen beside it."""
    ours.take_in(1, _FIRST_BYTES)
    _there_and_back(ours)
    first_mb = ours.peak_rss_mb()
    ours.take_in(1, sizes.one_bytes)
    theirs = Theirs(fake, order.folder / "rclone-one", _files(order.folder / "one", 1, sizes.one_bytes), "16M")
    up, down = _pairs(sizes.pairs, lambda: _there_and_back(ours), lambda: _there_and_back(theirs))
    return [
        *_compared(f"upload of {sizes.one}", sizes.one_bytes, up, cpu_at_most=0.75),
        *_compared(f"download of {sizes.one}", sizes.one_bytes, down, cpu_at_most=1.0),
        Figure(name=f"peak RSS of the appliance, {sizes.one} up and down", value=ours.peak_rss_mb(), unit="MB", at_most=150),
        Figure(name=f"the same / one of {_FIRST_BYTES // _MIB} MiB", value=ours.peak_rss_mb() / first_mb, unit="x", at_most=1.15),
    ]


def _several(order: Order, sizes: _Sizes, fake: DriveProcess, ours: Ours) -> list[Figure]:
    ours.take_in(sizes.many, sizes.each_bytes)
    source = _files(order.folder / "many", sizes.many, sizes.each_bytes)
    theirs = Theirs(fake, order.folder / "rclone-many", source, "8M")
    (up,) = _pairs(sizes.pairs, lambda: [_up(ours)], lambda: [_up(theirs)])
    return _compared(f"upload of {sizes.several}", sizes.many * sizes.each_bytes, up, cpu_at_most=0.75)


def _shaped(order: Order, sizes: _Sizes, fake: DriveProcess, ours: Ours) -> list[Figure]:
    """How much of the line is payload, beside rclone."""
    ours.take_in(1, sizes.shaped_bytes)
    source = _files(order.folder / "shaped", 1, sizes.shaped_bytes)
    theirs = Theirs(fake, order.folder / "rclone-shaped", source, "8M")
    figures = []
    for latency_s, at_least in ((0.0, 0.98), (_LATENCY_S, 0.95)):
        fake.line(up_bytes_per_s=_RATE_BYTES_PER_S, latency_s=latency_s)
        line = "line of 5 MB/s" + (f", {latency_s} s a request" if latency_s else "")
        for client, name, budget in ((ours, "payload", at_least), (theirs, "rclone's payload", None)):
            share = sizes.shaped_bytes / _RATE_BYTES_PER_S / _up(client).seconds
            figures.append(Figure(name=f"{line}: {name} / what it carries", value=share, unit="x", at_least=budget))
    fake.line()
    return figures


def _files(folder: Path, count: int, size_bytes: int) -> Path:
    folder.mkdir()
    for number in range(count):
        fill(folder / f"film-{number}.mkv", size_bytes)
    return folder


def _up(client: Ours | Theirs) -> Cost:
    try:
        return client.upload()
    finally:
        client.forget()


def _there_and_back(client: Ours | Theirs) -> list[Cost]:
    try:
        return [client.upload(), client.download()]
    finally:
        client.forget()


_Pair = tuple[Cost, Cost]


def _pairs(count: int, ours: Callable[[], list[Cost]], theirs: Callable[[], list[Cost]]) -> list[list[_Pair]]:
    """For each kind of work its pairs of ours and theirs; each is first every other time."""
    found: list[list[_Pair]] = []
    for number in range(count):
        costs = {side: work() for side, work in (((0, ours), (1, theirs)) if number % 2 else ((1, theirs), (0, ours)))}
        found.append(list(zip(costs[0], costs[1], strict=True)))
    return [list(kind) for kind in zip(*found, strict=True)]


def _compared(what: str, size_bytes: int, pairs: list[_Pair], cpu_at_most: float) -> list[Figure]:
    speed = median(theirs.seconds / ours.seconds for ours, theirs in pairs)
    cpu = median(ours.cpu_s / theirs.cpu_s for ours, theirs in pairs)
    sides = {"appliance": [ours for ours, _ in pairs], "rclone": [theirs for _, theirs in pairs]}
    return [
        Figure(name=f"{what}: throughput / rclone's", value=speed, unit="x", at_least=1.0),
        Figure(name=f"{what}: CPU / rclone's", value=cpu, unit="x", at_most=cpu_at_most),
        *(
            Figure(
                name=f"{what}: {side}", value=size_bytes / 1e6 / median(each.seconds for each in costs), unit="MB/s",
                note=f"{median(each.cpu_s for each in costs):.1f} s of CPU",
            )
            for side, costs in sides.items()
        ),
    ]  # fmt: skip
