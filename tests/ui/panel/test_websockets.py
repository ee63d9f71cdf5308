"""The websocket of the panel's pages: whose it is, whose pages it may speak for, and when it ends."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.panels import PASSWORD
from tests.ui.panel.conftest import Lived
from tests.waiting import wait_for
from ui.panel.sessions import COOKIE

_PAGE_ID = re.compile(r"client_id&#34;: &#34;([0-9a-f-]{36})|client_id['\"]: ['\"]([0-9a-f-]{36})")


@contextmanager
def _socket(lived: Lived, session: str | None, origin: str | None, **query: str) -> Iterator[ClientConnection]:
    """As socket.io opens it, up to its word that we are connected. Raises InvalidStatus where it is refused."""
    given = urlencode({"EIO": "4", "transport": "websocket", **query})
    cookie = {"Cookie": f"{COOKIE}={session}"} if session else {}
    url = f"ws://127.0.0.1:{lived.panel.port}/_nicegui_ws/socket.io/?{given}"
    with connect(url, origin=origin, additional_headers=cookie, open_timeout=10) as socket:  # type: ignore[arg-type]  # any text is sent
        socket.recv(10)
        socket.send("40")
        yield socket


def _opened(lived: Lived, session: str) -> str:
    """The id of a page that was rendered for that session."""
    html = lived.ask("GET", "/", session).content
    found = _PAGE_ID.search(html)
    assert found, html[-3000:]
    return found[1] or found[2]


def _handshake(socket: ClientConnection, client_id: str) -> bool:
    """What NiceGUI answers to who says that this is its page."""
    asked = {"client_id": client_id, "tab_id": "t", "old_tab_id": None, "document_id": "d", "next_message_id": 0}
    socket.send("423" + json.dumps(["handshake", asked]))
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        message = str(socket.recv(10))
        if message == "2":
            socket.send("3")
        elif message.startswith("433"):
            return bool(json.loads(message[3:])[0])
    raise AssertionError("no answer")


def test_ones_own_page_is_served(lived: Lived) -> None:
    with _socket(lived, lived.ben, lived.panel.url) as socket:
        assert _handshake(socket, _opened(lived, lived.ben))


@pytest.mark.parametrize("session", [None, "", "x" * 43])
def test_without_a_session_there_is_no_websocket(lived: Lived, session: str | None) -> None:
    with pytest.raises(InvalidStatus, match="403"), _socket(lived, session, lived.panel.url):
        pass


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1", "http://localhost"])
def test_from_another_site_there_is_no_websocket(lived: Lived, origin: str | None) -> None:
    with pytest.raises(InvalidStatus, match="403"), _socket(lived, lived.ben, origin):
        pass


def test_a_page_of_another_session_is_not_taken_over(lived: Lived) -> None:
    hers = _opened(lived, lived.ada)
    with _socket(lived, lived.ben, lived.panel.url) as socket:
        assert not _handshake(socket, hers)
        assert _handshake(socket, _opened(lived, lived.ben))
    with _socket(lived, lived.ben, lived.panel.url, client_id=hers, implicit_handshake="true", tab_id="t", document_id="d") as socket:
        assert "Implicit handshake" not in str(refusal := socket.recv(10))
        assert str(refusal).startswith("44"), "it is refused"


def test_nothing_is_done_on_a_page_of_another_session(lived: Lived) -> None:
    """Shown by what a page may write into the panel's log."""
    hers, his = _opened(lived, lived.ada), _opened(lived, lived.ben)
    with _socket(lived, lived.ada, lived.panel.url) as open_page, _socket(lived, lived.ben, lived.panel.url) as socket:
        assert _handshake(open_page, hers)
        assert _handshake(socket, his)
        for client_id, words in ((hers, "foreign words"), (his, "own words")):
            socket.send("42" + json.dumps(["log", {"client_id": client_id, "level": "warning", "message": words}]))
        wait_for(lambda: "own words" in lived.panel.log.read_text(), what="the page's own words")
    assert "foreign words" not in lived.panel.log.read_text()


@pytest.mark.parametrize("message", ['["event"]', '["event",null]', '["event",{"client_id":{}}]', '["handshake",[]]', '["log",7]'])
def test_a_malformed_message_does_no_harm(lived: Lived, message: str) -> None:
    with _socket(lived, lived.ben, lived.panel.url) as socket:
        socket.send(f"42{message}")
        assert _handshake(socket, _opened(lived, lived.ben))


def test_a_tab_that_answers_nothing_is_no_error(lived: Lived) -> None:
    """As one that was closed at once, or sleeps: the page for scripts asks it for its colours."""
    html = lived.ask("GET", "/scripts/new", lived.ada).content
    found = _PAGE_ID.search(html)
    assert found
    with _socket(lived, lived.ada, lived.panel.url) as socket:
        assert _handshake(socket, found[1] or found[2])
        ends_s = time.monotonic() + 1.5  # longer than the page waits for an answer
        while (left_s := ends_s - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                socket.recv(left_s)
    assert "did not respond" not in lived.panel.log.read_text()


def _closes(lived: Lived, session: str, cause: str, **parameters: str) -> tuple[float, list[str]]:
    """How long an open page lasts after that, and what it was told last."""
    with _socket(lived, session, lived.panel.url) as socket:
        assert _handshake(socket, _opened(lived, session))
        start_s = time.monotonic()
        lived.house.ask(cause, **parameters)
        told: list[str] = []
        try:
            while time.monotonic() - start_s < 20:
                told.append(str(socket.recv(20)))
        except ConnectionClosed:
            return time.monotonic() - start_s, told
    raise AssertionError("it was not closed")


def test_an_open_page_ends_with_its_session_wherever_that_was_ended(lived: Lived) -> None:
    session = lived.panel.sign_in("ben")
    took_s, told = _closes(lived, session, "user/end-session", name="ben")
    assert took_s < 10
    assert any("location.reload" in one for one in told), "the page goes to the door by itself"
    assert lived.ask("GET", "/", session).status == 303


def test_an_open_page_of_an_admin_who_is_none_any_more_ends(lived: Lived) -> None:
    lived.house.ask("user/add", name="eve", role="admin", password=PASSWORD)
    took_s, _ = _closes(lived, lived.panel.sign_in("eve"), "user/role", name="eve", role="member")
    assert took_s < 10


def test_an_appliance_that_is_away_ends_no_page(lived: Lived) -> None:
    session = lived.panel.sign_in("ada")
    with _socket(lived, session, lived.panel.url) as socket:
        assert _handshake(socket, _opened(lived, session))
        lived.house.kill()
        ends_s = time.monotonic() + 5  # longer than one look at all sessions
        while (left_s := ends_s - time.monotonic()) > 0:
            try:
                if str(socket.recv(left_s)) == "2":
                    socket.send("3")
            except TimeoutError:
                break
        lived.house.start()
        wait_for(lambda: lived.ask("GET", "/users", session).status == 200, what="the appliance to be back")
        assert _handshake(socket, _opened(lived, session))
