"""The memory of the appliance while it takes files in and carries them to a folder at the same time."""

from __future__ import annotations

from tests.benchmarks import memory_of_all
from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import Running

_GIB = 1 << 30


def measure(order: Order) -> list[Figure]:
    """8 GiB in two files: the first goes up while the second comes in. The peak (VmHWM) is that of the whole life of the process."""
    half_bytes = _GIB // 2 if order.small else 4 * _GIB
    with Running(order.folder) as appliance:
        connection_id = appliance.connect(order.folder / "remote")
        idle_mb = appliance.peak_rss_mb()
        archives = [appliance.hand_in(half_bytes, name) for name in ("first.mkv", "second.mkv")]
        for archive_id in archives:
            appliance.wait_received(archive_id)
            appliance.wait_remote(archive_id, connection_id)
        peak_mb = appliance.peak_rss_mb()
    both = Order(folder=order.folder / "all", small=order.small)
    both.folder.mkdir()
    size = f"{2 * half_bytes // _GIB} GiB"
    return [
        Figure(name=f"peak RSS, {size} in and up", value=peak_mb, unit="MB", at_most=150),
        Figure(name="peak RSS before, with nothing to do", value=idle_mb, unit="MB"),
        *memory_of_all.measure(both),
    ]
