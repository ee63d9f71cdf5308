"""The token endpoints of the fake Drive, with Google's own words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httplib2
import pytest
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from tests.fakes.drive import FakeDrive
from tests.fakes.drive_client import FILES, Answer, Client
from tests.waiting import wait_for

SCOPE = "https://www.googleapis.com/auth/drive.file"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path) as fake:
        yield fake


def said(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]


def test_access_tokens_expire_and_are_renewed(fake: FakeDrive) -> None:
    client = Client(fake)
    fake.tokens(lifetime_s=0.2)
    assert client.listed().status == 200
    token = client.refresh().json
    assert (token["token_type"], token["scope"]) == ("Bearer", SCOPE)
    client.headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert client.listed().status == 200
    wait_for(lambda: client.listed().status == 401)
    assert client.listed().headers["WWW-Authenticate"].startswith("Bearer")
    fake.tokens(lifetime_s=60)
    client.headers = {"Authorization": f"Bearer {client.refresh().json['access_token']}"}
    fake.expire_tokens()
    assert client.listed().reason == "authError"


def test_a_revoked_grant_is_said_as_google_says_it(fake: FakeDrive) -> None:
    client, other = Client(fake), Client(fake, fake.account("other"))
    fake.revoke(client.account["client_id"])
    answer = client.refresh()
    assert (answer.status, answer.json) == (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
    assert client.listed().status == 401
    assert other.refresh().status == 200


def test_a_client_needs_its_own_secret_and_its_own_token(fake: FakeDrive) -> None:
    client, other = Client(fake), fake.account("other")
    wrong = {"grant_type": "refresh_token", "refresh_token": client.account["refresh_token"], "client_id": client.account["client_id"]}
    assert said(client.token(**wrong, client_secret="wrong")) == (401, "invalid_client")
    wrong["client_id"] = other["client_id"]
    assert said(client.token(**wrong, client_secret=other["client_secret"])) == (401, "unauthorized_client")


class Device:
    """A device that signs in."""

    def __init__(self, fake: FakeDrive) -> None:
        self._client, self.own = Client(fake), fake.client("device-client")
        self.codes = self.ask(SCOPE).json

    def ask(self, scope: str) -> Answer:
        form = {"client_id": self.own["client_id"], "scope": scope}
        return self._client.request("POST", "/device/code", urlencode(form).encode(), {})

    def poll(self) -> Answer:
        grant_type = "urn:ietf:params:oauth:grant-type:device_code"
        return self._client.token(grant_type=grant_type, device_code=self.codes["device_code"], **self.own)


def test_a_device_waits_until_it_is_approved(fake: FakeDrive) -> None:
    fake.device(interval_s=0)
    device = Device(fake)
    assert device.codes["verification_url"] == "https://www.google.com/device"
    assert said(device.poll()) == (428, "authorization_pending")
    fake.approve(device.codes["user_code"])
    token = device.poll().json
    client = Client(fake, {**device.own, "refresh_token": token["refresh_token"]})
    assert client.listed().status == 200
    assert client.get("/drive/v3/about", fields="user/emailAddress").json == {"user": {"emailAddress": "owner@example.com"}}
    assert said(device.poll()) == (400, "invalid_grant")


def test_a_device_is_denied_told_to_be_slow_and_its_code_expires(fake: FakeDrive) -> None:
    fake.device(interval_s=5)
    device = Device(fake)
    device.poll()
    assert said(device.poll()) == (403, "slow_down")
    fake.device(interval_s=0)
    denied = Device(fake)
    fake.deny()
    assert said(denied.poll()) == (403, "access_denied")
    fake.device(interval_s=0, lifetime_s=0)
    assert said(Device(fake).poll()) == (400, "expired_token")
    fake.fault("slow_down", match="token")
    assert said(denied.poll()) == (403, "slow_down")


def test_a_device_gets_no_scope_but_those_for_devices(fake: FakeDrive) -> None:
    assert said(Device(fake).ask("https://www.googleapis.com/auth/drive")) == (400, "invalid_scope")


def test_a_service_account_signs_in_with_google_s_own_library(fake: FakeDrive) -> None:
    credentials = Credentials.from_service_account_info(fake.service_account(), scopes=[SCOPE])  # type: ignore[no-untyped-call]  # no types there
    credentials.refresh(Request())
    client = Client(fake)
    client.headers = {"Authorization": f"Bearer {credentials.token}"}
    assert client.listed().status == 200
    assert client.names() == []


def tls_through(proxy: str, host: str, ca_pem: Path) -> bytes:
    """The first line of an answer to a request without a token."""
    with socket.create_connection(("127.0.0.1", int(proxy.rpartition(":")[2]))) as raw:
        raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")
        with ssl.create_default_context(cafile=ca_pem).wrap_socket(raw, server_hostname=host) as sock:
            sock.sendall(f"GET {FILES} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return sock.recv(1000).partition(b"\r\n")[0]


def test_the_proxy_is_every_host_for_who_trusts_the_ca(tmp_path: Path) -> None:
    with FakeDrive(tmp_path / "drive", tls=True) as fake, FakeDrive(tmp_path / "another", tls=True) as another:
        assert fake.ca_pem is not None
        assert another.ca_pem is not None
        for host in ("www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com", "localhost"):
            assert tls_through(fake.proxy, host, fake.ca_pem) == b"HTTP/1.1 401 Error"
        with pytest.raises(ssl.SSLCertVerificationError):
            tls_through(fake.proxy, "example.com", fake.ca_pem)
        with pytest.raises(ssl.SSLCertVerificationError):
            tls_through(fake.proxy, "www.googleapis.com", another.ca_pem)
        assert httplib2.Http(ca_certs=str(fake.ca_pem), proxy_info=None).request(f"{fake.root}{FILES}")[0].status == 401
