"""Which requests come from a page of ours."""

from __future__ import annotations

import pytest
from starlette.types import Scope

from ui.panel.origin import is_ours


def _scope(headers: dict[str, str], *, kind: str = "http", scheme: str = "http") -> Scope:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": kind, "scheme": scheme, "headers": raw}


_HOST = "pyarchive.local:8080"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": _HOST, "Origin": "http://pyarchive.local:8080"},
        {"Host": "PyArchive.Local:8080", "Origin": "http://pyarchive.local:8080"},
        {"Host": "192.168.1.7", "Origin": "http://192.168.1.7"},
        {"Host": "192.168.1.7:80", "Origin": "http://192.168.1.7"},
        {"Host": "[fe80::1]:8080", "Origin": "http://[fe80::1]:8080"},
        {"Host": "pi.example.org", "Origin": "https://pi.example.org"},  # a proxy ends the TLS
        {"Host": "127.0.0.1:8080", "X-Forwarded-Host": "pi.example.org, inner", "Origin": "https://pi.example.org"},
        {"Host": "whatever", "Sec-Fetch-Site": "same-origin", "Origin": "https://pi.example.org"},  # the browser says it itself
        {"Host": _HOST, "Sec-Fetch-Site": "none"},
        {"Host": _HOST},  # no browser
    ],
)
def test_ours(headers: dict[str, str]) -> None:
    assert is_ours(_scope(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": _HOST, "Origin": "http://evil.example"},
        {"Host": _HOST, "Origin": "http://pyarchive.local"},  # another port is another site
        {"Host": _HOST, "Origin": "http://pyarchive.local:8081"},
        {"Host": _HOST, "Origin": "http://pyarchive.local.evil.example:8080"},
        {"Host": _HOST, "Origin": "http://pyarchive.local:8080@evil.example"},
        {"Host": _HOST, "Origin": "http://pyarchive.local:8080.evil.example"},
        {"Host": _HOST, "Origin": "null"},
        {"Host": _HOST, "Origin": ""},
        {"Host": _HOST, "Origin": "file://pyarchive.local:8080"},
        {"Host": _HOST, "Origin": "http://pyarchive.local:99999"},
        {"Host": "", "Origin": "http://"},
        {"Origin": "http://evil.example"},
        {"Host": _HOST, "Sec-Fetch-Site": "cross-site"},
        {"Host": _HOST, "Sec-Fetch-Site": "same-site", "Origin": "http://pyarchive.local:8080"},
        {"Host": _HOST, "Sec-Fetch-Site": "none", "Origin": "http://evil.example"},
        {"Host": "evil.example@pyarchive.local", "Origin": "http://evil.example"},
    ],
)
def test_not_ours(headers: dict[str, str]) -> None:
    assert not is_ours(_scope(headers))


def test_under_tls_plain_http_is_another_site() -> None:
    assert is_ours(_scope({"Host": "pi", "Origin": "https://pi"}, scheme="https"))
    assert not is_ours(_scope({"Host": "pi", "Origin": "http://pi"}, scheme="https"))
    assert not is_ours(_scope({"Host": "pi", "Origin": "http://pi"}, kind="websocket", scheme="wss"))


def test_a_websocket_without_an_origin_is_nobodys() -> None:
    assert not is_ours(_scope({"Host": "pi"}, kind="websocket", scheme="ws"))
    assert is_ours(_scope({"Host": "pi", "Origin": "http://pi"}, kind="websocket", scheme="ws"))
