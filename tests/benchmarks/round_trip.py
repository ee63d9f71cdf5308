"""Requests, from asking to the answer, as a panel or a command waits for them."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from tests.benchmarks.figures import Figure, Order, seconds
from tests.benchmarks.running import Running
from tests.benchmarks.talk import percentile, transferring

_ASKED: list[tuple[str, dict[str, Any]]] = [("archive/list", {"limit": 50}), ("transfer/list", {}), ("settings/get", {})]


def measure(order: Order) -> list[Figure]:
    """A list of archives, the transfers, the settings, in turn; with a hundred archives."""
    times = 100 if order.small else 500
    with Running(order.folder, batch_size_mib=4) as appliance:
        for number in range(100):
            appliance.hand_in(1 << 20, f"picture-{number}.jpg")
        idle = _trips_ms(appliance, times)
        with transferring(appliance, order):
            busy = _trips_ms(appliance, times)
    return [
        Figure(name="idle, p50", value=median(idle), unit="ms"),
        Figure(name="idle, p99", value=percentile(idle, 0.99), unit="ms", at_most=50, note=f"of {times}"),
        Figure(name="while three slots transfer, p50", value=median(busy), unit="ms"),
        Figure(name="while three slots transfer, p99", value=percentile(busy, 0.99), unit="ms"),
    ]


def _trips_ms(appliance: Running, times: int) -> list[float]:
    return [1000 * seconds(partial(appliance.ask, verb, **parameters)) for verb, parameters in (_ASKED * times)[:times]]
