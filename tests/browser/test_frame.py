"""The frame of all pages: the door, the navigation, what is said while something is away."""

from __future__ import annotations

from tests.browser.conftest import Visit
from tests.panels import PanelProcess
from tests.processes import House


def test_a_visitor_without_a_session_is_led_to_the_door_and_back_to_the_page_that_was_asked_for(
    visit: Visit, panel: PanelProcess, admin: str
) -> None:
    visitor = visit()
    page = visitor.open("/")
    assert page.url.endswith("/login?next=/")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong, surely")
    page.get_by_role("button", name="Sign in").click()
    assert "password" in page.get_by_role("alert").inner_text().lower()
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()


def test_an_appliance_that_goes_away_and_comes_back_is_said_without_a_reload(visit: Visit, house: House, admin: str) -> None:
    visitor = visit(admin)
    page = visitor.open("/")
    page.evaluate("window.stays = true")
    house.kill()
    page.get_by_text("The appliance is not there. What you see").wait_for()
    house.start()
    page.get_by_text("The appliance is not there. What you see").wait_for(state="detached")
    assert page.evaluate("window.stays")
