"""Claims about the way to Drive: endpoints, kept connections, proxy and certificates."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from appliance.errors import BadRequest, RemoteAway, RemoteRefused
from appliance.remotes import drive_web
from appliance.remotes.drive_web import Endpoints, Web
from tests.appliance.remotes.web_server import Authority, ConnectProxy, Heard, Listener, WebServer, answer, authority
from tests.waiting import wait_for

T = TypeVar("T", bound=Listener)
Open = Callable[[T], T]
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def google(tmp_path: Path) -> Authority:
    return authority(tmp_path, "www.googleapis.com")


def said(request: Heard) -> bytes:
    return answer(200, json.dumps({"method": request.method, "target": request.target}).encode())


# Endpoints


def test_without_a_root_google_itself_is_asked() -> None:
    endpoints = Endpoints.of(None)
    assert (endpoints.api, endpoints.upload, endpoints.token, endpoints.device, endpoints.is_test) == (
        "https://www.googleapis.com/drive/v3", "https://www.googleapis.com/upload/drive/v3",
        "https://oauth2.googleapis.com/token", "https://oauth2.googleapis.com/device/code", False,
    )  # fmt: skip


@pytest.mark.parametrize("root", ["http://127.0.0.1:8080", "http://localhost:8080/", "http://[::1]:80/below", "https://drive.test"])
def test_a_test_server_has_everything_below_its_root(root: str) -> None:
    endpoints, base = Endpoints.of(root), root.rstrip("/")
    assert endpoints.is_test
    assert [endpoints.api, endpoints.upload] == [f"{base}/drive/v3", f"{base}/upload/drive/v3"]
    assert [endpoints.token, endpoints.device] == [f"{base}/token", f"{base}/device/code"]


@pytest.mark.parametrize(
    "root",
    ["http://drive.test", "http://192.168.1.2:80", "http://127.0.0.1.evil.test", "ftp://127.0.0.1", "drive.test", "https://", "",
     "https://user:word@drive.test", "https://drive.test:none", "https://drive.test/?a=b"],
)  # fmt: skip
def test_a_root_over_which_secrets_would_leak_or_that_is_none_is_refused(root: str) -> None:
    with pytest.raises(BadRequest, match="PYARCHIVE_DRIVE_ENDPOINT"):
        Endpoints.of(root)


def test_nothing_is_sent_in_plain_to_another_machine() -> None:
    with pytest.raises(RemoteRefused, match="without https"):
        Web().kept("http://drive.test/upload?id=secret")


# Connections


def test_one_connection_serves_one_request_after_the_other(stack: ExitStack) -> None:
    server, web = stack.enter_context(WebServer(said)), Web()
    for number in range(5):
        response, content = web.http().request(f"{server.url}/a?n={number}", "GET")
        assert (response.status, json.loads(content)) == (200, {"method": "GET", "target": f"/a?n={number}"})
    assert server.opened == 1


def test_a_connection_that_the_server_closed_while_idle_is_opened_anew(stack: ExitStack) -> None:
    server, web = stack.enter_context(WebServer(said)), Web()
    web.http().request(f"{server.url}/", "POST", b"first")
    server.hang_up()
    wait_for(lambda: server.ended == 1)
    web.http().request(f"{server.url}/", "POST", b"second")
    assert [each.body for each in server.heard] == [b"first", b"second"]
    assert server.opened == 2


def test_a_connection_that_was_idle_for_long_is_not_trusted(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    server, web = stack.enter_context(WebServer(said)), Web()
    web.http().request(f"{server.url}/", "GET")
    monkeypatch.setattr(drive_web, "_IDLE_S", 0.0)
    web.http().request(f"{server.url}/", "GET")
    assert server.opened == 2


def test_a_post_whose_answer_was_lost_is_not_sent_again(stack: ExitStack) -> None:
    server, web = stack.enter_context(WebServer(lambda _: None)), Web()
    with pytest.raises(http.client.RemoteDisconnected):
        web.http().request(f"{server.url}/", "POST", b"create it")
    assert [each.method for each in server.heard] == ["POST"]


def test_the_next_request_after_a_failed_one_gets_its_own_answer(stack: ExitStack) -> None:
    answers = iter([answer(200, b"half of it")[:-5], answer(200, b"its own")])
    server, web = stack.enter_context(WebServer(lambda _: next(answers))), Web(timeout_s=0.2)
    with pytest.raises(TimeoutError):
        web.http().request(f"{server.url}/", "GET")
    assert web.http().request(f"{server.url}/", "GET")[1] == b"its own"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(stack: ExitStack, status: int) -> None:
    server, web = stack.enter_context(WebServer(lambda _: answer(status, Location="/elsewhere"))), Web()
    response, _ = web.http().request(f"{server.url}/", "PUT", b"x")
    assert (response.status, response["location"], len(server.heard)) == (status, "/elsewhere", 1)


def test_compressed_answers_are_asked_for_and_unpacked(stack: ExitStack) -> None:
    server, web = stack.enter_context(WebServer(lambda _: answer(200, gzip.compress(b"long" * 99), Content_Encoding="gzip"))), Web()
    assert web.http().request(f"{server.url}/", "GET")[1] == b"long" * 99
    heard = server.heard[0].headers
    assert "gzip" in heard["accept-encoding"]
    assert "gzip" in heard["user-agent"]


def test_an_answer_that_is_not_compressed_as_it_says_is_an_error_of_the_connection(stack: ExitStack) -> None:
    server = stack.enter_context(WebServer(lambda _: answer(200, b"plain", Content_Encoding="gzip")))
    with pytest.raises(http.client.HTTPException):
        Web().http().request(f"{server.url}/", "GET")


def test_each_thread_has_a_connection_of_its_own_which_ends_with_it(stack: ExitStack) -> None:
    server, web = stack.enter_context(WebServer(said)), Web()
    web.http().request(f"{server.url}/", "GET")
    threads = [threading.Thread(target=web.http().request, args=(f"{server.url}/", "GET")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: server.ended == 3)
    assert server.opened == 4


def test_connections_end_with_their_web(stack: ExitStack) -> None:
    server = stack.enter_context(WebServer(said))
    Web().http().request(f"{server.url}/", "GET")
    wait_for(lambda: server.ended == 1)


def test_silence_times_out(stack: ExitStack) -> None:
    over = threading.Event()
    server = stack.enter_context(WebServer(lambda _: b"" if over.wait(10) else None))
    stack.callback(over.set)
    before_s = time.monotonic()
    with pytest.raises(TimeoutError):
        Web(timeout_s=0.2).http().request(f"{server.url}/", "GET")
    assert time.monotonic() - before_s < 2


def test_what_goes_on_slowly_does_not_time_out(stack: ExitStack) -> None:
    class Slow(WebServer):
        def serve(self, accepted: object) -> None:
            with accepted.makefile("rwb", buffering=0) as stream:  # type: ignore[attr-defined]  # a socket, as its base class says
                while stream.readline().strip():
                    pass
                for byte in answer(200, b"slow"):
                    stream.write(bytes([byte]))
                    time.sleep(0.02)

    server = stack.enter_context(Slow(said))
    before_s = time.monotonic()
    assert Web(timeout_s=0.5).http().request(f"{server.url}/", "GET")[1] == b"slow"
    assert time.monotonic() - before_s > 0.5


class Deaf(Listener):
    """Accepts, and reads nothing until it is ended."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def serve(self, accepted: socket.socket) -> None:
        self.over.wait(10)


