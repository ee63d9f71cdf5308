"""The list of archives: found among many, live, many at once, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.filling import fill, put
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House

NUMBER = 120


@pytest.fixture(scope="module")
def shelf(house: House, admin: str) -> list[str]:
    """A hundred and twenty small archives of ada's, and ben's three."""
    house.ask("user/add", name="ben", role="member", password=PASSWORD)
    fill(house, ["Ben's diary", "Ben's letters", "Ben's Document k071"], owner="ben")
    return fill(house, [f"Document k{number:03}" for number in range(NUMBER)])


@pytest.fixture
def slow_line(house: House) -> Iterator[None]:
    """What comes in from here on is not safe soon."""
    house.ask("settings/set", name="upload_limit_kb_per_s", value=20)
    yield
    house.ask("settings/set", name="upload_limit_kb_per_s", value=0)


def rows(page: Page) -> list[str]:
    return page.locator(".pa-archive-title").all_inner_texts()


def test_one_is_found_among_many_and_the_address_keeps_what_was_asked_for(visit: Visit, admin: str, shelf: list[str]) -> None:
    visitor = visit(admin)
    page = visitor.open("/archives")
    page.evaluate("window.stays = true")
    expect(page.get_by_text("123 archives, 1 to 50 shown")).to_be_visible()
    assert rows(page)[0] == "Document k119"
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_text("123 archives, 51 to 100 shown")).to_be_visible()
    assert rows(page)[0] == "Document k069"
    expect(page).to_have_url(re.compile(r"/archives\?page=2$"))
    page.get_by_label("Search titles and file names").fill("document k07")
    expect(page.get_by_text("11 archives")).to_be_visible()
    page.get_by_label("Order").click()
    page.get_by_role("option", name="By title").click()
    expect(page.locator(".pa-archive-title").first).to_have_text("Ben's Document k071")
    page.get_by_label("Owner").click()
    page.get_by_role("option", name="ada").click()
    expect(page.get_by_text("10 archives")).to_be_visible()
    assert page.evaluate("window.stays")
    page.reload()
    expect(page.get_by_text("10 archives")).to_be_visible()
    assert rows(page) == [f"Document k{number:03}" for number in range(70, 80)]
    page.go_back()
    expect(page.get_by_text("11 archives")).to_be_visible()
    expect(page.get_by_label("Search titles and file names")).to_have_value("document k07")
    page.get_by_label("Search titles and file names").fill("nothing is called so")
    page.get_by_text("Nothing matches").wait_for()
    assert not visitor.complaints


def test_progress_and_new_archives_are_seen_without_a_reload(
    visit: Visit, house: House, admin: str, shelf: list[str], slow_line: None
) -> None:
    visitor = visit(admin)
    page = visitor.open("/archives")
    page.evaluate("window.stays = true")
    slow = put(house, "A slow one", 3_000_000)
    page.get_by_role("status").get_by_text("1 new archive").wait_for()
    assert rows(page)[0] == "Document k119"  # nothing moved under the reader's finger
    page.get_by_role("button", name="Show").click()
    row = page.locator(".pa-archive").first
    expect(row.locator(".pa-archive-title")).to_have_text("A slow one")
    expect(row.locator(".pa-pill")).to_have_text(re.compile("Only here so far|On its way"))
    house.ask("settings/set", name="upload_limit_kb_per_s", value=0)
    expect(row.locator(".pa-pill")).to_have_text("Safe")
    expect(row).to_contain_text("Here and on disk")
    house.ask("archive/remove", archive=slow)  # somebody else's doing
    expect(row.locator(".pa-archive-title")).to_have_text("Document k119")
    house.ask("archive/undo", archive=slow)
    assert page.evaluate("window.stays")
    assert not visitor.complaints


def test_many_at_once_are_done_and_what_is_refused_says_why(
    visit: Visit, house: House, admin: str, shelf: list[str], slow_line: None
) -> None:  # fmt: skip
    safe, other = (house.wait_remote(archive_id)["id"] for archive_id in shelf[40:42])
    unsafe = put(house, "Document k04x, on its way", 3_000_000)
    visitor = visit(admin)
    page = visitor.open("/archives?q=document+k04&sort=title")
    for title in ("Document k040", "Document k041", "Document k04x, on its way"):
        page.get_by_label(f"Select {title}").check()
    page.get_by_text("3 selected").wait_for()
    page.get_by_role("button", name="Free the space").click()
    page.locator(".pa-dialog").get_by_role("button", name="Free the space").click()
    told = page.locator(".pa-outcome")
    expect(told).to_contain_text("Freed the space of 2 archives here. 1 archive stayed as it is.")
    expect(told).to_contain_text("'Document k04x, on its way' cannot be released")
    assert [house.show(archive_id)["local"] for archive_id in (safe, other, unsafe)] == [False, False, True]
    expect(page.locator(".pa-archive").first).to_contain_text("Only on disk")
    for title in ("Document k040", "Document k041"):
        page.get_by_label(f"Select {title}").check()
    page.get_by_role("button", name="Remove").click()
    page.locator(".pa-dialog").get_by_role("button", name="Remove").click()
    expect(told).to_contain_text("Moved 2 archives to the trash.")
    assert "Document k040" not in rows(page)
    page.get_by_role("button", name="Trash").click()
    expect(page.locator(".pa-archive")).to_have_count(2)
    expect(page.locator(".pa-archive").first).to_contain_text("can be taken back until")
    page.locator(".pa-archive", has_text="Document k041").get_by_role("button", name="Take back").click()
    expect(page.locator(".pa-archive")).to_have_count(1)
    page.get_by_label("Select all on this page").check()
    page.get_by_label("What is selected").get_by_role("button", name="Take back").click()
    page.get_by_text("The trash is empty").wait_for()
    assert not house.show(safe)["removed_at"]
    assert not visitor.complaints


def test_members_find_their_own_only_by_list_search_and_address(
    visit: Visit, house: House, panel: PanelProcess, admin: str, shelf: list[str]
) -> None:  # fmt: skip
    visitor = visit(panel.sign_in("ben"), width="phone")
    page = visitor.open("/archives?owner=ada")
    expect(page.get_by_text("3 archives", exact=True)).to_be_visible()
    assert sorted(rows(page)) == ["Ben's Document k071", "Ben's diary", "Ben's letters"]
    assert not page.get_by_label("Owner").count()
    page.get_by_label("Search titles and file names").fill("document")
    expect(page.get_by_text("1 archive", exact=True)).to_be_visible()
    fill(house, ["Not ben's", "Not ben's either", "Nor that"])
    put(house, "Ben's new one", owner="ben")
    for title in ("Ben's Document k071, read", "Ben's Document k071, read twice"):  # told after those, and a page is told in that order
        house.ask("archive/rename", archive="Ben's Document k071" if title.endswith("read") else "Ben's Document k071, read", title=title)
        page.get_by_role("link", name=title, exact=True).wait_for()
    assert page.locator(".pa-news").inner_text().startswith("1 new archive")
    assert not visitor.complaints
    visitor.open(f"/archives/{shelf[0]}")
    page.get_by_role("heading", name="There is no such archive").wait_for()
    assert "Document k000" not in page.content()
