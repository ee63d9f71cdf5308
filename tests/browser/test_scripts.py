"""Scripts in a browser: one is written, watched, stopped, mended, saved, deployed, looked back on and deleted."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.chromium import Visitor
from tests.browser.conftest import Visit
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.runners import RunnerProcess
from tests.waiting import wait_for

ENDLESS = "import time\nturn = 0\nwhile True:\n    turn += 1\n    print('turn', turn, '<b>')\n    time.sleep(0.1)\n"
BRIEF = "import time\nprint('all is well')\ntime.sleep(0.3)\n"
SLOW = "import time\nprint('this takes a while', flush=True)\ntime.sleep(600)\n"


@pytest.fixture(scope="module")
def runner(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerProcess]:
    with RunnerProcess(house.address_of("scripts"), house.topics, tmp_path_factory.mktemp("runner")) as opened:
        wait_for(lambda: house.ask("script/list")["runner"] == "online", what="the runner to be there")
        yield opened


def save(house: House, script: str, source: str | bytes, **more: Any) -> Any:
    content = source if isinstance(source, bytes) else source.encode()
    return house.ask("script/save", script=script, title=script.title(), source_base64=base64.b64encode(content).decode(), **more)


def source_of(house: House, script: str) -> bytes:
    return base64.b64decode(house.ask("script/show", script=script)["source_base64"])


def write(page: Page, source: str) -> None:
    """Into the editor, instead of what is there."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


def runs(page: Page) -> int:
    return page.locator(".pa-run", has=page.get_by_text("by a deployment")).filter(has_text="done").count()


def test_the_life_of_a_script(visit: Visit, admin: str, house: House, runner: RunnerProcess) -> None:
    visitor = visit(admin)
    page = visitor.open("/scripts/new")
    _written_watched_and_stopped(page)
    _mended_and_saved(page, house)
    page = visitor.open("/scripts/my-watch")
    _deployed(page)
    wait_for(lambda: runs(page) >= 3, what="three runs in the history")
    _the_runner_dies(page, house, runner)
    page.get_by_role("button", name="Undeploy").click()
    page.get_by_role("dialog").get_by_role("button", name="Undeploy").click()
    page.get_by_text("It runs only when somebody runs it.").wait_for()
    wait_for(lambda: not _unfinished(house), what="the last run to end")
    page.get_by_role("button", name="Delete").click()
    page.get_by_label("Type my-watch to go on").fill("my-watch")
    page.get_by_role("button", name="Delete it").click()
    page.wait_for_url("**/scripts")
    expect(page.get_by_role("link", name="My watch")).to_have_count(0)
    assert visitor.complaints == []


def _written_watched_and_stopped(page: Page) -> None:
    write(page, ENDLESS)
    page.keyboard.press("Control+Enter")
    page.get_by_text("turn 1 <b>", exact=True).wait_for()
    page.get_by_text("turn 9 <b>", exact=True).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopped", exact=True).wait_for()
    lines = page.locator(".pa-console-line").all_inner_texts()
    assert lines == [f"turn {number} <b>" for number in range(1, len(lines) + 1)], "there is a gap, or a double"


def _mended_and_saved(page: Page, house: House) -> None:
    write(page, BRIEF)
    page.get_by_label("Title").fill("My watch")
    expect(page.get_by_label("Id: small letters, digits and -")).to_have_value("my-watch")
    page.get_by_text("Not saved yet").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved as version 1").wait_for()
    page.wait_for_url("**/scripts/my-watch/edit")
    assert source_of(house, "my-watch") == BRIEF.encode()


def _deployed(page: Page) -> None:
    page.get_by_role("button", name="Deploy it").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("When", exact=True).click()
    page.get_by_role("option", name="Every so many seconds").click()
    dialog.get_by_label("How many").fill("2")
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_text("every 2 seconds").wait_for()
    expect(page.locator("time[data-style=turn]")).to_have_count(3)


