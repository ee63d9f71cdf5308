"""The sign-in of devices (RFC 8628) against a real endpoint: each answer that Google can give."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import ApplianceError, BadRequest, RemoteAway, RemoteBusy, RemoteError, RemoteRefused
from appliance.remotes.drive_device import DeviceFlow, Granted, Poll
from appliance.remotes.drive_tokens import SCOPE, Credentials, Tokens
from appliance.remotes.drive_web import Endpoints, Web
from tests.fakes.drive import FakeDrive


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        drive.device(interval_s=0)
        yield drive


def client_of(fake: FakeDrive) -> Credentials:
    return Credentials.from_text(json.dumps({"installed": fake.client()}))


def flow_of(fake: FakeDrive) -> DeviceFlow:
    return DeviceFlow(Endpoints.of(fake.root), Web(5), client_of(fake))


def test_a_code_is_shown_entered_and_makes_a_sign_in_that_works(fake: FakeDrive) -> None:
    client = client_of(fake)
    flow = DeviceFlow(Endpoints.of(fake.root), Web(5), client)
    code = flow.begin()
    assert (len(code.user_code), code.verification_url, code.expires_in_s) == (9, "https://www.google.com/device", 1800)
    assert flow.poll() is Poll.PENDING
    fake.approve(code.user_code)
    granted = flow.poll()
    assert isinstance(granted, Granted)
    assert granted.allows_files
    assert Tokens(client.with_refresh_token(granted.refresh_token), Endpoints.of(fake.root), Web(5)).access_token()


def test_the_interval_is_the_servers(fake: FakeDrive) -> None:
    fake.device(interval_s=7)
    assert flow_of(fake).begin().interval_s == 7


def test_asking_too_fast_is_told(fake: FakeDrive) -> None:
    fake.device(interval_s=60)
    flow = flow_of(fake)
    flow.begin()
    assert flow.poll() is Poll.PENDING
    assert flow.poll() is Poll.SLOW_DOWN


def test_a_denial_is_told(fake: FakeDrive) -> None:
    flow = flow_of(fake)
    fake.deny(flow.begin().user_code)
    assert flow.poll() is Poll.DENIED


def test_a_code_ends(fake: FakeDrive) -> None:
    fake.device(interval_s=0, lifetime_s=0)
    flow = flow_of(fake)
    flow.begin()
    assert flow.poll() is Poll.EXPIRED


def test_a_code_that_was_used_already_has_ended(fake: FakeDrive) -> None:
    flow = flow_of(fake)
    fake.approve(flow.begin().user_code)
    assert isinstance(flow.poll(), Granted)
    assert flow.poll() is Poll.EXPIRED


@pytest.mark.parametrize(("kind", "error"), [("503", RemoteBusy), ("429", RemoteBusy), ("html", RemoteAway), ("lost_answer", RemoteAway)])
def test_trouble_while_asking_passes_and_the_code_stays_good(fake: FakeDrive, kind: Any, error: type[ApplianceError]) -> None:
    flow = flow_of(fake)
    code = flow.begin()
    fake.fault(kind, match="token")
    with pytest.raises(error):
        flow.poll()
    fake.approve(code.user_code)
    assert isinstance(flow.poll(), Granted)


def test_no_secret_is_logged_or_represented(fake: FakeDrive, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(fake)
    flow = DeviceFlow(Endpoints.of(fake.root), Web(5), client)
    fake.approve(flow.begin().user_code)
    granted = flow.poll()
    assert isinstance(granted, Granted)
    said = caplog.text + repr(granted) + repr(client)
    for secret in (granted.refresh_token, client.client_secret or ""):
        assert secret not in said


# Answers that the fake Drive does not give


@contextlib.contextmanager
def answering(status: int, document: Any) -> Iterator[DeviceFlow]:
    """A flow whose server says this to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    client = Credentials(kind="oauth_client", client_id="c", client_secret="s")
    try:
        yield DeviceFlow(Endpoints.of(f"http://127.0.0.1:{server.server_port}"), Web(5), client)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


CODE = {
    "device_code": "d",
    "user_code": "ABCD-EFGH",
    "verification_url": "https://www.google.com/device",
    "expires_in": 1800,
    "interval": 5,
}


def test_the_rfcs_name_of_the_page_is_understood_too() -> None:
    document = {key: value for key, value in CODE.items() if key != "verification_url"} | {"verification_uri": "https://a.example/d"}
    with answering(200, document) as flow:
        assert flow.begin().verification_url == "https://a.example/d"


def test_where_the_server_names_no_interval_it_is_five_seconds() -> None:
    with answering(200, {key: value for key, value in CODE.items() if key != "interval"}) as flow:
        assert flow.begin().interval_s == 5


@pytest.mark.parametrize(
    ("status", "document", "error", "words"),
    [
        (401, {"error": "invalid_client", "error_description": "Invalid client type."}, BadRequest, "TVs and Limited Input devices"),
        (401, {"error": "invalid_client", "error_description": "The OAuth client was not found."}, BadRequest, "was not found"),
        (403, {"error_code": "rate_limit_exceeded"}, RemoteBusy, "no more codes"),
        (400, {"error": "invalid_scope", "error_description": "Invalid device flow scope"}, RemoteError, ""),
        (403, {"error": "org_internal"}, RemoteRefused, "make it External"),
        (400, {"error": "admin_policy_enforced"}, RemoteRefused, "administrators"),
        (200, [], RemoteAway, "captive portal"),
        (200, CODE | {"user_code": "x" * 100}, RemoteError, "no user_code that can be used"),
        (200, CODE | {"user_code": "\x1b[2J"}, RemoteError, "no user_code that can be used"),
        (200, CODE | {"device_code": None}, RemoteError, "no device_code"),
        (200, CODE | {"verification_url": "http://www.google.com/device"}, RemoteRefused, "without https"),
    ],
)
def test_a_sign_in_that_cannot_begin_says_why(status: int, document: Any, error: type[ApplianceError], words: str) -> None:
    with answering(status, document) as flow, pytest.raises(error) as failed:
        flow.begin()
    assert words in str(failed.value)


@pytest.mark.parametrize(
    ("status", "document", "error", "words"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": "Only clients of type &#39;TVs&#39;"},
            BadRequest,
            "Only clients of type 'TVs'",
        ),
        (403, {"error": "org_internal"}, RemoteRefused, "make it External"),
        (200, {"access_token": "a"}, RemoteError, "no refresh_token"),
        (400, {"error": "something new"}, RemoteError, "something new"),
    ],
)
def test_an_end_that_trying_again_does_not_mend_says_why(status: int, document: Any, error: type[ApplianceError], words: str) -> None:
    with answering(status, document) as flow, pytest.raises(error) as failed:
        flow.poll()
    assert words in str(failed.value)
    assert not failed.value.retriable


def test_an_unticked_permission_is_seen() -> None:
    with answering(200, {"access_token": "a", "refresh_token": "r", "scope": "openid"}) as flow:
        granted = flow.poll()
    assert isinstance(granted, Granted)
    assert not granted.allows_files
    assert Granted("r", f"openid {SCOPE}").allows_files
