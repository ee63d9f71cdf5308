"""The overview: what a household sees at one glance, live."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from time import monotonic

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.outage import LONG_S, outage
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House

_MIB = 1 << 20
_SHIFTS = """() => { window.stays = true; window.shift = 0; new PerformanceObserver(list => {
  for (const one of list.getEntries()) window.shift += one.value; }).observe({type: "layout-shift"}); }"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One whose remote is looked for seldom, so that it is the button that ends a wait."""
    with House(tmp_path_factory.mktemp("house"), retry_cap_s=300) as opened:
        opened.connect()
        yield opened


def _put_slowly(house: House, mebibytes: int, name: str, title: str, kb_per_s: int = 1000) -> str:
    house.ask("settings/set", name="upload_limit_kb_per_s", value=kb_per_s)
    return house.put(secrets.token_bytes(mebibytes * _MIB), name, title=title)


def _at_full_speed(house: House) -> None:
    house.ask("settings/set", name="upload_limit_kb_per_s", value=None)


def _headline(page: Page, words: str) -> None:
    page.get_by_role("region", name="Protection").get_by_role("heading", name=words).wait_for()


def test_an_empty_appliance_invites_and_then_its_numbers_follow_an_upload_without_a_reload_or_a_jump(
    visit: Visit, house: House, admin: str
) -> None:
    visitor = visit(admin)
    page = visitor.open("/")
    _headline(page, "Nothing is kept here yet")
    assert page.get_by_role("link", name="Upload your first file").get_attribute("href") == "/upload"

    archive_id = _put_slowly(house, 12, "film.mkv", "<b>Film</b> of the summer")
    _headline(page, "are only here so far")
    moving = page.get_by_role("list", name="Transfers under way")
    moving.get_by_text("<b>Film</b> of the summer").first.wait_for()
    moving.get_by_text("of 13 to disk").or_(moving.get_by_text("of 12 to disk")).first.wait_for()
    page.get_by_text("The upload limit is 1.00 MB/s").wait_for()
    page.evaluate(_SHIFTS)
    page.wait_for_function("document.querySelector('.pa-chart svg').getAttribute('aria-label').match(/Upload: now [1-9]/)")
    page.wait_for_function("/^[1-9][0-9]? %$/.test([...document.querySelectorAll('.pa-stat-value')][2].textContent)")
    assert page.evaluate("window.shift") < 0.01

    _at_full_speed(house)
    house.wait_remote(archive_id)
    since_s = monotonic()
    _headline(page, "Everything is safe on disk")
    page.get_by_role("listitem").filter(has_text="is safe on disk").first.wait_for()
    assert monotonic() - since_s < 2
    assert page.evaluate("window.stays")
    assert visitor.complaints == []


def test_pause_metered_line_and_resume_show_their_effect(visit: Visit, house: House, admin: str) -> None:
    page = (visitor := visit(admin, width="phone")).open("/")
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Nothing moves until somebody resumes").wait_for()
    archive_id = _put_slowly(house, 1, "paused.bin", "Waits for us")
    _headline(page, "are only here so far")
    page.get_by_text("Transfers are paused.", exact=True).wait_for()
    page.get_by_role("button", name="Resume").click()
    _headline(page, "Everything is safe on disk")
    house.wait_remote(archive_id)

    page.get_by_role("switch", name="metered").click()
    page.get_by_text("Uploads wait", exact=True).wait_for()
    assert house.ask("settings/get", name="metered")["value"] is True
    page.get_by_role("switch", name="metered").click()
    page.get_by_text("Uploads wait", exact=True).wait_for(state="detached")
    assert visitor.complaints == []


def test_a_problem_appears_with_its_next_step_and_its_button_solves_it(visit: Visit, house: House, admin: str) -> None:
    visitor = visit(admin)
    page = visitor.open("/")
    archive_id = _put_slowly(house, 4, "late.bin", "Late", kb_per_s=500)
    with outage(house):
        problem = page.get_by_role("list", name="Problems").get_by_role("listitem")
        problem.get_by_text("is not mounted").wait_for()
        problem.get_by_text("It goes on by itself once it can be reached").wait_for()
    _at_full_speed(house)
    since_s = monotonic()
    problem.get_by_role("button", name="Try now").click()
    problem.wait_for(state="detached")
    assert monotonic() - since_s < LONG_S
    house.wait_remote(archive_id)
    _headline(page, "Everything is safe on disk")
    assert visitor.complaints == []


def test_a_member_sees_own_numbers_transfers_and_events_and_nothing_of_others(
    visit: Visit, house: House, panel: PanelProcess, admin: str
) -> None:
    house.ask("user/add", name="ben", role="member", password=PASSWORD)
    house.wait_remote(house.put(b"abc", "bens.bin", title="Ben's own", owner="ben"))
    page = (visitor := visit(panel.sign_in("ben"))).open("/")
    _headline(page, "Everything of yours is safe on disk")
    archive_id = _put_slowly(house, 6, "secret.bin", "Ada's secret")
    page.get_by_text("The upload limit is").wait_for()
    page.wait_for_timeout(1000)  # as long as any change may take to show
    words = page.locator("#content").inner_text()
    assert "1 archive" in words
    assert "Ben's own" in words
    assert "secret" not in words.lower()
    assert "Only here so far\n0 B" in words
    assert page.get_by_role("button", name="Pause").count() == 0
    _at_full_speed(house)
    house.wait_remote(archive_id)
    assert visitor.complaints == []