def taken_bytes(connection: http.client.HTTPConnection, most_bytes: int) -> int:
    """How much can be sent to a server that reads nothing."""
    piece = bytes(64 * 1024)
    for sent_bytes in range(0, most_bytes, len(piece)):
        try:
            connection.send(piece)
        except TimeoutError:
            return sent_bytes
    return most_bytes


def test_what_is_sent_is_not_far_ahead_of_the_line(stack: ExitStack) -> None:
    server = stack.enter_context(Deaf())
    server._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    stack.callback(server.over.set)
    connection = Web(timeout_s=0.3).kept(f"http://127.0.0.1:{server.port}/")
    connection.connect()
    assert taken_bytes(connection, 8 << 20) <= 1 << 20


# TLS and proxy


def test_certificates_of_ones_own_are_named_by_ssl_cert_file(stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = authority(tmp_path, "127.0.0.1")
    server = stack.enter_context(WebServer(said, own.context))
    monkeypatch.setenv("SSL_CERT_FILE", str(own.pem))
    assert Web().http().request(f"{server.url}/", "GET")[0].status == 200


def test_a_server_that_nobody_vouches_for_hears_nothing(stack: ExitStack, tmp_path: Path) -> None:
    server = stack.enter_context(WebServer(said, authority(tmp_path, "127.0.0.1").context))
    with pytest.raises(ssl.SSLCertVerificationError):
        Web().http().request(f"{server.url}/", "GET")
    assert server.heard == []


def through(proxy: ConnectProxy, google: Authority, monkeypatch: pytest.MonkeyPatch, login: str = "") -> Web:
    monkeypatch.setenv("SSL_CERT_FILE", str(google.pem))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{login}127.0.0.1:{proxy.port}")
    return Web()


def test_the_proxy_is_asked_once_and_the_tunnel_kept(stack: ExitStack, google: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stack.enter_context(WebServer(said, google.context))
    proxy = stack.enter_context(ConnectProxy(server.port))
    web = through(proxy, google, monkeypatch)
    for _ in range(3):
        assert web.http().request("https://www.googleapis.com/drive/v3/about", "GET")[0].status == 200
    assert [each[0].split()[:2] for each in proxy.asked] == [["CONNECT", "www.googleapis.com:443"]]
    assert [each.target for each in server.heard] == ["/drive/v3/about"] * 3
    assert all(each.headers["host"] == "www.googleapis.com" for each in server.heard)


def test_a_tunnel_that_was_closed_is_dug_again(stack: ExitStack, google: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stack.enter_context(WebServer(said, google.context))
    proxy = stack.enter_context(ConnectProxy(server.port))
    web = through(proxy, google, monkeypatch)
    web.http().request("https://www.googleapis.com/a", "GET")
    proxy.hang_up()
    wait_for(lambda: proxy.ended == 1)
    web.http().request("https://www.googleapis.com/b", "GET")
    assert [each.target for each in server.heard] == ["/a", "/b"]


def test_the_proxy_gets_name_and_password_and_the_server_does_not(
    stack: ExitStack, google: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = stack.enter_context(WebServer(said, google.context))
    proxy = stack.enter_context(ConnectProxy(server.port))
    through(proxy, google, monkeypatch, login="anna:s%40fe@").http().request("https://www.googleapis.com/", "GET")
    assert "Proxy-Authorization: Basic YW5uYTpzQGZl" in proxy.asked[0]
    assert "proxy-authorization" not in server.heard[0].headers


def test_a_proxy_that_says_no_is_an_error_with_its_number(stack: ExitStack, google: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = stack.enter_context(ConnectProxy(1, status=407))
    with pytest.raises(OSError, match="407"):
        through(proxy, google, monkeypatch).http().request("https://www.googleapis.com/", "GET")


def test_no_proxy_names_who_is_reached_directly(stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = authority(tmp_path, "127.0.0.1")
    server = stack.enter_context(WebServer(said, own.context))
    proxy = stack.enter_context(ConnectProxy(server.port))
    web = through(proxy, own, monkeypatch)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert web.http().request(f"{server.url}/", "GET")[0].status == 200
    assert proxy.asked == []


def test_loopback_in_plain_needs_no_proxy(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stack.enter_context(WebServer(said))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert Web().http().request(f"{server.url}/", "GET")[0].status == 200


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "https://127.0.0.1:1"])
def test_a_proxy_of_another_kind_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(RemoteAway, match="HTTPS_PROXY"):
        Web().kept("https://www.googleapis.com/")
