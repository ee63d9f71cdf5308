"""A fake Google Drive (v3), faithful enough for an unmodified rclone, with scripted faults.

    with FakeDrive(folder) as fake:                     # in this process; DriveProcess(folder): in one of its own, same methods
        document = fake.account()                       # authorized_user; also fake.service_account(), fake.client() (device flow)
        ... PYARCHIVE_DRIVE_ENDPOINT=fake.root ...      # below it /drive/v3, /upload/drive/v3, /token, /device/code
    with FakeDrive(folder, tls=True) as fake:           # fake.proxy is www.googleapis.com and every other host
        subprocess.run(command, env=os.environ | fake.environment)      # HTTPS_PROXY, SSL_CERT_FILE; tests/fakes/rclone.py does so

A fault hits the next request that matches, once, unless ``times`` (None: for ever) and ``after`` say otherwise; ``file_id`` picks one file:
    fake.fault("503", match="chunk", times=2, retry_after_s=1)      fake.fault("storageQuotaExceeded", match="open")
    fake.fault("cut", match="chunk", after_bytes=700_000)           fake.fault("cut", match="list", of="response", after_bytes=90)
    fake.fault("partial", match="chunk", keep_bytes=1 << 20)        fake.fault("no_range", match="chunk")
    fake.fault("lost_answer", match=["open", "create"])             fake.fault("expired", match="status", status=410)
    fake.fault("invalid_grant", match="token", times=None)          fake.fault("html")    fake.fault("latency", seconds=0.2)
    fake.storm(seed=7, rate=0.1)      # until fake.calm(); kinds= and match= narrow it. All words: tests/fakes/drive_words.py
    fake.line(up_bytes_per_s=5e6, latency_s=0.2)    fake.freeze()    fake.thaw()    fake.lag(creations=3)    fake.quota(limit_bytes=10**9)

Behind the client's back: fake.flip(id, offset), truncate, trash, delete, duplicate, drop_checksums, abusive, expire_sessions, revoke,
    expire_tokens; ids = fake.seed([Seed(name="00000000", parent=folder_id, size_bytes=5, checksums={"sha256": ...})]).
Inspection: fake.files[id].app_properties, fake.named("manifest.json"), fake.content(id), fake.requests["chunk"], fake.sessions,
    faults, received_bytes, received_twice_bytes, sent_bytes, and fake.violations, which a test of a client should find empty.
All three checksums are computed as the bytes come; fake.report_checksums(["md5", "sha256"]) takes some work off a benchmark, for
    every client alike; rclone takes what has no MD5 for a Google document.
With the scope drive.file a client sees what it made and no more: not even the folder My Drive (404), though "root" is good as a parent.
As a program, python -m tests.fakes.drive --folder DIR [--tls] [--port N] prints one JSON line (root, proxy, ca, control) when it is
ready, and ends when its standard input is closed or on SIGTERM. The control path is POST <control>/_fake/<method of Controls>.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import signal
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import trustme

from tests.fakes.drive_controls import Controls
from tests.fakes.drive_front import CLIENT_ID, Drive, Match, Record, Seed, SessionRecord
from tests.fakes.drive_http import HttpServer, Request, Response
from tests.fakes.drive_service import Service
from tests.fakes.drive_world import World

__all__ = ["CLIENT_ID", "Drive", "DriveProcess", "FakeDrive", "Match", "Record", "Seed", "SessionRecord"]

_HOSTS = ("127.0.0.1", "localhost", "www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
_CONTROL = "/_fake/"
_END_S = 10.0


class FakeDrive(Drive):
    """In this process, on threads. ``folder`` takes the contents."""

    def __init__(self, folder: Path, *, tls: bool = False, port: int = 0) -> None:
        self._folder, self._with_tls, self._port = folder, tls, port
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        self._world = World(self._folder)
        self._controls = Controls(self._world)
        service, line = Service(self._world), self._world.line
        tls = self._certified() if self._with_tls else None
        self._servers = [HttpServer(service, line, tls, port=self._port)]
        self.root = f"{'https' if tls else 'http'}://127.0.0.1:{self._servers[0].port}"
        self.proxy, self.ca_pem = "", None
        if tls is not None:
            self._servers.append(HttpServer(service, line, tls, is_proxy=True))
            self.proxy, self.ca_pem = f"http://127.0.0.1:{self._servers[1].port}", self._folder / "ca.pem"
        return self

    def _certified(self) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self._folder / "ca.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["http/1.1"])
        authority.issue_cert(*_HOSTS).configure_cert(context)
        return context

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in self._servers:
            server.close()
        self._world.line.thaw()  # now, so that nobody who waited still gets what he waited for
        self._world.close()

    def _ask(self, name: str, **arguments: Any) -> Any:
        return getattr(self._controls, name)(**arguments)

    def controlled(self) -> HttpServer:
        """A server of its own for the control path, so that no fault, freeze or line hinders it."""
        server = HttpServer(self._control, type(self._world.line)(), None)
        self._servers.append(server)
        return server

    def _control(self, request: Request) -> Response:
        name = request.path.removeprefix(_CONTROL)
        if name.startswith("_") or not hasattr(self._controls, name):
            return Response(404)
        try:
            answer = {"answer": self._ask(name, **json.loads(request.body.read()))}
        except (KeyError, ValueError, TypeError) as error:
            answer = {"error": repr(error)}
        return Response(200, json.dumps(answer).encode())


class DriveProcess(Drive):
    """In a process of its own, which ends with this one."""

    def __init__(self, folder: Path, *, tls: bool = False, port: int = 0) -> None:
        options = ["--folder", str(folder), "--port", str(port), *(["--tls"] if tls else [])]
        self._command = [sys.executable, "-m", "tests.fakes.drive", *options]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.root, self.proxy = ready["root"], ready["proxy"]
        self.ca_pem = Path(ready["ca"]) if ready["ca"] else None
        self._address = urlsplit(ready["control"]).netloc
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(_END_S)

    def _ask(self, name: str, **arguments: Any) -> Any:
        with contextlib.closing(http.client.HTTPConnection(self._address)) as connection:
            connection.request("POST", _CONTROL + name, json.dumps(arguments))
            told = json.loads(connection.getresponse().read())
        if "error" in told:
            raise ValueError(told["error"])
        return told["answer"]


def _wait_for_the_end() -> None:
    """Until standard input is closed, or SIGTERM."""
    end = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        end.set()

    def read() -> None:
        sys.stdin.buffer.read()
        end.set()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=read, daemon=True).start()
    end.wait()


def main() -> None:
    """One JSON line when ready: root, proxy, ca, control."""
    parser = argparse.ArgumentParser(description="A fake Google Drive on loopback.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", action="store_true")
    given = parser.parse_args()
    with FakeDrive(given.folder, tls=given.tls, port=given.port) as fake:
        control = f"http://127.0.0.1:{fake.controlled().port}"
        print(json.dumps({"root": fake.root, "proxy": fake.proxy, "ca": str(fake.ca_pem or ""), "control": control}), flush=True)
        _wait_for_the_end()


if __name__ == "__main__":
    main()
