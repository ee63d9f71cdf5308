"""A broker that comes back with nothing: how long it takes until ten thousand archives are on it again, and what they cost it."""

from __future__ import annotations

from time import perf_counter

import psutil

from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import Hearing, Running
from tests.benchmarks.start import build
from tests.brokers import KINDS, MOSQUITTO
from tests.waiting import wait_for


def measure(order: Order) -> list[Figure]:
    """From the broker's start, the wait for the next attempt to connect included, to the last archive at a subscriber."""
    archives = 1_000 if order.small else 10_000
    with Running(order.folder) as appliance:
        connection_id = appliance.connect(order.folder / "remote")
        appliance.ask("transfer/pause")
    build(order.folder / "data", connection_id, archives)
    kinds = [kind for kind in KINDS if kind != "mosquitto" or MOSQUITTO]
    return [figure for kind in kinds for figure in _on(kind, order, archives)]


def _on(kind: str, order: Order, archives: int) -> list[Figure]:
    with Running(order.folder, broker=kind) as appliance:
        hearing = appliance.listen(("archive/#", "availability"))
        wait_for(lambda: _archives(hearing) == archives, 60.0, "all archives to be told the first time")
        _all_gone(appliance, hearing)
        start_s = perf_counter()
        appliance.broker.start()
        wait_for(lambda: _archives(hearing) == archives, 60.0, "all archives to be told again")
        took_s = perf_counter() - start_s
        online_s = next(message.at_s for message in hearing.messages if message.payload == b"online") - start_s
        memory_mb = psutil.Process(appliance.broker.pid).memory_info().rss / 1e6
    of = f"{kind}, {archives:,} archives"
    return [
        Figure(name=f"{of}: broker starts with nothing, to the last archive at a subscriber", value=took_s, unit="s", at_most=10),
        Figure(name="to online", value=online_s, unit="s"),
        Figure(name="memory of the broker then", value=memory_mb, unit="MB"),
    ]


def _all_gone(appliance: Running, hearing: Hearing) -> None:
    appliance.broker.stop()
    hearing.messages.clear()


def _archives(hearing: Hearing) -> int:
    return len({message.name for message in hearing.messages.copy() if message.name.startswith("archive/")})
