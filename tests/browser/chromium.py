"""Chromium, driven by Playwright; what goes wrong on a page is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.waiting import PATIENCE_S
from ui.panel.sessions import COOKIE

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS = {"desk": (1280, 800), "phone": (390, 844)}
expect.set_options(timeout=PATIENCE_S * 1000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """It talks to loopback alone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One person's browser. ``complaints``: errors of the console and of scripts, and requests that failed."""

    def __init__(
        self, browser: Browser, url: str, session: str | None = None, *, width: Literal["desk", "phone"] = "desk",
        theme: Literal["light", "dark"] = "light", **options: Any,
    ) -> None:  # fmt: skip
        across, down = WIDTHS[width]
        self.url = url
        self.context: BrowserContext = browser.new_context(
            viewport={"width": across, "height": down}, color_scheme=theme, base_url=url, locale="en-GB",
            timezone_id="Europe/Berlin", has_touch=width == "phone", accept_downloads=True, **options,
        )  # fmt: skip
        self.context.set_default_timeout(PATIENCE_S * 1000)
        if session:
            self.context.add_cookies([{"name": COOKIE, "value": session, "url": url, "httpOnly": True, "sameSite": "Lax"}])
        self.complaints: list[str] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        page = self.context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def open(self, path: str) -> Page:
        """The page, when it is drawn and its websocket is there."""
        try:
            self.page.goto(path)
        except Error as error:
            if "ERR_ABORTED" not in error.message:
                raise
            self.page.goto(path)  # a page that was on its way itself, after a sign-in, came in between
        self.page.wait_for_function("!window.socket || window.socket.connected")
        return self.page

    def close(self) -> None:
        self.context.close()


def slow_line(page: Page, mb_per_s: float) -> None:
    """How fast this page can send from here on."""
    line = page.context.new_cdp_session(page)
    rates = {"downloadThroughput": -1, "uploadThroughput": mb_per_s * 1_000_000}
    line.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **rates})
