"""The memory of all units together, as a Pi with 512 MB has to hold them: with nothing to do, and with everything to do at once."""

from __future__ import annotations

import http.client
import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.benchmarks import content
from tests.benchmarks.figures import Figure, Order
from tests.installed import Installed
from tests.panels import PanelProcess
from tests.processes import House
from tests.runners import RunnerProcess
from tests.waiting import wait_for
from ui.panel.sessions import COOKIE

_MIB = 1 << 20
_REST_S, _LOOK_EVERY_S, _WORK_S = 20.0, 0.25, 900.0
_AS_THE_UNITS = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
_SCRIPT = "import time\nheld = bytearray(8 << 20)\nfor n in range(200):\n    print(n)\n    time.sleep(0.05)\n"


class _Sum(NamedTuple):
    """Of all processes, in MB. ``pss``: what is shared divided by those who share it, so it is what the computer has to give."""

    rss: float
    pss: float
    each: str


def measure(order: Order) -> list[Figure]:
    """Mosquitto, appliance, panel and runner, with what they start; an upload through the panel, transfers and a script as the load."""
    file = order.folder / "film.mkv"
    content.fill(file, (256 if order.small else 1024) * _MIB)
    os.environ.update(_AS_THE_UNITS)
    try:
        with (
            House(order.folder, broker="mosquitto", batch_size_mib=16) as house,
            PanelProcess(house, order.folder) as panel,
            RunnerProcess(house.address_of("scripts"), house.topics, order.folder) as runner,
        ):
            return _figures(house, panel, runner, file)
    finally:
        for name in _AS_THE_UNITS:
            del os.environ[name]


def _figures(house: House, panel: PanelProcess, runner: RunnerProcess, file: Path) -> list[Figure]:
    assert isinstance(house.broker, Installed)
    assert house.process is not None
    assert panel.process is not None
    pids = {"broker": house.broker.pid, "appliance": house.process.pid, "panel": panel.process.pid, "scripts": runner.pid}
    session = panel.claim()  # a password was hashed: that memory is not given back
    house.connect()
    time.sleep(_REST_S)
    idle = _sum(pids)
    with _looking(lambda: _sum(pids)) as seen:
        _work(house, panel, session, file)
    load = max(seen, key=lambda one: one.rss)
    return [
        Figure(name="all units with nothing to do, RSS", value=idle.rss, unit="MB", at_most=330, note=idle.each),
        Figure(name="the same, PSS", value=idle.pss, unit="MB"),
        Figure(name="upload, transfers and a script at once, peak RSS", value=load.rss, unit="MB", at_most=420, note=load.each),
        Figure(name="the same, peak PSS", value=max(one.pss for one in seen), unit="MB"),
    ]


def _work(house: House, panel: PanelProcess, session: str, file: Path) -> None:
    house.ask("script/save", script="busy", title="Busy", source_base64=b64encode(_SCRIPT.encode()).decode(), permission="read")
    run = house.ask("script/run", script="busy")
    place, archive_id = _begun(panel, session, file)
    _send(panel, session, place, file)
    house.wait_remote(archive_id, _WORK_S)
    wait_for(lambda: _has_ended(house, run["run_id"]), _WORK_S, "the script")


def _has_ended(house: House, run_id: str) -> bool:
    [state] = [run["state"] for run in house.ask("script/runs", script="busy")["runs"] if run["run_id"] == run_id]
    assert state != "lost"
    return bool(state == "ended")


def _begun(panel: PanelProcess, session: str, file: Path) -> tuple[str, str]:
    answer = _ask(panel, session, "POST", "/uploads/tus", None, {"Upload-Length": str(file.stat().st_size)})
    return answer.headers["Location"], answer.headers["PyArchive-Archive"]


def _send(panel: PanelProcess, session: str, place: str, file: Path) -> None:
    more = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as body:
        _ask(panel, session, "PATCH", place, body, more)


def _ask(panel: PanelProcess, session: str, method: str, place: str, body: Any, more: dict[str, str]) -> http.client.HTTPResponse:
    wire = http.client.HTTPConnection("127.0.0.1", panel.port, timeout=_WORK_S)
    wire.request(method, place, body, {"Tus-Resumable": "1.0.0", "Cookie": f"{COOKIE}={session}"} | more)
    answer = wire.getresponse()
    answer.read()
    wire.close()
    assert answer.status < 300, answer.status
    return answer


@contextmanager
def _looking(look: Callable[[], _Sum]) -> Iterator[list[_Sum]]:
    seen, stop = [look()], threading.Event()

    def again() -> None:
        while not stop.wait(_LOOK_EVERY_S):
            seen.append(look())

    looking = threading.Thread(target=again)
    looking.start()
    try:
        yield seen
    finally:
        stop.set()
        looking.join()


def _sum(pids: dict[str, int]) -> _Sum:
    parts = {name: _of(psutil.Process(pid)) for name, pid in pids.items()}
    each = ", ".join(f"{name} {rss:.0f}/{pss:.0f}" for name, (rss, pss) in parts.items())
    return _Sum(sum(rss for rss, _ in parts.values()), sum(pss for _, pss in parts.values()), f"{each}: RSS/PSS")


def _of(process: psutil.Process) -> tuple[float, float]:
    """Of a unit: the process and all that descends from it. What ends meanwhile has no memory."""
    rss = pss = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            memory = each.memory_full_info()
        except psutil.Error:
            continue
        rss, pss = rss + memory.rss / 1e6, pss + memory.pss / 1e6
    return rss, pss
