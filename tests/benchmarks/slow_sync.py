"""What an SD card's slow fsync costs an upload: 20 ms more for each, beside the same without."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.benchmarks.figures import Figure, Order, ratio_of_pairs, seconds
from tests.benchmarks.running import Running

_DELAY_MS = 20
_LINE_KB_PER_S = 20_000
_MIB = 1 << 20
_PAIRS = 3


class _Side:
    """One appliance with one archive, which is sent again and again to folders that are new."""

    def __init__(self, stack: ExitStack, folder: Path, sync_delay_ms: int) -> None:
        folder.mkdir()
        self._place = folder / "remote"
        self._appliance = stack.enter_context(Running(folder, sync_delay_ms=sync_delay_ms))
        self._appliance.ask("transfer/pause")
        self._archive_id = ""

    def take_in(self, size_bytes: int, limit_kb_per_s: int) -> None:
        if self._archive_id:
            self._appliance.ask("archive/remove", archive=self._archive_id)
        self._appliance.ask("settings/set", name="upload_limit_kb_per_s", value=limit_kb_per_s)
        self._archive_id = self._appliance.hand_in(size_bytes)
        self._appliance.wait_received(self._archive_id)

    def upload_s(self) -> float:
        connection_id = self._appliance.connect(self._place)
        try:
            return seconds(lambda: self._upload(connection_id))
        finally:
            self._appliance.ask("transfer/pause")
            self._appliance.disconnect(connection_id)
            shutil.rmtree(self._place)

    def _upload(self, connection_id: str) -> None:
        self._appliance.ask("transfer/resume")
        self._appliance.wait_remote(self._archive_id, connection_id)


def measure(order: Order) -> list[Figure]:
    """Throughput from `resume` to `remote`, at a line of 20 MB/s (the budget) and at whatever the disk gives (to look at)."""
    with ExitStack() as stack:
        quick = _Side(stack, order.folder / "quick", 0)
        slow = _Side(stack, order.folder / "slow", _DELAY_MS)
        compare = partial(_compared, quick, slow)
        limited = compare(_MIB * (96 if order.small else 192), _LINE_KB_PER_S)
        unlimited = compare(_MIB * (256 if order.small else 1024), 0)
    return [
        Figure(name="throughput with fsync + 20 ms, line of 20 MB/s", value=limited, unit="x without", at_least=0.9),
        Figure(name="throughput with fsync + 20 ms, folder without limit", value=unlimited, unit="x without"),
    ]


def _compared(quick: _Side, slow: _Side, size_bytes: int, limit_kb_per_s: int) -> float:
    for side in (quick, slow):
        side.take_in(size_bytes, limit_kb_per_s)
    return ratio_of_pairs(_PAIRS, quick.upload_s, slow.upload_s)[0]
