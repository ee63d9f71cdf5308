"""First steps of a new appliance: to a proven copy, and to a sheet of paper that brings everything back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import segno

from tests.browser.conftest import Visit
from tests.panels import PanelProcess
from tests.processes import House

STAGES = 6


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Without a connection."""
    with House(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture
def ada(house: House, panel: PanelProcess) -> str:
    """The admin's session, on a house with a place for copies: as the first test leaves it, or made where that ran elsewhere."""
    if house.ask("user/list")["users"]:
        return panel.sign_in("ada")
    house.connect()
    return panel.claim("ada")


def test_the_first_admin_is_led_to_a_file_that_was_fetched_back_and_compared(visit: Visit, house: House, panel: PanelProcess) -> None:
    visitor = visit()
    page = visitor.open(f"/claim?code={house.ask('user/setup-code')['code']}")
    page.get_by_label("Name").first.fill("ada")
    page.get_by_label("Password").first.fill("correct horse battery")
    page.get_by_role("button").first.click()
    page.get_by_role("heading", name="First steps").wait_for()
    page.get_by_role("button", name="Use a disk or NAS").click()
    page.get_by_label("Folder on the appliance").fill(str(house.remote))
    page.get_by_role("button", name="Add this folder").click()
    page.get_by_role("button", name="Send copies here").click()
    page.get_by_role("button", name="Prove it").click()
    page.get_by_text("Proven: what you hand in comes back").wait_for()
    assert page.locator("[data-stage=done]").count() == STAGES
    (archive,) = house.ask("archive/list", search="PyArchive test file")["archives"]
    assert (archive["rung"], archive["local"], archive["owner"]) == ("proven", True, "ada")
    events = [one["what"] for one in house.ask("archive/history", archive=archive["id"])["happenings"]]
    assert {"released", "restored", "read_back"} <= set(events), "it really went away, and came back"
    page.reload()
    assert page.locator("[data-standing=done]").count() == 3, "the admin, the place, the proof"
    page.get_by_role("button", name="Remove the test file").click()
    page.get_by_role("button", name="Prove it").wait_for()
    assert house.ask("archive/list", search="PyArchive test file")["total"] == 0
    assert visitor.complaints == []


def test_a_proof_that_fails_says_why_and_goes_on_where_it_was(visit: Visit, house: House, ada: str) -> None:
    page = visit(ada).open("/welcome")
    away = house.remote.rename(house.remote.with_name("unplugged"))
    page.get_by_role("button", name="Prove it").click()
    page.get_by_text("is not mounted").wait_for()
    assert page.locator("[data-stage=running]").count() == 1, "a line that is away is waited for"
    page.reload()
    page.locator("[data-stage=running]").wait_for()
    away.rename(house.remote)
    page.get_by_text("Proven: what you hand in comes back").wait_for()


def test_the_recovery_sheet_has_what_is_needed_on_one_page_and_nothing_secret(
    visit: Visit, house: House, panel: PanelProcess, ada: str
) -> None:
    visitor = visit(ada, theme="dark")
    page = visitor.open("/welcome")
    page.get_by_role("link", name="Open the recovery sheet").click()
    sheet = page.get_by_role("article")
    sheet.wait_for()
    words = sheet.inner_text()
    for fact in (house.topics.appliance_id, str(house.remote), panel.url, "pyarchive recover", "cat [0-9]* > file", "sha256sum file"):
        assert fact in words
    with page.expect_download() as download:
        page.get_by_role("button", name="Save for programs").click()
    saved = download.value.path().read_text()
    kit = json.loads(saved)
    assert (kit["appliance_id"], kit["kind"], kit["path"]) == (house.topics.appliance_id, "folder", str(house.remote))
    code = segno.make(saved.strip(), error="l", micro=False).svg_inline(border=3, dark="#000", light="#fff", omitsize=True)
    drawn = sheet.locator("svg path").last.get_attribute("d")
    assert (drawn or "nothing") in code, "the QR code holds the same"
    assert not {"password", "secret", "token", "session"} & set(saved.lower().replace('"', " ").split())
    for paper in ("A4", "Letter"):
        assert page.pdf(format=paper).count(b"/Type /Page\n") == 1, f"one page of {paper}"
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation").first.is_visible()
    assert visitor.complaints == []
