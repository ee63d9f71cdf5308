"""People: an invitation becomes a member, whose rights an admin changes; and one's own profile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Visitor
from tests.browser.conftest import Visit
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House

NEW_PASSWORD = "another long password"


def choose(page: Page, name: str, act: str) -> None:
    """In the menu of a user."""
    page.get_by_role("button", name=f"What to do with {name}", exact=True).click()
    page.get_by_role("menuitem", name=act).click()


def row_of(page: Page, name: str) -> str:
    return page.locator("li.pa-user", has=page.get_by_role("button", name=f"What to do with {name}", exact=True)).inner_text()


def registered(visit: Visit, link: str, name: str) -> Visitor:
    visitor = visit()
    page = visitor.page
    page.goto(link)
    page.get_by_label("Name, for signing in").fill(name)
    page.get_by_label("What you are called").fill(f"{name} <b>bold</b>")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    page.get_by_role("heading", level=1).wait_for()
    return visitor


def test_an_invitation_makes_a_member_who_sees_little_until_the_admin_says_otherwise(visit: Visit, house: House, admin: str) -> None:
    house.put(b"not for everybody", "secret.bin", title="Ada's secret", owner="ada")
    administering = visit(admin)
    users = administering.open("/users")
    users.get_by_role("button", name="Invite a member").click()
    link = users.get_by_label("Link").input_value()
    assert re.search(r"^http://127\.0\.0\.1:\d+/register\?code=\S+$", link)
    users.get_by_role("button", name="Copy the link").click()
    users.get_by_text("Copied", exact=True).wait_for()
    users.get_by_role("button", name="Close").click()
    expect(users.get_by_text("For a new member, good until")).to_have_count(1)

    joining = registered(visit, link, "ben")
    # The admin's page knows it without a reload, and the invitation is used up.
    users.get_by_text("ben <b>bold</b>").wait_for()
    expect(users.get_by_text("For a new member, good until")).to_have_count(0)
    again = visit().page
    again.goto(link)
    again.get_by_label("Name, for signing in").fill("eve")
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Make my account").click()
    again.get_by_role("alert").wait_for()
    assert "eve" not in {user["name"] for user in house.ask("user/list")["users"]}

    member = joining.open("/")
    assert member.get_by_role("link", name="Users").count() == 0
    for path in ("/users", "/settings", "/log", "/notifications"):
        joining.open(path)
        member.get_by_text("This page is for admins").wait_for()
    joining.open("/archives")
    member.get_by_role("heading", name="Archives", exact=True).wait_for()
    assert member.get_by_text("Ada's secret").count() == 0
    joining.complaints.clear()  # of the pages that were refused

    choose(users, "ben", "Make admin")
    expect(users.get_by_text("Admin", exact=True)).to_have_count(2)
    joining.open("/archives")
    member.get_by_text("Ada's secret").first.wait_for()
    choose(users, "ben", "Make member")
    expect(users.get_by_text("Admin", exact=True)).to_have_count(1)
    assert "Member" in row_of(users, "ben")

    assert administering.complaints == []
    assert joining.complaints == []


def test_a_member_who_owns_something_is_removed_when_that_belongs_to_somebody_else(
    visit: Visit, house: House, panel: PanelProcess, admin: str
) -> None:
    house.ask("user/add", name="ira", role="member", password=PASSWORD)
    leaving = visit(panel.sign_in("ira"))
    users = visit(admin).open("/users")
    own = house.put(b"ira's own", "own.bin", title="Ira's film", owner="ira")
    choose(users, "ira", "Remove")
    users.get_by_role("button", name="Remove", exact=True).click()
    users.get_by_role("alert").filter(has_text="archive").wait_for()  # not before it belongs to somebody else
    users.get_by_role("button", name="What to do with ira", exact=True).click()
    house.ask("user/role", name="ira", role="admin")  # by somebody else: a menu that is open stays, and says what is so now
    users.get_by_role("menuitem", name="Make member").click()
    expect(users.get_by_text("Admin", exact=True)).to_have_count(1)
    choose(users, "ira", "Give the archives to")
    users.get_by_label("To", exact=True).click()
    users.get_by_role("option", name="ada").click()
    users.get_by_role("button", name="Give", exact=True).click()
    users.get_by_text("1 archive now belongs to ada.").wait_for()
    assert house.show(own)["owner"] == "ada"
    choose(users, "ira", "Remove")
    users.get_by_role("button", name="Remove", exact=True).click()
    expect(users.get_by_role("button", name="What to do with ira")).to_have_count(0)
    leaving.page.goto("/")
    leaving.page.get_by_role("button", name="Sign in").wait_for()


def test_an_admin_adds_a_user_and_what_is_wrong_is_said_in_the_dialog(visit: Visit, house: House, admin: str) -> None:
    page = visit(admin, width="phone").open("/users")
    page.get_by_role("button", name="Add a user").click()
    page.get_by_label("Name, for signing in").fill("Not A Name")
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("alert").filter(has_text=re.compile(r"\w+")).wait_for()
    page.get_by_label("Name, for signing in").fill("cem")
    house.ask("user/add", name="dora", role="member", password=PASSWORD)  # meanwhile; the dialog stays
    page.get_by_label("What the person is called").fill("Cem")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="What to do with cem").wait_for()
    page.get_by_role("button", name="What to do with dora").wait_for()
    choose(page, "ada", "Make member")
    page.get_by_role("alert").filter(has_text="admin").wait_for()  # the last one
    assert {one["name"]: one["role"] for one in house.ask("user/list")["users"]}["ada"] == "admin"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.fixture
def picture(tmp_path: Path, visit: Visit) -> Path:
    """A real one, drawn by the browser."""
    path = tmp_path / "me.png"
    visit().page.screenshot(path=path)
    return path


def test_a_person_changes_the_profile_and_a_new_password_ends_the_other_sessions(
    visit: Visit, house: House, panel: PanelProcess, admin: str, picture: Path
) -> None:
    assert admin
    house.ask("user/add", name="fay", role="member", password=PASSWORD)
    here, elsewhere = visit(panel.sign_in("fay")), visit(panel.sign_in("fay"))
    other = elsewhere.open("/archives")
    page = here.open("/profile")
    page.get_by_label("What you are called").fill("Fay & <i>co</i>")
    page.get_by_label("E-mail").fill("fay@example.org")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Your profile is saved.").wait_for()
    page.locator("input[type=file]").set_input_files(picture)
    page.get_by_text("Your picture is saved.").wait_for()
    expect(page.locator("main .pa-face img")).to_have_count(1)
    page.locator("input[type=file]").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_text("no picture that the browser can read").wait_for()
    page.get_by_role("button", name="Close").click()

    page.reload()
    expect(page.get_by_label("What you are called")).to_have_value("Fay & <i>co</i>")
    expect(page.locator("main .pa-face img")).to_have_count(1)
    expect(page.get_by_role("button", name="Sign out", exact=True)).not_to_have_count(0)
    assert page.get_by_text("This one", exact=True).count() == 1

    page.get_by_label("Password of now").fill("wrong password")
    page.get_by_label("New password, at least").fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD + "!")
    page.get_by_role("button", name="Change the password").click()
    page.get_by_text("typed in two different ways").wait_for()
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    page.get_by_role("alert").filter(has_text="password").last.wait_for()
    assert panel.sign_in("fay")  # the old one still holds
    page.get_by_label("Password of now").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    page.get_by_text("The new password is in force.").wait_for()
    other.get_by_role("button", name="Sign in").wait_for(timeout=20_000)  # by itself: its page is closed within ten seconds
    page.goto("/archives")
    page.get_by_role("heading", name="Archives", exact=True).wait_for()
    assert panel.sign_in("fay", NEW_PASSWORD)
    assert here.complaints == []
