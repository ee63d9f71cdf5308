"""The list of archives in Chromium, with ten thousand of them: from asking to what is painted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter

from playwright.sync_api import Page

from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.start import build
from tests.browser.chromium import Visitor, chromium
from tests.panels import PanelProcess
from tests.processes import House
from tests.waiting import wait_for

_TIMES = 7


def measure(order: Order) -> list[Figure]:
    """On loopback, the browser on the same processors. Times are of the browser's own clock, to the frame that shows the answer."""
    archives = 1_000 if order.small else 10_000
    with _house(order, archives) as house, PanelProcess(house, order.folder) as panel, chromium() as browser:
        visitor = Visitor(browser, panel.url, panel.claim())
        page = visitor.open("/archives")  # what a browser keeps, it has
        opened_s = [_open_s(page) for _ in range(_TIMES)]
        paged_s = [_changed_s(page, "document.querySelector('[aria-label=\"Next page\"]').click()") for _ in range(_TIMES)]
        searched_s = [_search_s(page, f"mountains {number}11") for number in range(1, _TIMES + 1)]
        asked_s = [_asked_s(house) for _ in range(_TIMES)]
        complaints = visitor.complaints
    assert not complaints, complaints
    of = f"{archives:,} archives"
    return [
        Figure(name=f"{of}: the list's page, to its 50 rows painted", value=median(opened_s), unit="s", at_most=2.0),
        Figure(name="the slowest of 7", value=max(opened_s), unit="s"),
        Figure(name=f"{of}: the next page, in place", value=median(paged_s), unit="s", at_most=0.5),
        Figure(name="the slowest of 7", value=max(paged_s), unit="s"),
        Figure(
            name=f"{of}: a search, in place", value=median(searched_s), unit="s", at_most=1.0,
            note="0.25 s of it waits whether more is typed",
        ),
        Figure(name="the slowest of 7", value=max(searched_s), unit="s"),
        Figure(name="what the appliance needs of it: a page of 50, asked by command", value=median(asked_s), unit="s"),
    ]  # fmt: skip


@contextmanager
def _house(order: Order, archives: int) -> Iterator[House]:
    with House(order.folder) as house:
        house.connect()
        house.ask("transfer/pause")
        connection_id = house.ask("connection/list")["connections"][0]["id"]
        house.stop()
        build(house.data, connection_id, archives)
        house.start()
        wait_for(lambda: house.ask("archive/list", limit=1)["total"] == archives, 60, "all archives to be there")
        yield house


def _open_s(page: Page) -> float:
    """From the click that leads there; 50 rows are laid out, and the frame after that is on its way."""
    page.goto("about:blank")
    started_s = perf_counter()
    page.goto("/archives", wait_until="commit")
    page.wait_for_function("document.querySelectorAll('.pa-archive').length === 50")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    took_s = perf_counter() - started_s
    page.wait_for_function("!window.socket || window.socket.connected")
    return took_s


_UNTIL_CHANGED = """
(act) => new Promise((done, failed) => {
  const list = document.querySelector(".pa-archives");
  const first = () => list.querySelector(".pa-archive-title")?.textContent;
  const before = first();
  const started = performance.now();
  const look = () => {
    if (performance.now() - started > 20000) failed(new Error(`the list still begins with ${before}, 20 s after ${act}`));
    else if (first() && first() !== before) requestAnimationFrame(() => done((performance.now() - started) / 1000));
    else requestAnimationFrame(look);
  };
  eval(act);
  look();
})
"""


def _changed_s(page: Page, act: str) -> float:
    """From the act to the frame with another first row."""
    return float(page.evaluate(_UNTIL_CHANGED, act))


def _search_s(page: Page, words: str) -> float:
    typed = "const field = document.querySelector('.pa-archives-search input'); "
    return _changed_s(page, f"{typed} field.value = {words!r}; field.dispatchEvent(new Event('input', {{bubbles: true}}))")


def _asked_s(house: House) -> float:
    started_s = perf_counter()
    house.ask("archive/list", limit=50, search="mountains 11")
    return perf_counter() - started_s
