"""Connections in the panel: from nothing to copies that go there, by a folder and by Google Drive, and what is refused."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.fakes.drive import FakeDrive
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House

CODE = "Code for Google"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path_factory.mktemp("drive")) as drive:
        drive.device(interval_s=0.05)
        drive.quota(limit_bytes=15_000_000_000, used_bytes=4_000_000_000)
        yield drive


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, fake: FakeDrive) -> Iterator[House]:
    """Without a connection."""
    with House(tmp_path_factory.mktemp("house"), drive_endpoint=fake.root) as opened:
        yield opened


@pytest.fixture
def disk(house: House) -> str:
    """Id of the connection Disk, where copies go."""
    known = {one["name"]: one["id"] for one in house.ask("connection/list")["connections"]}
    if "Disk" not in known:
        known["Disk"] = house.ask("connection/add", kind="folder", name="Disk", path=str(house.remote))["id"]
        house.ask("connection/validate", connection="Disk")
    house.ask("connection/activate", connection="Disk")
    return str(known["Disk"])


def is_said(page: Page, words: str) -> None:
    """In the place where it was done."""
    page.get_by_role("alert").filter(has_text=words).wait_for()


def test_a_connection_with_an_only_copy_is_not_removed_and_says_which_archive(visit: Visit, house: House, admin: str, disk: str) -> None:
    archive_id = house.put(random.Random(1).randbytes(300_000), "only.bin")
    house.wait_remote(archive_id)
    house.job("archive/release", archive=archive_id)
    page = visit(admin).open(f"/connections/{disk}")
    page.get_by_role("button", name="Remove …").click()
    is_said(page, "It cannot be removed now: 1 archive (300,000 bytes) has its only copy there: 'only.bin'; restore it first.")
    assert page.get_by_role("link", name="only.bin").get_attribute("href") == f"/archives/{archive_id}"
    house.ask("archive/restore", archive=archive_id)
    house.wait_local(archive_id)
    page.get_by_role("button", name="Remove …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("would be on this appliance only").wait_for()
    dialog.get_by_text("New files are copied nowhere afterwards").wait_for()
    assert dialog.get_by_role("button", name="Remove").is_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    assert house.ask("connection/show", connection="Disk")["active"]


def test_google_drive_is_signed_in_to_by_a_code_that_is_shown_live_until_it_works(
    visit: Visit, house: House, admin: str, disk: str, fake: FakeDrive, tmp_path: Path
) -> None:
    visitor = visit(admin)
    page = visitor.open("/connections/add/drive")
    page.get_by_label("Text of the JSON file").fill(json.dumps({"web": fake.client()}))
    is_said(page, "“Web application”")
    assert page.get_by_role("button", name="Add Google Drive").is_disabled()
    file = tmp_path / "client_secret.json"
    file.write_text(json.dumps({"installed": fake.client()}))
    page.locator("input[type=file]").set_input_files(file)
    is_said(page, f"An OAuth client; you sign in next · {fake.client()['client_id']}")
    fake.device(interval_s=0.05, lifetime_s=2)
    page.get_by_role("button", name="Add Google Drive").click()
    page.get_by_text("the code is not good any more").or_(page.get_by_text("obody entered the code in time")).first.wait_for()
    fake.device(interval_s=0.05)
    page.get_by_role("button", name="Get a new code").click()
    code = page.get_by_label(CODE)
    code.wait_for()
    assert page.get_by_role("link", name="https://www.google.com/device").get_attribute("target") == "_blank"
    page.get_by_role("img", name="QR code of https://www.google.com/device").wait_for()
    page.get_by_text("29:5").wait_for()
    first = code.inner_text()
    fake.deny(first)
    page.get_by_text("The sign-in was declined at Google.").wait_for()
    page.get_by_role("button", name="Get a new code").click()
    page.get_by_label(CODE).filter(has_not_text=first).wait_for()
    shown = page.get_by_label(CODE).inner_text()
    page.reload()
    assert page.get_by_label(CODE).inner_text() == shown, "a reload goes on with the same sign-in"
    fake.approve(shown)
    page.get_by_text("It works. Start copying?").wait_for()
    page.get_by_text("“Disk” keeps what it has").wait_for()
    page.get_by_role("button", name="Send copies here").click()
    page.get_by_text("New files are copied here.").wait_for()
    page.get_by_text("owner@example.com").first.wait_for()
    page.get_by_text("of 15.0 GB free").first.wait_for()
    assert fake.client()["client_secret"] not in page.content()
    assert visitor.complaints == []


def test_a_member_sees_how_connections_are_and_nothing_to_change_or_to_hide(
    visit: Visit, house: House, panel: PanelProcess, admin: str, fake: FakeDrive
) -> None:
    house.ask("user/add", name="ben", role="member", password=PASSWORD)
    house.ask("connection/add", kind="drive", name="Cloud", credentials=json.dumps(fake.account("another.client")))
    visitor = visit(panel.sign_in("ben"), width="phone")
    page = visitor.open("/connections")
    page.get_by_role("link", name="Cloud").click()
    page.get_by_text("Not checked yet").wait_for()
    assert page.get_by_role("main").get_by_role("button").count() == 0
    assert "another.client" not in page.content()
    assert visitor.complaints == []
    visitor.open(f"{page.url}/recovery-sheet").get_by_text("This page is for admins").wait_for()