def _the_runner_dies(page: Page, house: House, runner: RunnerProcess) -> None:
    """In the middle of a run; it is reported, and the next one runs."""
    save(house, "my-watch", SLOW, based_on=1)
    wait_for(lambda: [run for run in _unfinished(house) if run["lines"]], what="a run that takes a while")
    runner.kill()
    page.get_by_text("The runner of scripts is not there").wait_for()
    save(house, "my-watch", BRIEF, based_on=2)
    runner.start()
    page.locator(".pa-run").filter(has_text="interrupted").first.wait_for()
    before = runs(page)
    wait_for(lambda: runs(page) > before, what="the next run")
    expect(page.get_by_text("The runner of scripts is not there")).to_be_hidden()


def _unfinished(house: House) -> list[Any]:
    return [run for run in house.ask("script/runs")["runs"] if run["state"] in {"waiting", "running"}]


def test_who_saves_meanwhile_is_not_overwritten(visit: Visit, admin: str, house: House) -> None:
    save(house, "shared", "print('first')\n")
    page = visit(admin).open("/scripts/shared/edit")
    write(page, "print('mine')\n")
    save(house, "shared", "print('theirs')\n", based_on=1)
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("-print('theirs')").wait_for()
    dialog.get_by_text("+print('mine')").wait_for()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert source_of(house, "shared") == b"print('theirs')\n"
    page.get_by_role("button", name="Save", exact=True).click()
    dialog.get_by_role("button", name="Save mine on top").click()
    page.get_by_text("Saved as version 3").wait_for()
    assert source_of(house, "shared") == b"print('mine')\n"


def test_what_is_unsaved_is_asked_about_before_it_is_left_and_bytes_stay(visit: Visit, admin: str, house: House) -> None:
    save(house, "windows", "print('ä')\r\nprint('🐍')\r\n".encode())
    page = visit(admin).open("/scripts/windows/edit")
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("print('new')\n")
    page.get_by_text("Not saved yet").wait_for()
    page.get_by_role("link", name="Overview").first.click(no_wait_after=True)
    wait_for(lambda: asked == ["beforeunload"], what="the question")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+s")
    page.get_by_text("Saved as version 2").wait_for()
    assert source_of(house, "windows") == "print('ä')\r\nprint('🐍')\r\nprint('new')\r\n".encode()
    page.get_by_role("link", name="Overview").first.click()
    page.wait_for_url(lambda url: url.rstrip("/").count("/") == 2)
    assert asked == ["beforeunload"]


def test_the_log_of_a_run_is_downloaded_as_text(visit: Visit, admin: str, house: House, runner: RunnerProcess, tmp_path: Path) -> None:
    # Before ten thousand lines are written: of those, the log leaves out most for a while.
    save(house, "teller", "print('told by a script')\n")
    house.ask("script/run", script="teller")
    wait_for(lambda: house.ask("log/query", source="script", text="told by")["lines"], what="the line in the log")
    visitor: Visitor = visit(admin)
    page = visitor.open("/log?source=script")
    page.get_by_text("told by a script").first.wait_for()
    with page.expect_download() as found:
        page.get_by_role("link", name="Download these lines").click()
    found.value.save_as(tmp_path / "log.txt")
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert any(" info    script: " in line and line.endswith("told by a script") for line in lines)
    assert not any("audit:" in line for line in lines)


def test_ten_thousand_lines_leave_the_page_quick_and_a_reader_where_they_are(
    visit: Visit, admin: str, house: House, runner: RunnerProcess
) -> None:
    save(house, "wordy", "for number in range(10_000):\n    print('word', number)\ninput()\n")
    page = visit(admin).open("/scripts/wordy")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("word 9999", exact=True).wait_for()
    screen = page.locator(".pa-console-lines")
    assert screen.evaluate("lines => lines.childElementCount") == 2000
    assert screen.evaluate("lines => lines.scrollHeight - lines.scrollTop - lines.clientHeight") < 8
    screen.evaluate("lines => (lines.scrollTop = 100)")
    page.get_by_role("button", name="To the newest line").click()
    assert screen.evaluate("lines => lines.scrollHeight - lines.scrollTop - lines.clientHeight") < 8


def test_a_member_gets_no_script_and_no_log(visit: Visit, house: House, panel: PanelProcess, admin: str) -> None:
    house.ask("user/add", name="ben", role="member", password=PASSWORD)
    visitor = visit(panel.sign_in("ben"))
    page = visitor.open("/scripts")
    page.get_by_text("This page is for admins").wait_for()
    expect(page.get_by_role("link", name="Scripts")).to_have_count(0)
