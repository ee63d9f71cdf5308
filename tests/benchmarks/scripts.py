"""How soon a script's first line is there, and what a script that prints without end costs the runner and everybody else."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter

from mqtt.client import Broker
from mqtt.script_messages import UNFINISHED, Limits
from mqtt.topics import Topics
from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import APPLIANCE_ID, Running
from tests.runners import RunnerProcess, StandIn
from tests.waiting import wait_for

_END_S = 600.0
_PRINTS = "import sys\nfor n in range({lines}): print(n, 'of many lines of a script that prints and prints')"


def measure(order: Order) -> list[Figure]:
    """A real appliance beside the runner; the orders are given and the output is heard by a client at the same broker."""
    topics = Topics(APPLIANCE_ID)
    with Running(order.folder) as appliance:
        address = appliance.broker.address
        client = Broker(address, topics, client_id="benchmark-orders")
        orders = StandIn(client, topics, answering=False)
        client.start()
        try:
            with RunnerProcess(address, topics, order.folder) as runner:
                orders.wait_online()
                return [*_first_line(orders, 10 if order.small else 30), *_many_lines(order, appliance, orders, runner)]
        finally:
            client.stop(1.0)


def _first_line(orders: StandIn, runs: int) -> list[Figure]:
    took_s = [_until_first_line(orders) for _ in range(runs)]
    return [
        Figure(name="order to first line, p50", value=1000 * median(took_s), unit="ms", at_most=400),
        Figure(name="order to first line, slowest", value=1000 * max(took_s), unit="ms", note=f"of {runs}"),
    ]


def _until_first_line(orders: StandIn) -> float:
    start_s = perf_counter()
    run_id = orders.order("print('hello')")
    wait_for(lambda: orders.text(run_id), 30, "the first line")
    took_s = perf_counter() - start_s
    orders.wait_end(run_id)
    return took_s


def _many_lines(order: Order, appliance: Running, orders: StandIn, runner: RunnerProcess) -> list[Figure]:
    """With the output's usual limit: what is beyond it is counted. Meanwhile the appliance is asked to sync, again and again."""
    lines = 1_000_000
    limits = Limits(output_bytes=1_000_000) if order.small else Limits()
    start_s = perf_counter()
    run_id = orders.order(_PRINTS.format(lines=lines), limits=limits)
    sync_s = []
    while (state := orders.state(run_id)) is None or state.state in UNFINISHED:
        asked_s = perf_counter()
        appliance.ask("transfer/sync")
        sync_s.append(perf_counter() - asked_s)
        assert perf_counter() - start_s < _END_S, "the script does not end"
        wait_for(lambda began_s=asked_s: perf_counter() - began_s > 0.1, 1)  # type: ignore[misc]  # ten times a second
    assert state.lines + state.dropped_lines == lines, state
    return [
        Figure(name="1,000,000 lines: peak RSS of the runner", value=_peak_mb(runner), unit="MB", at_most=100),
        Figure(name="1,000,000 lines: slowest sync meanwhile", value=1000 * max(sync_s), unit="ms", at_most=1000, note=f"of {len(sync_s)}"),
        Figure(name="1,000,000 lines: whole run", value=perf_counter() - start_s, unit="s"),
        Figure(name="1,000,000 lines: told", value=state.lines, unit="lines", note="the others are counted"),
    ]


def _peak_mb(runner: RunnerProcess) -> float:
    status = Path(f"/proc/{runner.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6
