"""A Drive that keeps 1 MiB of a chunk of 8 MiB: what is sent beyond the file, by us and by rclone."""

from __future__ import annotations

import json

from tests.benchmarks.content import fill
from tests.benchmarks.drive_clients import led_to
from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import Running
from tests.fakes.drive import DriveProcess
from tests.fakes.rclone import Rclone
from tests.waiting import wait_for

_MIB = 1 << 20
_CHUNK_MIB, _KEPT_MIB, _BEFORE = 8, 1, 10
_WORK_S = 600.0


def measure(order: Order) -> list[Figure]:
    """What Drive threw away has to be sent again by anybody: that is 1."""
    size_bytes = (128 if order.small else 256) * _MIB
    (order.folder / "drive").mkdir()
    with DriveProcess(order.folder / "drive", tls=True) as fake:
        ours, theirs = _ours(order, fake, size_bytes), _theirs(order, fake, size_bytes)
    thrown_away = (_CHUNK_MIB - _KEPT_MIB) * _MIB
    what = f"{_KEPT_MIB} MiB kept of a chunk of {_CHUNK_MIB}, in a file of {size_bytes // _MIB} MiB: sent again / thrown away"
    return [
        Figure(name=what, value=ours / thrown_away, unit="x", at_most=1.01, note=f"{ours / _MIB:.1f} MiB"),
        Figure(name=f"{what}: rclone", value=theirs / thrown_away, unit="x", note=f"{theirs / _MIB:.1f} MiB"),
    ]


def _ours(order: Order, fake: DriveProcess, size_bytes: int) -> int:
    (order.folder / "ours").mkdir()
    with led_to(fake), Running(order.folder / "ours", batch_size_mib=_CHUNK_MIB, transfers=1) as appliance:
        archive_id = appliance.hand_in(size_bytes)
        appliance.wait_received(archive_id)
        connection = appliance.ask("connection/add", kind="drive", name="Drive", credentials=json.dumps(fake.account("ours")))["id"]
        appliance.ask("connection/validate", connection=connection)
        before = _harmed(fake)
        appliance.ask("connection/activate", connection=connection)
        wait_for(lambda: appliance.ask("archive/show", archive=archive_id)["rung"] == "remote", _WORK_S, "the upload")
        return fake.received_bytes - before - size_bytes


def _theirs(order: Order, fake: DriveProcess, size_bytes: int) -> int:
    folder = order.folder / "rclone"
    (folder / "source").mkdir(parents=True)
    fill(folder / "source" / "film.mkv", size_bytes)
    rclone = Rclone(fake, folder, fake.account("theirs"), "--drive-chunk-size", f"{_CHUNK_MIB}M", "--retries", "3")
    before = _harmed(fake)
    rclone("copy", str(folder / "source"), "drive:films")
    return fake.received_bytes - before - size_bytes


def _harmed(fake: DriveProcess) -> int:
    """What had been received before. Some chunks arrive whole first."""
    fake.calm()
    fake.fault("partial", match="chunk", keep_bytes=_KEPT_MIB * _MIB, after=_BEFORE)
    return fake.received_bytes
