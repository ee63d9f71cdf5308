"""A large file out of the panel by curl, on loopback: how fast, how much memory, and what it does to other pages."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil

from tests.benchmarks import content
from tests.benchmarks.figures import Figure, Order
from tests.panels import PanelProcess
from tests.processes import House
from tests.waiting import wait_for
from ui.panel.files.places import OF_ONE
from ui.panel.sessions import COOKIE

_MIB = 1 << 20
_PAGES = 200
_RECEIVED_S = 600.0


def measure(order: Order) -> list[Figure]:
    """2 GiB, from the page cache; curl and, for its ceiling, sendfile(2) to the same curl run on the same cores."""
    size_bytes = (256 if order.small else 2048) * _MIB
    with House(order.folder, batch_size_mib=16) as house, PanelProcess(house, order.folder) as panel:
        session = panel.claim()
        url, path = _hand_in(house, panel, size_bytes)
        _curl(url, session)  # pages are in the cache, code is loaded
        rss_mb = _rss_mb(panel)
        alone, cpu_s = _alone(panel, url, session)
        with _downloading(url, session):
            took_ms = _pages(panel, session)
        together = _together(url, session, size_bytes)
        growth_mb = _peak_mb(panel) - rss_mb
    size = f"{size_bytes // _MIB} MiB"
    return [
        Figure(name=f"download of {size} by curl, median of 3", value=alone, unit="MB/s", at_least=200),
        Figure(name="sendfile(2) to the same curl", value=_ceiling(path, url), unit="MB/s"),
        Figure(name="CPU of the panel, a GB (checked by SHA-256)", value=cpu_s / size_bytes * 1e9, unit="s"),
        Figure(name="a small page meanwhile, p50", value=median(took_ms), unit="ms"),
        Figure(name="a small page meanwhile, p95", value=sorted(took_ms)[_PAGES * 95 // 100], unit="ms", at_most=50),
        Figure(name="a small page meanwhile, slowest of 200", value=max(took_ms), unit="ms", at_most=500),
        Figure(name=f"{OF_ONE} downloads at once, together", value=together, unit="MB/s"),
        Figure(name="RSS of the panel after the first download", value=rss_mb, unit="MB"),
        Figure(name=f"its peak above that, after all, {OF_ONE} at once among them", value=growth_mb, unit="MB", at_most=32),
    ]


def _hand_in(house: House, panel: PanelProcess, size_bytes: int) -> tuple[str, Path]:
    """The address of the archive, and its local copy."""
    begun = house.ask("archive/begin", file_name="film.mkv", size_bytes=size_bytes, owner="ada")
    archive_id = begun["archive_id"]
    sha256 = content.fill(Path(begun["path"]), size_bytes)
    house.ask("archive/commit", archive_id=archive_id, sha256=sha256)
    wait_for(lambda: house.ask("archive/upload", archive_id=archive_id)["state"] == "received", _RECEIVED_S, "the file to be received")
    return f"{panel.url}/files/{archive_id}", Path(house.ask("archive/locate", archive=archive_id)["path"])


def _curl(url: str, session: str) -> float:
    """MB/s, as curl says. Raises where not all came."""
    command = ["curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{speed_download}", "-b", f"{COOKIE}={session}", url]
    return float(subprocess.run(command, check=True, capture_output=True, timeout=600).stdout) / 1e6


def _alone(panel: PanelProcess, url: str, session: str) -> tuple[float, float]:
    """MB/s, and CPU seconds of the panel a download."""
    before_s = _cpu_s(panel)
    speeds = [_curl(url, session) for _ in range(3)]
    return median(speeds), (_cpu_s(panel) - before_s) / 3


@contextmanager
def _downloading(url: str, session: str) -> Iterator[None]:
    """A download goes on meanwhile, and then the next."""
    ending = threading.Event()

    def again() -> None:
        while not ending.is_set():
            _curl(url, session)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _pages(panel: PanelProcess, session: str) -> list[float]:
    """How long each took, in ms: what the uploader's page asks for, which needs the gate, the session and the panel's own table."""
    with closing(http.client.HTTPConnection("127.0.0.1", panel.port, timeout=60)) as connection:
        return [_page(connection, session) for _ in range(_PAGES)]


def _page(connection: http.client.HTTPConnection, session: str) -> float:
    start_s = perf_counter()
    connection.request("GET", "/upload/unfinished", headers={"Cookie": f"{COOKIE}={session}"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return 1000 * (perf_counter() - start_s)


def _together(url: str, session: str, size_bytes: int) -> float:
    """MB/s of all, from the first byte to the last."""
    threads = [threading.Thread(target=_curl, args=(url, session)) for _ in range(OF_ONE)]
    start_s = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return OF_ONE * size_bytes / 1e6 / (perf_counter() - start_s)


def _ceiling(path: Path, url: str) -> float:
    """MB/s of the file to curl without a program of ours in between."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_send_file, args=(listening, path))
        thread.start()
        host, port = listening.getsockname()[:2]
        speed = _curl(f"http://{host}:{port}/{url.rpartition('/')[2]}", "")
        thread.join()
    return speed


def _send_file(listening: socket.socket, path: Path) -> None:
    taken, _ = listening.accept()
    with taken, path.open("rb") as file:
        taken.recv(1 << 16)
        taken.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {path.stat().st_size}\r\nConnection: close\r\n\r\n".encode())
        taken.sendfile(file)


def _process(panel: PanelProcess) -> psutil.Process:
    assert panel.process is not None
    return psutil.Process(panel.process.pid)


def _cpu_s(panel: PanelProcess) -> float:
    times = _process(panel).cpu_times()
    return float(times.user + times.system)


def _rss_mb(panel: PanelProcess) -> float:
    return float(_process(panel).memory_info().rss / 1e6)


def _peak_mb(panel: PanelProcess) -> float:
    status = Path(f"/proc/{_process(panel).pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6
