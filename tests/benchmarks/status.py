"""`pyarchive status` as a user waits for it: a whole process, from its start to its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import Figure, Order, seconds
from tests.benchmarks.running import Running

_RUNS = 7
_COMMAND = str(Path(sys.executable).with_name("pyarchive"))


def measure(order: Order) -> list[Figure]:
    """Median of 7 against an appliance that is online; and a Python that does nothing, to compare."""
    with Running(order.folder) as appliance:
        status_s = [seconds(lambda: _run([_COMMAND, "status"], appliance.environment)) for _ in range(_RUNS)]
        python_s = [seconds(lambda: _run([sys.executable, "-c", ""], appliance.environment)) for _ in range(_RUNS)]
    return [
        Figure(name="pyarchive status, the whole process", value=median(status_s), unit="s", at_most=0.6),
        Figure(name="a Python that does nothing", value=median(python_s), unit="s"),
    ]


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
