"""The log, asked in many ways and live; the settings, saved, refused and taken back; the timetable, drawn before it is kept."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.processes import House
from tests.waiting import wait_for

HOSTILE = "<img src=x onerror=window.pwned=1>"


def setting(house: House, name: str) -> Any:
    return next(one for one in house.ask("settings/get")["settings"] if one["name"] == name)


def lines(page: Page) -> Locator:
    return page.locator(".pa-log-line")


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_new_lines_of_the_log_appear_by_themselves_and_stop_when_told(visit: Visit, house: House, admin: str) -> None:
    page = visit(admin, width="phone").open("/log?text=grace_days")
    page.get_by_text(re.compile("newest first")).wait_for()
    before = lines(page).count()
    house.ask("settings/set", name="grace_days", value=8)
    expect(lines(page)).not_to_have_count(before)
    assert "grace_days" in lines(page).first.inner_text()
    page.get_by_role("switch", name="New lines appear by themselves").click()
    before = lines(page).count()
    house.ask("settings/set", name="grace_days", value=9)
    page.wait_for_timeout(1200)  # longer than a change may take
    assert lines(page).count() == before
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_log_is_asked_by_text_level_and_archive_and_goes_back_line_by_line(visit: Visit, house: House, admin: str) -> None:
    archive_id = house.put(b"a film", "film.mkv", title=HOSTILE)
    house.wait_remote(archive_id)
    for number in range(110):  # something to leaf through
        house.ask("archive/rename", archive=archive_id, title=f"{HOSTILE} {number}")
    visitor = visit(admin)
    page = visitor.open("/log")
    expect(lines(page).nth(99)).to_be_attached()  # or more: new lines come in by themselves
    choose(page, "Lines", "50")
    expect(lines(page).nth(99)).to_be_attached(attached=False)
    expect(lines(page).nth(49)).to_be_attached()
    page.get_by_role("button", name="Older lines").click()
    expect(lines(page).nth(99)).to_be_attached()
    shown = lines(page).all_inner_texts()
    assert len(set(shown)) == len(shown)
    times = [
        datetime.fromisoformat(str(at)) for at in page.locator(".pa-log-line time").evaluate_all("all => all.map(one => one.dateTime)")
    ]
    assert times == sorted(times, reverse=True)

    page.get_by_label("Text", exact=True).fill("TITLE <IMG")
    expect(lines(page).first).to_contain_text(HOSTILE)
    page.get_by_label("Text", exact=True).fill("nobody has said this")
    page.get_by_text("No line matches").wait_for()
    page.get_by_label("Text", exact=True).fill("")
    choose(page, "Level", "Errors only")
    page.get_by_text("No line matches").wait_for()
    choose(page, "Level", "Information and up")

    page.get_by_label("Archive id").fill(archive_id)
    expect(lines(page).first).to_be_visible()
    wait_for(lambda: all("archive" in words for words in lines(page).all_inner_texts()), what="lines of the archive alone")
    lines(page).get_by_role("link", name="archive").first.click()
    page.wait_for_url(f"**/archives/{archive_id}")
    assert page.evaluate("window.pwned") is None
    assert visitor.complaints == []


def field(page: Page, title: str) -> Locator:
    return page.locator(".pa-setting", has=page.get_by_text(title, exact=True))


@pytest.fixture
def page(visit: Visit, admin: str) -> Page:
    return visit(admin).open("/settings")


def test_a_setting_is_saved_refused_in_place_and_taken_back(page: Page, house: House) -> None:
    limit = field(page, "Upload limit")
    typed = limit.get_by_role("textbox")
    typed.fill("1.000")
    typed.press("Enter")
    expect(limit.get_by_role("status")).to_contain_text("whole number")
    assert setting(house, "upload_limit_kb_per_s")["value"] == 0
    typed.fill("1000")
    typed.press("Tab")
    expect(limit.get_by_role("status")).to_contain_text("Saved.")
    assert setting(house, "upload_limit_kb_per_s")["value"] == 1000

    zone = field(page, "Time zone")
    zone.get_by_role("textbox").fill("Atlantis/Capital")  # refused by the appliance, in its words
    zone.get_by_role("textbox").press("Enter")
    expect(zone.get_by_role("status")).to_contain_text("no time zone")

    # What is typed stays while another setting changes; what is not touched follows.
    zone.get_by_role("textbox").fill("Europe/Ber")
    house.ask("settings/set", name="upload_limit_kb_per_s", value=1200)
    expect(typed).to_have_value("1200")
    expect(zone.get_by_role("textbox")).to_have_value("Europe/Ber")
    zone.get_by_role("textbox").fill("")
    zone.get_by_role("textbox").press("Tab")
    expect(zone.get_by_role("status")).to_contain_text("as delivered")

    limit.get_by_role("button", name="Back to what was delivered").click()
    expect(typed).to_have_value("0")
    expect(limit.get_by_role("button", name="Back to what was delivered")).to_be_hidden()
    assert setting(house, "upload_limit_kb_per_s")["source"] == "default"
    fixed = field(page, "Batches at the same time")
    expect(fixed.get_by_role("textbox")).to_be_disabled()
    expect(fixed).to_contain_text("when the appliance starts")
    by_environment = field(page, "Broker's port")
    expect(by_environment.get_by_role("textbox")).to_be_disabled()
    expect(by_environment).to_contain_text("fixed by the environment")


def test_a_timetable_is_drawn_before_it_is_kept_and_then_in_force(page: Page, house: House) -> None:
    page.get_by_role("button", name="Add a rule").click()
    rule = page.get_by_role("group", name="Rule 1")
    for day in ("Mon", "Tue", "Wed", "Thu"):
        rule.get_by_role("button", name=day).click()
        expect(rule.get_by_role("button", name=day)).to_have_attribute("aria-pressed", "false")
    expect(page.locator('.pa-week-span[data-effect="limit"]')).to_have_count(1)
    rule.get_by_role("button", name="Fri").press("Space")
    expect(rule.get_by_role("button", name="Fri")).to_be_focused()
    page.get_by_role("alert").filter(has_text="at least one day").wait_for()
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"):
        if rule.get_by_role("button", name=day).get_attribute("aria-pressed") == "false":
            rule.get_by_role("button", name=day).click()
            expect(rule.get_by_role("button", name=day)).to_have_attribute("aria-pressed", "true")
    rule.get_by_label("To").fill("25:00")
    rule.get_by_label("To").press("Tab")
    page.get_by_role("alert").filter(has_text="a day goes from 00:00 to 24:00").wait_for()
    expect(page.get_by_role("button", name="Save timetable")).to_be_disabled()
    rule.get_by_label("From").fill("0:00")
    rule.get_by_label("From").press("Tab")
    rule.get_by_label("To").fill("24:00")
    rule.get_by_label("To").press("Tab")
    rule.get_by_label("Uploads").click()
    page.get_by_role("option", name="Pause").click()
    expect(page.locator('.pa-week-span[data-effect="pause"]')).to_have_count(7)
    assert setting(house, "timetable")["value"] == ""
    page.get_by_role("button", name="Save timetable").click()
    page.get_by_text("The timetable is in force.").wait_for()
    assert setting(house, "timetable")["value"] == "daily 00:00-24:00 pause"
    archive_id = house.put(b"waits", "waits.bin")
    why = wait_for(lambda: house.show(archive_id)["waiting_for"], what="the timetable to hold it")
    assert "timetable" in str(why)
    page.reload()
    page.get_by_role("button", name="Remove: rule 1").click()
    page.get_by_text("No rule: uploads may run at any time").wait_for()
    page.get_by_role("button", name="Undo changes").click()
    page.get_by_role("group", name="Rule 1").wait_for()
    page.get_by_role("button", name="Remove: rule 1").click()
    page.get_by_role("button", name="Save timetable").click()
    house.wait_remote(archive_id)


def test_the_theme_is_kept_in_this_browser(page: Page) -> None:
    assert not page.evaluate("document.body.classList.contains('body--dark')")
    page.get_by_role("radio", name="Dark").click()
    page.wait_for_function("document.body.classList.contains('body--dark')")
    page.goto("/archives")
    page.wait_for_function("document.body.classList.contains('body--dark')")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
