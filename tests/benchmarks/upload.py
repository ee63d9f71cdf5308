"""The upload to a folder beside `cp` + `sync` of the same file to the same disk."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from tests.benchmarks.content import forget_cache
from tests.benchmarks.figures import Figure, Order, ratio_of_pairs, seconds
from tests.benchmarks.machine import copy
from tests.benchmarks.running import Running

_GIB = 1 << 30
_PAIRS = 3


def measure(order: Order) -> list[Figure]:
    """From `resume` to `remote`, manifest and reading back included; the file is not in the page cache, for either."""
    size_bytes = _GIB if order.small else 4 * _GIB
    with Running(order.folder) as appliance:
        appliance.ask("transfer/pause")
        archive_id = appliance.hand_in(size_bytes)
        appliance.wait_received(archive_id)
        source = appliance.store_file(archive_id)
        upload = partial(_upload_s, appliance, archive_id, order.folder)
        ratio, copy_s, upload_s = ratio_of_pairs(_PAIRS, partial(_copy_s, source, order.folder / "copy"), upload)
    size = f"{size_bytes // _GIB} GiB"
    return [
        Figure(name=f"upload of {size} to a folder / cp + sync", value=ratio, unit="x", at_least=0.7, note="file not in the page cache"),
        Figure(name="upload", value=size_bytes / 1e6 / upload_s, unit="MB/s"),
        Figure(name="cp + sync", value=size_bytes / 1e6 / copy_s, unit="MB/s"),
    ]


def _copy_s(source: Path, target: Path) -> float:
    forget_cache(source)
    return seconds(lambda: copy(source, target))


def _upload_s(appliance: Running, archive_id: str, folder: Path) -> float:
    """To a folder that is new each time."""
    place = folder / "remote"
    connection_id = appliance.connect(place)
    forget_cache(appliance.store_file(archive_id))
    try:
        return seconds(lambda: _resume_until_remote(appliance, archive_id, connection_id))
    finally:
        appliance.ask("transfer/pause")
        appliance.disconnect(connection_id)
        shutil.rmtree(place)


def _resume_until_remote(appliance: Running, archive_id: str, connection_id: str) -> None:
    appliance.ask("transfer/resume")
    appliance.wait_remote(archive_id, connection_id)
