"""The panel's check against a real web server, with and without TLS."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.brokers import free_port
from tests.ui.doctor.conftest import Computer, found, levels, line
from ui.doctor.checks import panel


class _Page(http.server.BaseHTTPRequestHandler):
    status = 303

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(status: int = 303, certificate: trustme.LeafCert | None = None) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Page", (_Page,), {"status": status}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_a_panel_that_answers_is_good_and_one_that_does_not_must_be_mended(computer: Computer) -> None:
    with serving() as port:
        computer.installed(panel_port=port)
        assert levels(panel.panel, computer) == ["good"]
    assert levels(panel.panel, computer) == ["mend"]


def test_a_panel_that_answers_with_errors_must_be_mended(computer: Computer) -> None:
    with serving(500) as port:
        computer.installed(panel_port=port)
        assert levels(panel.panel, computer) == ["mend"]
        assert "(500)" in line(panel.panel, computer)


@pytest.mark.parametrize(
    ("days", "name", "expected"),
    [(200, "pyarchive.local", ["good", "good"]), (10, "pyarchive.local", ["good", "look"]), (-1, "pyarchive.local", ["good", "mend"]),
     (200, "other.local", ["good", "good", "look"])],
)  # fmt: skip
def test_a_certificate_is_read_for_its_end_and_its_name(computer: Computer, days: int, name: str, expected: list[str]) -> None:
    now = datetime.now(UTC)
    leaf = trustme.CA().issue_cert(name, not_before=now - timedelta(days=30), not_after=now + timedelta(days=days))
    with serving(certificate=leaf) as port:
        computer.installed(panel_port=port, tls="own", host_name="pyarchive.local")
        assert [str(each.level) for each in found(panel.panel, computer)] == expected


def test_a_port_that_takes_connections_and_says_nothing_is_no_panel(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(panel, "_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        computer.installed(panel_port=silent.getsockname()[1])
        assert "no answer in time" in line(panel.panel, computer)
