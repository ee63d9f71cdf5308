"""A file's whole life in the panel: claim, sign in, upload with a panel that is killed, remote, release, bring back, download."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Visitor, slow_line
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House

_MIB = 1 << 20
_MB_PER_S = 40.0  # slow enough for a kill in the middle
Say = Callable[[str], None]


class WholeLife:
    """``run`` answers the SHA-256 of what was downloaded in the end, or fails at the step that did not come true."""

    def __init__(self, house: House, panel: PanelProcess, browser: Browser, folder: Path, size_bytes: int, say: Say) -> None:
        self._house = house
        self._panel = panel
        self._folder = folder
        self._say = say
        self._file = folder / "the film.mkv"
        self._size_bytes = size_bytes
        self._patience_ms = 60_000 + size_bytes / 10_000
        self._visitor = Visitor(browser, panel.url)
        self._page = self._visitor.page

    def run(self) -> None:
        sent = self._made()
        self._claim()
        self._upload()
        self._becomes_remote()
        self._release_and_bring_back()
        got = self._download()
        assert got == sent, "the file that came back is another one"
        self._say(f"downloaded again: the same SHA-256, {got}")
        self._visitor.close()

    def _made(self) -> str:
        source, whole = random.Random(self._size_bytes), hashlib.sha256()
        with self._file.open("wb") as file:
            for left in range(self._size_bytes, 0, -_MIB):
                piece = source.randbytes(min(left, _MIB))
                whole.update(piece)
                file.write(piece)
        return whole.hexdigest()

    def _claim(self) -> None:
        page = self._visitor.open("/")
        expect(page).to_have_url(re.compile("/claim"))
        page.get_by_label("Setup code").fill(self._house.ask("user/setup-code")["code"])
        page.get_by_label("Name, for signing in").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Claim this appliance").click()
        expect(page).to_have_url(re.compile("/welcome"))
        self._say("claimed")
        page.goto("/profile")
        page.get_by_role("button", name="Sign out").first.click()
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        self._say("signed out and in again")

    def _upload(self) -> None:
        with self._page.expect_popup() as opened:
            self._page.get_by_role("link", name="Upload", exact=True).first.click()
        page = opened.value
        page.set_input_files("#files", self._file)
        slow_line(page, _MB_PER_S)
        page.get_by_role("button", name="Send").click()
        row = page.locator("#list > li")
        self._wait_until_sent(page, self._size_bytes // 3)
        self._panel.kill()
        expect(row).to_contain_text("Waiting for the appliance", timeout=self._patience_ms)
        self._say(f"the panel was killed after a third of {self._size_bytes:,} bytes")
        self._panel.start()
        slow_line(page, 100 * _MB_PER_S)
        expect(row).to_contain_text("Received", timeout=self._patience_ms)
        self._say("it went on by itself, and the file is received")
        row.get_by_role("link", name="Open").click()
        page.close()

    def _wait_until_sent(self, page: Page, wanted_bytes: int) -> None:
        """By what lies on the disk."""
        uploads = self._house.data / "uploads"
        for _ in range(600):
            if sum(path.stat().st_blocks * 512 for path in uploads.iterdir()) >= wanted_bytes:
                return
            page.wait_for_timeout(100)
        raise AssertionError("the upload does not come forward")

    def _becomes_remote(self) -> None:
        [archive] = self._house.ask("archive/list")["archives"]
        self._page = self._visitor.open(f"/archives/{archive['id']}")
        expect(self._page.get_by_text("Safe", exact=True).first).to_be_visible(timeout=self._patience_ms)
        self._say("it became safe on the remote, on the page that was open")

    def _release_and_bring_back(self) -> None:
        page = self._page
        page.get_by_role("button", name="Free the space here").click()
        page.get_by_role("dialog").get_by_role("button", name="Free ").click()
        expect(page.get_by_role("button", name="Bring back")).to_be_visible(timeout=self._patience_ms)
        self._say("released")
        page.get_by_role("button", name="Bring back").click()
        expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=self._patience_ms)
        self._say("brought back")

    def _download(self) -> str:
        with self._page.expect_download(timeout=self._patience_ms) as found:
            self._page.get_by_role("link", name="Download").click()
        assert found.value.suggested_filename == self._file.name
        place = self._folder / "downloaded"
        found.value.save_as(place)
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
