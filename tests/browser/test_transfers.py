"""The page of transfers: the queue, its order, what steers it, and what was moved."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from time import monotonic

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import Visit
from tests.browser.outage import LONG_S, outage
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.waiting import wait_for

_MIB = 1 << 20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), retry_cap_s=300) as opened:
        opened.connect()
        yield opened


def _put(house: House, title: str, mebibytes: int = 1, owner: str = "ada") -> str:
    return house.put(secrets.token_bytes(mebibytes * _MIB), f"{title}.bin", title=title, owner=owner)


def _queue(page: Page) -> Locator:
    return page.get_by_role("list", name="Waiting transfers").get_by_role("listitem")


def _wait_order(page: Page, *titles: str) -> None:
    wait_for(lambda: _queue(page).get_by_role("link").all_inner_texts() == list(titles), what=f"the order {titles}")


def test_the_queue_says_why_it_waits_and_its_order_is_changed_by_keyboard_and_taken_back(visit: Visit, house: House, admin: str) -> None:
    house.ask("transfer/pause")
    for title in ("Albums", "Books", "Cassettes"):
        _put(house, title)
    page = (visitor := visit(admin)).open("/transfers")
    _wait_order(page, "Albums", "Books", "Cassettes")
    _queue(page).filter(has_text="Books").get_by_text("Transfers are paused").wait_for()

    to_the_front = _queue(page).filter(has_text="Cassettes").get_by_role("button", name="To the front")
    to_the_front.focus()
    page.keyboard.press("Enter")
    _wait_order(page, "Cassettes", "Albums", "Books")
    _queue(page).filter(has_text="Books").get_by_role("button", name="To the front").click()
    _wait_order(page, "Books", "Cassettes", "Albums")
    _queue(page).filter(has_text="Books").get_by_role("button", name="One place down").click()
    _wait_order(page, "Cassettes", "Books", "Albums")
    assert [house.show(one["archive_id"])["position"] for one in house.ask("transfer/list")["waiting"]] == [0, 1, None]
    for title in ("Cassettes", "Books"):
        _queue(page).filter(has_text=title).get_by_role("button", name="Back to the usual order").click()
    _wait_order(page, "Albums", "Books", "Cassettes")

    page.get_by_role("button", name="Resume").click()
    page.get_by_text("Nothing waits").wait_for()
    page.get_by_role("listitem").filter(has_text="Cassettes is safe on disk").wait_for()
    assert visitor.complaints == []


def test_try_now_ends_the_back_off_of_one_archive_also_for_its_owner(visit: Visit, house: House, panel: PanelProcess, admin: str) -> None:
    house.ask("user/add", name="ben", role="member", password=PASSWORD)
    page = (visitor := visit(panel.sign_in("ben"), width="phone")).open("/transfers")
    house.ask("transfer/pause")
    mine, others = _put(house, "Ben's own", owner="ben"), _put(house, "Ada's secret")
    with outage(house):
        house.ask("transfer/resume")
        _queue(page).get_by_text("next try").wait_for()
    assert "secret" not in page.locator("#content").inner_text().lower()
    since_s = monotonic()
    _queue(page).get_by_role("button", name="Try now").click()
    page.get_by_role("listitem").filter(has_text="Ben's own is safe on disk").wait_for()
    assert monotonic() - since_s < LONG_S
    for archive_id in (mine, others):
        house.wait_remote(archive_id)
    assert "secret" not in page.locator("#content").inner_text().lower()
    assert page.get_by_role("button", name="Pause").count() == page.get_by_role("button", name="To the front").count() == 0
    assert visitor.complaints == []
