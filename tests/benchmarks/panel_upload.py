"""Uploads into the panel: how fast, in how much memory, what others notice of them, and what a kill costs."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from tests.benchmarks import content
from tests.benchmarks.figures import Figure, Order
from tests.browser.chromium import Visitor, chromium
from tests.panels import PanelProcess
from tests.processes import House
from tests.waiting import wait_for
from ui.panel.sessions import COOKIE

_MIB, _GIB = 1 << 20, 1 << 30
_PLACE = "/uploads/tus"
_WORK_S = 600.0
_LOOK_EVERY_S = 0.02


class _Sent(NamedTuple):
    mb_per_s: float
    peak_mb: float
    waits_ms: list[float]


class _Scene:
    """A house, its panel, somebody signed in, and a file to send."""

    def __init__(self, house: House, panel: PanelProcess, file: Path, sha256: str) -> None:
        self.house = house
        self.panel = panel
        self.file = file
        self.size_bytes = file.stat().st_size
        self._sha256 = sha256
        self.session = panel.claim()

    def ask(self, method: str, path: str, **headers: Any) -> http.client.HTTPResponse:
        wire = http.client.HTTPConnection("127.0.0.1", self.panel.port, timeout=60)
        given = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        wire.request(method, path, headers={"Tus-Resumable": "1.0.0", "Cookie": f"{COOKIE}={self.session}"} | given)
        answer = wire.getresponse()
        answer.read()
        wire.close()
        return answer

    def begin(self) -> tuple[str, str]:
        made = self.ask("POST", _PLACE, Upload_Length=self.size_bytes)
        assert made.status == 201, made.status
        return str(made.headers["Location"]), str(made.headers["PyArchive-Archive"])

    def wait_whole(self, place: str, archive_id: str) -> None:
        """Until it is acknowledged; fails where a byte is wrong."""
        wait_for(lambda: self.ask("HEAD", place).status == 200, _WORK_S, "the archive")
        assert self.house.show(archive_id)["sha256"] == self._sha256

    def rss_mb(self) -> float:
        assert self.panel.process is not None
        status = Path(f"/proc/{self.panel.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024 / 1e6


def measure(order: Order) -> list[Figure]:
    """2 GiB each: by curl in one request, by Chromium through the page, and in two halves with a SIGKILL between them."""
    size_bytes = _GIB // 4 if order.small else 2 * _GIB
    file = order.folder / "film.mkv"
    sha256 = content.fill(file, size_bytes)
    with House(order.folder, batch_size_mib=16) as house, PanelProcess(house, order.folder) as panel:
        scene = _Scene(house, panel, file, sha256)
        start_mb = scene.rss_mb()
        by_curl = _watched(scene, _by_curl)
        before_mb = scene.rss_mb()
        by_chromium = _watched(scene, _by_chromium)
        again_bytes = _killed_at_half(scene)
    waits_ms = sorted(by_curl.waits_ms + by_chromium.waits_ms)
    size = f"{size_bytes / _GIB:g} GiB"
    return [
        Figure(name=f"{size} by curl, until it is acknowledged", value=by_curl.mb_per_s, unit="MB/s", at_least=150),
        Figure(name=f"{size} by Chromium, until it is acknowledged", value=by_chromium.mb_per_s, unit="MB/s", at_least=90),
        Figure(name="RSS of the panel before", value=start_mb, unit="MB", at_most=110),
        Figure(name="its peak while uploading", value=max(by_curl.peak_mb, by_chromium.peak_mb), unit="MB", at_most=150),
        Figure(name="what an upload adds", value=max(by_curl.peak_mb - start_mb, by_chromium.peak_mb - before_mb), unit="MB", at_most=32),
        Figure(name=f"a small page meanwhile, of {len(waits_ms)}: p95", value=waits_ms[int(len(waits_ms) * 0.95)], unit="ms", at_most=50),
        Figure(name="the same: max", value=waits_ms[-1], unit="ms", at_most=500),
        Figure(name="sent again after SIGKILL at half", value=again_bytes / _MIB, unit="MiB", at_most=64),
    ]


def _watched(scene: _Scene, send: Any) -> _Sent:
    with _looking(scene) as (peaks, waits_ms):
        took_s = send(scene)
    return _Sent(scene.size_bytes / 1e6 / took_s, max(peaks), waits_ms)


@contextmanager
def _looking(scene: _Scene) -> Iterator[tuple[list[float], list[float]]]:
    """The panel's memory, and how long somebody waits for the sign-in page."""
    peaks, waits_ms, stop = [scene.rss_mb()], [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_EVERY_S):
            start_s = perf_counter()
            assert scene.ask("GET", "/login").status == 200
            waits_ms.append(1000 * (perf_counter() - start_s))
            peaks.append(scene.rss_mb())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peaks, waits_ms
    finally:
        stop.set()
        looking.join()


def _by_curl(scene: _Scene) -> float:
    place, archive_id = scene.begin()
    start_s = perf_counter()
    headers = [
        "Expect:", "Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream",
        f"Cookie: {COOKIE}={scene.session}",
    ]  # fmt: skip
    given = [part for header in headers for part in ("-H", header)]
    subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-X", "PATCH", *given, "-T", scene.file, scene.panel.url + place], check=True
    )
    scene.wait_whole(place, archive_id)
    return perf_counter() - start_s


def _by_chromium(scene: _Scene) -> float:
    with chromium() as browser:
        visitor = Visitor(browser, scene.panel.url, scene.session)
        page = visitor.open("/upload")
        page.set_input_files("#files", scene.file)
        start_s = perf_counter()
        page.locator("#send").click()
        page.locator("#list > li[data-state=received]").wait_for(timeout=1000 * _WORK_S)
        took_s = perf_counter() - start_s
        visitor.close()
    return took_s


def _killed_at_half(scene: _Scene) -> int:
    """How many bytes of those that had left the client went twice."""
    place, archive_id = scene.begin()
    half_bytes = scene.size_bytes // 2
    _send(scene, place, 0, half_bytes, kill=True)
    offset = int(scene.ask("HEAD", place).headers["Upload-Offset"])
    _send(scene, place, offset, scene.size_bytes - offset, kill=False)
    scene.wait_whole(place, archive_id)
    return half_bytes - offset


def _send(scene: _Scene, place: str, offset: int, length: int, *, kill: bool) -> None:
    headers = {
        "Host": "panel", "Tus-Resumable": "1.0.0", "Cookie": f"{COOKIE}={scene.session}", "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream", "Content-Length": str(scene.size_bytes - offset),
    }  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", scene.panel.port)) as wire, scene.file.open("rb") as file:
        wire.sendall(f"PATCH {place} HTTP/1.1\r\n{head}\r\n".encode())
        wire.sendfile(file, offset, length)
        if kill:
            scene.panel.kill()
        else:
            wire.recv(4096)
    if kill:
        scene.panel.start()
        wait_for(lambda: scene.ask("HEAD", place).status == 200, _WORK_S, "the panel to know who is signed in")
