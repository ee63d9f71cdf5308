"""The front panel's page: the lamp as it is, and the button pressed and held in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.waiting import wait_for

PRESS = "The button: press, or hold"
_BREATHES = "Breathes: everything is remote."


@pytest.fixture
def page(visit: Visit, admin: str) -> Page:
    found = visit(admin).open("/front-panel")
    found.get_by_text(_BREATHES).wait_for()
    return found


def presses(house: House) -> list[Any]:
    found: list[Any] = house.ask("frontpanel/history")["presses"]
    return found


def brightness(page: Page) -> float:
    return float(page.locator(".pa-lamp-big .pa-lamp-glow").evaluate("lamp => getComputedStyle(lamp).opacity"))


def test_the_lamp_breathes_as_on_the_device_and_a_click_is_a_short_press(page: Page, house: House) -> None:
    seen: list[float] = []

    def breathes() -> bool:
        seen.append(round(brightness(page), 1))
        return len(set(seen)) > 8

    wait_for(breathes, what="the lamp to get brighter and darker by and by")
    before = len(presses(house))
    page.get_by_role("button", name=PRESS).click(delay=80)
    press = wait_for(lambda: presses(house)[before:], what="the press")[0]
    assert (press["step"], press["done"]) == ("sync", True)
    page.get_by_text("Everything that waited is tried again.").first.wait_for()


def test_a_hold_of_three_seconds_shows_the_steps_and_pauses_and_a_key_held_resumes(page: Page, house: House) -> None:
    button = page.get_by_role("button", name=PRESS)
    box = button.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.get_by_text("Held. Let go now for: Sync now.").wait_for()
    page.get_by_text("Held. Let go now for: Pause or resume.").wait_for()
    expect(page.locator(".pa-step[data-reached]")).to_have_count(2)
    page.mouse.move(0, 0)  # away from the button: it is held until the finger is lifted
    page.mouse.up()
    page.get_by_text("Steady: waits for the line, the timetable, or the end of a pause.").wait_for()
    assert presses(house)[-1]["result"] == "transfers are paused"
    button.focus()
    page.keyboard.down("Space")
    page.get_by_text("Held. Let go now for: Pause or resume.").wait_for()
    page.keyboard.up("Space")
    page.get_by_text(_BREATHES).wait_for()
    assert presses(house)[-1]["result"] == "transfers go on"


def test_who_wants_no_motion_gets_a_still_lamp_and_the_same_words(visit: Visit, admin: str) -> None:
    page = visit(admin, reduced_motion="reduce").open("/front-panel")
    page.get_by_text(_BREATHES).wait_for()
    assert page.locator(".pa-lamp-big .pa-lamp-glow").evaluate("lamp => lamp.getAnimations().length") == 0


def test_a_member_sees_the_lamp_and_has_no_button(visit: Visit, house: House, panel: PanelProcess, admin: str) -> None:
    house.ask("user/add", name="ben", role="member", password=PASSWORD)
    page = visit(panel.sign_in("ben")).open("/front-panel")
    page.get_by_text(_BREATHES).wait_for()
    expect(page.get_by_role("button", name=PRESS)).to_be_disabled()
    assert page.get_by_text("Lately pressed").count() == 0


def test_the_page_has_nothing_to_complain_of(visit: Visit, admin: str) -> None:
    visitor = visit(admin, width="phone")
    page = visitor.open("/front-panel")
    page.get_by_text(_BREATHES).wait_for()
    button = page.get_by_role("button", name=PRESS)
    button.tap()
    page.get_by_text("Everything that waited is tried again.").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visitor.complaints == []
