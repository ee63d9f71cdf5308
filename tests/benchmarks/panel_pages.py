"""The panel's pages in Chromium, beside appliance and broker: what an open page costs, and how soon it shows what is so."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, sleep

import psutil
from playwright.sync_api import Browser, Page

from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.shown import Said, latencies_s, watch
from tests.benchmarks.start import build
from tests.browser.chromium import Visitor, chromium
from tests.panels import PanelProcess
from tests.processes import House
from tests.waiting import wait_for

_PAGES, _PAINTS = 20, 5
_SETTLE_S, _REST_S, _MOVE_S = 5.0, 30.0, 20.0
_LIMIT_KB_PER_S, _FILE_BYTES = 2000, 64 << 20
_FIGURES = "/^[0-9]/.test(document.querySelector('.pa-stat-value')?.textContent)"
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """``start_mb``: before anybody looked. Shares are of one core."""

    start_mb: float
    paints_s: list[tuple[float, float]]
    one_page: float
    many_pages: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Moving:
    latencies_s: list[float]
    messages: int
    share: float
    open_mb: float


def measure(order: Order) -> list[Figure]:
    """Nothing moves at first; then one file does, at 2 MB/s in one slot. Chromium and its 20 pages share the cores with all else."""
    archives = 1_000 if order.small else 10_000
    with _furnished(order, archives) as house, PanelProcess(house, order.folder) as panel, chromium() as browser:
        process = psutil.Process(panel.process.pid if panel.process else 0)
        visitor, rest = _rest(browser, panel, process)
        moving = _moving(house, visitor.context.pages, process)
        visitor.close()
    return [*_figures_at_rest(rest, archives), *_figures_while_moving(moving)]


def _figures_at_rest(rest: Rest, archives: int) -> list[Figure]:
    first, whole = (median(paint[which] for paint in rest.paints_s) for which in (0, 1))
    return [
        Figure(name="panel's RSS at start", value=rest.start_mb, unit="MB", at_most=110),
        Figure(name=f"overview with {archives:,} archives, first contentful paint, median of {_PAINTS}", value=first, unit="s", at_most=2),
        Figure(name="the same, to its figures", value=whole, unit="s", at_most=2),
        Figure(name="panel at rest, 1 open page", value=rest.one_page, unit="% of a core", at_most=2),
        Figure(name=f"panel at rest, {_PAGES} open pages", value=rest.many_pages, unit="% of a core", at_most=10),
    ]


def _figures_while_moving(moving: Moving) -> list[Figure]:
    p99 = quantiles(moving.latencies_s, n=100)[98]
    of = f"{_PAGES} open pages during a transfer"
    return [
        Figure(
            name=f"{of}: from a message to its words on a page, p99", value=p99, unit="s", at_most=1.0, note=f"{moving.messages} messages",
        ),
        Figure(name="the same, median", value=median(moving.latencies_s), unit="s"),
        Figure(name=f"panel, {of}", value=moving.share, unit="% of a core"),
        Figure(name="panel's RSS then", value=moving.open_mb, unit="MB"),
    ]  # fmt: skip


@contextmanager
def _furnished(order: Order, archives: int) -> Iterator[House]:
    """A house with so many archives, none of which moves."""
    house = House(order.folder, batch_size_mib=16, transfers=1)
    with house:
        house.connect()
        connection_id = house.ask("connection/list")["connections"][0]["id"]
        house.ask("transfer/pause")
        house.stop()
        build(house.data, connection_id, archives)
        house.start()
        wait_for(lambda: house.ask("archive/summary")["archives"] == archives, 60, "the archives to be there")
        yield house


# At rest


def _rest(browser: Browser, panel: PanelProcess, process: psutil.Process) -> tuple[Visitor, Rest]:
    start_mb = process.memory_info().rss / 1e6
    session = panel.claim()
    paints_s = [_paint_s(browser, panel, session) for _ in range(_PAINTS)]
    visitor = Visitor(browser, panel.url, session)
    visitor.open("/")
    one_page = _at_rest(process)
    for _ in range(_PAGES - 1):
        _open(visitor)
    return visitor, Rest(start_mb=start_mb, paints_s=paints_s, one_page=one_page, many_pages=_at_rest(process))


def _paint_s(browser: Browser, panel: PanelProcess, session: str) -> tuple[float, float]:
    """In a browser that knows nothing yet: to the first paint, and to the figures."""
    visitor = Visitor(browser, panel.url, session)
    start_s = perf_counter()
    visitor.page.goto("/", wait_until="commit")
    visitor.page.wait_for_function(_FIGURES)
    whole_s = perf_counter() - start_s
    first_s = float(visitor.page.wait_for_function(_PAINT).json_value()) / 1000
    visitor.close()
    return first_s, whole_s


def _open(visitor: Visitor) -> None:
    page = visitor.new_page()
    page.goto("/")
    page.wait_for_function(_FIGURES)


def _at_rest(process: psutil.Process) -> float:
    sleep(_SETTLE_S)
    return _share(process, _REST_S)


def _share(process: psutil.Process, span_s: float) -> float:
    """Per cent of one core, over that time."""
    before, start_s = process.cpu_times(), perf_counter()
    sleep(span_s)
    after = process.cpu_times()
    return 100 * (after.user + after.system - before.user - before.system) / (perf_counter() - start_s)


# While something moves


def _moving(house: House, pages: list[Page], process: psutil.Process) -> Moving:
    house.ask("settings/set", name="upload_limit_kb_per_s", value=_LIMIT_KB_PER_S)
    archive_id = house.put(secrets.token_bytes(_FILE_BYTES), "film.mkv")
    said = Said()
    said.listen(house.client, house.topics)
    house.ask("transfer/first", archive=archive_id)
    watch(pages)
    house.ask("transfer/resume")
    wait_for(lambda: said.heard, 20, "the transfer to begin")
    share = _share(process, _MOVE_S)
    found = latencies_s(pages, said)
    return Moving(latencies_s=found, messages=len(said.heard), share=share, open_mb=process.memory_info().rss / 1e6)
