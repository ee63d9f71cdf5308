"""Every route of the panel, and who gets through it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from urllib.parse import urlencode

import pytest

from tests.panels import PASSWORD
from tests.ui.panel.conftest import CONTENT, TITLE, Lived
from tests.ui.panel.who_may import DOORS, Door, Who

_SAFE = {"GET", "HEAD", "OPTIONS"}
_EVIL = "https://evil.example"


def _knocks(*whose: Who) -> Iterator[tuple[Door, str]]:
    """Each door with each method that it knows; where any is known, the plainest two."""
    for door in DOORS:
        if door.who in whose:
            for method in sorted(door.methods) or ["GET", "POST"]:
                yield door, method


def _each(*whose: Who, but: AbstractSet[str] = frozenset()) -> pytest.MarkDecorator:
    knocks = [(door, method) for door, method in _knocks(*whose) if method not in but]
    return pytest.mark.parametrize(("door", "method"), knocks, ids=[f"{method} {door.path}" for door, method in knocks])


_BEHIND = (Who.SIGNED_IN, Who.OWNER, Who.ADMIN)


def _address(door: Door, lived: Lived) -> str:
    return door.example.format(archive=lived.archive, upload=lived.upload, connection=lived.connection, script=lived.script)


def test_every_route_says_who_may_use_it() -> None:
    printed = subprocess.run([sys.executable, "-m", "tests.ui.panel.all_routes"], check=True, capture_output=True, timeout=60).stdout
    there = {(path, frozenset(methods)) for path, methods in json.loads(printed)}
    assert there == {(door.path, door.methods) for door in DOORS}, "a route is new, or gone: write into who_may.py who may use it"


@_each(Who.ANYONE)
def test_the_doors_are_open(lived: Lived, door: Door, method: str) -> None:
    answer = lived.ask(method, _address(door, lived))
    assert answer.status not in {401, 403, 404} or method == "POST"
    assert not answer.way.startswith("/login?")


@pytest.mark.parametrize("session", [None, "", "x" * 43, "ended"])
@_each(*_BEHIND)
def test_nobody_passes_without_a_good_session(lived: Lived, ended: str, door: Door, method: str, session: str | None) -> None:
    answer = lived.ask(method, _address(door, lived), ended if session == "ended" else session)
    if method == "GET":
        assert (answer.status, answer.way.split("%3F")[0]) == (303, f"/login?next={_address(door, lived)}")
    else:
        assert answer.status == 401
    assert CONTENT.decode() not in answer.content
    assert TITLE not in answer.content


@pytest.fixture(scope="module")
def ended(lived: Lived) -> str:
    """A session that was good."""
    session = lived.panel.sign_in("ben")
    assert lived.ask("GET", "/", session).status == 200
    assert lived.ask("POST", "/logout", session).status == 303
    return session


@_each(Who.ADMIN)
def test_a_member_gets_nothing_that_is_for_admins(lived: Lived, door: Door, method: str) -> None:
    assert lived.ask(method, _address(door, lived), lived.ada).status == 200
    refused = lived.ask(method, _address(door, lived), lived.ben)
    assert refused.status == 403
    assert method == "HEAD" or "This page is for admins" in refused.content


@_each(Who.OWNER)
def test_what_is_somebody_elses_is_not_there(lived: Lived, door: Door, method: str) -> None:
    address = _address(door, lived)
    refused = lived.ask(method, address, lived.ben, Tus_Resumable="1.0.0")
    nothing = lived.ask(method, address.replace(lived.archive, "0" * 16).replace(lived.upload, "0" * 32), lived.ben, Tus_Resumable="1.0.0")
    assert refused.status == nothing.status
    assert method == "OPTIONS" or refused.status == 404
    assert CONTENT.decode() not in refused.content
    assert TITLE not in refused.content


def test_an_owner_and_an_admin_have_it(lived: Lived) -> None:
    assert lived.ask("GET", f"/files/{lived.archive}", lived.ada).content == CONTENT.decode()
    assert TITLE in lived.ask("GET", f"/archives/{lived.archive}", lived.ada).content
    assert lived.ask("HEAD", f"/uploads/tus/{lived.upload}", lived.ada, Tus_Resumable="1.0.0").headers["upload-offset"] == "0"


@pytest.mark.parametrize(
    "headers", [{"Origin": _EVIL}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "null"}], ids=["origin", "fetch", "null"]
)
@_each(*Who, but=_SAFE)
def test_another_site_can_change_nothing(lived: Lived, door: Door, method: str, headers: dict[str, str]) -> None:
    answer = lived.ask(method, _address(door, lived), lived.ada, **headers)
    assert (answer.status, answer.content) == (403, "This came from another site and was not done.\n")


def test_websockets_are_not_served_to_plain_requests(lived: Lived) -> None:
    for method in ("GET", "POST"):
        assert lived.ask(method, "/_nicegui_ws/socket.io/?EIO=4&transport=polling", lived.ada).status == 404


@_each(*Who)
def test_every_answer_tells_the_browser_what_it_may_do(lived: Lived, door: Door, method: str) -> None:
    for session in (None, lived.ada if door.path != "/logout" else None):
        headers = lived.ask(method, _address(door, lived), session, Tus_Resumable="1.0.0" if method == "HEAD" else "0").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"].replace("style-src 'self' 'unsafe-inline'", "")
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"]
        assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fapp.py", "/static//etc/passwd", "/static/%2fetc%2fpasswd",
        "/upload/static/..%2fpage.py", "/files/..%2f..%2fcatalog", "/files/%2e%2e/%2e%2e/etc/passwd", "/files/a/../../../etc/passwd",
        "/_nicegui/3.18.0/static/..%2f..%2fnicegui.py", "/uploads/tus/..%2f..%2fx",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_its_folder(lived: Lived, path: str) -> None:
    answer = lived.ask("GET", path, lived.ada)
    assert answer.status in {404, 405}
    assert "root:" not in answer.content


@pytest.mark.parametrize(
    "way", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "javascript:alert(1)", "/%0d%0aX: y"]
)
def test_the_way_behind_the_door_leads_to_no_other_site(lived: Lived, way: str) -> None:
    body = urlencode({"name": "ben", "password": PASSWORD, "next": way})
    answer = lived.ask("POST", "/login", body=body, Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 303
    assert answer.way.startswith("/")
    assert not answer.way.startswith(("//", "/\\", "/\t"))


@pytest.mark.parametrize("headers", [{"Content_Length": "70000"}, {"Content_Length": "9" * 5000}, {"Transfer_Encoding": "chunked"}])
@pytest.mark.parametrize("path", ["/login", "/claim", "/register", "/logout", "/"])
def test_nobody_fills_the_memory_through_a_form(lived: Lived, path: str, headers: dict[str, str]) -> None:
    """Refused by what it announces, before a byte of it is read."""
    assert lived.ask("POST", path, **headers).status in {400, 413}


def test_no_secret_stands_in_the_log(lived: Lived) -> None:
    log = lived.panel.log.read_text()
    for secret in (lived.ada, lived.ben, PASSWORD, "client_id"):
        assert secret not in log
