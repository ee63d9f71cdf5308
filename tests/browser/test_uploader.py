"""The uploader page: a file goes on after a killed panel, a reload and a lost session, and every byte is right."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chromium import slow_line
from tests.browser.conftest import Visit
from tests.panels import PanelProcess
from tests.processes import House
from ui.panel.sessions import COOKIE

MB = 1_000_000
PATIENCE_MS = 40_000


def made(folder: Path, name: str, size_bytes: int) -> Path:
    path = folder / name
    path.write_bytes(random.Random(name).randbytes(size_bytes))
    return path


def archive_of(house: House, title: str) -> dict[str, object]:
    [found] = house.ask("archive/list", search=title)["archives"]
    return dict(found)


def is_whole(house: House, title: str, path: Path) -> bool:
    return archive_of(house, title)["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def choose_and_send(page: Page, path: Path, title: str = "") -> None:
    page.set_input_files("#files", path)
    if title:
        page.get_by_label(f"Title of {path.name}").fill(title)
    page.get_by_role("button", name="Send").click()


def test_a_file_goes_on_after_the_panel_was_killed_in_the_middle(
    visit: Visit, admin: str, house: House, panel: PanelProcess, tmp_path: Path
) -> None:
    page = visit(admin).open("/upload")
    film = made(tmp_path, "Ferien <img src=x onerror=alert(1)> ☀.mkv", 100 * MB)
    slow_line(page, 30)
    choose_and_send(page, film, "Ferien am Meer")
    row = page.locator("#list > li")
    expect(row).to_contain_text("MB/s", timeout=PATIENCE_MS)
    panel.kill()
    expect(row).to_contain_text("Waiting for the appliance", timeout=PATIENCE_MS)
    panel.start()
    slow_line(page, 500)
    expect(row).to_contain_text("Received", timeout=PATIENCE_MS)
    assert is_whole(house, "Ferien am Meer", film)
    expect(row.get_by_role("link", name="Open")).to_have_attribute("href", f"/archives/{archive_of(house, 'Ferien am Meer')['id']}")


def test_a_file_that_was_chosen_before_the_page_was_ready_is_not_forgotten(visit: Visit, admin: str, tmp_path: Path) -> None:
    page = visit(admin).page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/uploader.js", hold)
    page.goto("/upload", wait_until="commit")
    page.set_input_files("#files", made(tmp_path, "early.bin", 1000))
    assert held
    held[0].continue_()
    expect(page.get_by_label("Title of early.bin")).to_be_visible()
    page.close(run_before_unload=False)


@pytest.fixture
def begun(visit: Visit, admin: str, tmp_path: Path) -> tuple[Page, Path]:
    """A film of which some is sent, and then the page was closed."""
    page = visit(admin).open("/upload")
    film = made(tmp_path, f"{tmp_path.name}.mkv", 80 * MB)
    slow_line(page, 20)
    choose_and_send(page, film)
    expect(page.locator("#list > li")).to_contain_text("MB/s", timeout=PATIENCE_MS)
    page.close(run_before_unload=False)
    return page, film


def test_after_a_reload_the_same_file_goes_on_where_it_was_and_another_is_refused(
    visit: Visit, admin: str, house: House, begun: tuple[Page, Path], tmp_path: Path
) -> None:
    _, film = begun
    page = visit(admin).open("/upload")  # another browser, which remembers nothing
    left = page.locator("#unfinished-list > li")
    expect(left).to_contain_text("kept until", timeout=PATIENCE_MS)
    with page.expect_file_chooser() as chooser:
        left.get_by_role("button", name="Choose the file").click()
    chooser.value.set_files(made(tmp_path, "other.mkv", MB))
    expect(page.get_by_text("That is not the same file")).to_be_visible()
    page.set_input_files("#files", film)
    expect(page.locator("#list > li")).to_contain_text("goes on from")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#list > li")).to_contain_text("Received", timeout=PATIENCE_MS)
    assert is_whole(house, film.name, film)
    expect(page.locator("#unfinished")).to_be_hidden(timeout=PATIENCE_MS)


def test_what_was_begun_can_be_cancelled_from_another_browser(visit: Visit, admin: str, house: House, begun: tuple[Page, Path]) -> None:
    page = visit(admin).open("/upload")
    page.locator("#unfinished-list > li").get_by_role("button", name="Cancel").click(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Cancel the file").click()
    expect(page.locator("#unfinished")).to_be_hidden(timeout=PATIENCE_MS)
    assert house.ask("archive/uploads")["total"] == 0


def test_signed_out_in_the_middle_it_says_so_and_goes_on_after_a_sign_in(visit: Visit, admin: str, house: House, tmp_path: Path) -> None:
    visitor = visit(admin, width="phone")
    page = visitor.open("/upload")
    film = made(tmp_path, "session.mkv", 100 * MB)
    slow_line(page, 20)
    choose_and_send(page, film)
    row = page.locator("#list > li")
    expect(row).to_contain_text("MB/s", timeout=PATIENCE_MS)
    visitor.context.clear_cookies()
    expect(row).to_contain_text("You were signed out", timeout=PATIENCE_MS)
    expect(row.get_by_role("link", name="Sign in")).to_be_visible()
    slow_line(page, 500)
    visitor.context.add_cookies([{"name": COOKIE, "value": admin, "url": visitor.url, "httpOnly": True, "sameSite": "Lax"}])
    expect(row).to_contain_text("Received", timeout=PATIENCE_MS)
    assert is_whole(house, "session.mkv", film)


def test_a_file_that_does_not_fit_is_refused_in_the_appliance_s_words_and_empty_ones_are_received(
    visit: Visit, admin: str, house: House, tmp_path: Path
) -> None:
    visitor = visit(admin)
    page = visitor.open("/upload")
    huge = tmp_path / "huge.img"
    with huge.open("wb") as file:
        file.truncate(10**13)
    empty = made(tmp_path, "empty.txt", 0)
    page.set_input_files("#files", [huge, empty])
    page.get_by_role("button", name="Send 2 files").click()
    expect(page.locator("#list > li", has_text="huge.img")).to_contain_text("can be used", timeout=PATIENCE_MS)
    expect(page.locator("#list > li", has_text="empty.txt")).to_contain_text("Received", timeout=PATIENCE_MS)
    assert archive_of(house, "empty.txt")["size_bytes"] == 0
    assert [each for each in visitor.complaints if "413" not in each] == []
