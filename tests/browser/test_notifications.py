"""Notifications: a phone is told by ntfy, its address is never shown again, and what is wrong is said in place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.appliance.notifications.servers import Web
from tests.browser.conftest import Visit
from tests.processes import House
from tests.waiting import wait_for

SECRET = "a-word-that-nobody-guesses"


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


def test_a_phone_is_added_tested_shown_without_its_secret_and_removed(visit: Visit, house: House, admin: str, web: Web) -> None:
    visitor = visit(admin)
    page = visitor.open("/notifications")
    page.get_by_text("Nobody yet").wait_for()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("alert").filter(has_text="The mail server and at least one address are needed.").wait_for()
    page.get_by_role("button", name="Close").click()
    page.get_by_label("By", exact=True).click()
    page.get_by_role("option", name="ntfy (push to a phone)").click()
    page.get_by_label("Topic").fill(SECRET)
    page.get_by_label("Server", exact=True).fill(f"http://127.0.0.1:{web.port}")
    page.get_by_label("Name, for this list").fill("Ada's <b>phone</b>")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Ada's <b>phone</b>", exact=True).wait_for()
    page.get_by_text("ntfy at 127.0.0.1").wait_for()
    page.get_by_role("button", name="Send a test").click()
    page.get_by_text("Ada's <b>phone</b> took the test message.").wait_for()
    assert SECRET in "".join(web.posts[-1])
    page.reload()
    page.get_by_text("last told").wait_for()
    assert SECRET not in page.content()
    assert SECRET not in str(house.ask("notification/list"))

    web.status = 500
    page.get_by_role("button", name="Send a test").click()
    page.get_by_role("alert").filter(has_text="500").wait_for()
    page.get_by_role("button", name="Close").last.click()

    switch = page.get_by_role("switch", name="When something is damaged")
    before = switch.get_attribute("aria-checked")
    switch.click()
    page.get_by_text("Saved.").wait_for()
    assert switch.get_attribute("aria-checked") != before
    wait_for(lambda: any(one["source"] == "set" for one in house.ask("settings/get")["settings"] if one["name"].startswith("notify_")))

    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("Nobody yet").wait_for()
    expect(page.get_by_text("ntfy at 127.0.0.1")).to_have_count(0)
    assert house.ask("notification/list")["targets"] == []
    assert visitor.complaints == []
