"""Files of npm packages come from a registry, are checked, and change nothing where they are not what they should be."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONTENT = b"var wanted = 1;\n"


def sha512(content: bytes) -> str:
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


def packed(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/dist/it.js")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "clone/requirements").mkdir(parents=True)
    shutil.copy2(ROOT / "requirements/web.py", tmp_path / "clone/requirements")
    archive = packed(CONTENT)
    line = f"it 1.0.0 {sha512(archive)} dist/it.js static/it.js {sha512(CONTENT)}\n"
    (tmp_path / "clone/requirements/web.txt").write_text(line)
    (tmp_path / "registry/it/-").mkdir(parents=True)
    (tmp_path / "registry/it/-/it-1.0.0.tgz").write_bytes(archive)
    return tmp_path / "clone"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(tmp_path / "registry"))  # type: ignore[arg-type]  # what socketserver hands on

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(clone: Path, registry: str, *packages: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYARCHIVE_NPM_REGISTRY": registry, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, str(clone / "requirements/web.py"), *packages]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_file_is_taken_out_of_its_package_and_a_second_call_asks_for_nothing(clone: Path, registry: str) -> None:
    assert run(clone, registry, "it").returncode == 0
    assert (clone / "static/it.js").read_bytes() == CONTENT
    again = run(clone, "http://127.0.0.1:9", "it")
    assert (again.returncode, again.stderr) == (0, "")


def test_another_archive_than_expected_is_refused_and_leaves_nothing(clone: Path, registry: str, tmp_path: Path) -> None:
    (tmp_path / "registry/it/-/it-1.0.0.tgz").write_bytes(packed(b"var evil = 1;\n"))
    done = run(clone, registry, "it")
    assert done.returncode == 1
    assert "is not what requirements/web.txt expects" in done.stderr
    assert not (clone / "static").exists()


@pytest.mark.parametrize(("address", "why"), [("http://127.0.0.1:9", "Connection refused"), ("file:///etc", "is no address")])
def test_a_registry_that_cannot_be_asked_is_said(clone: Path, address: str, why: str) -> None:
    done = run(clone, address, "it")
    assert done.returncode == 1
    assert why in done.stderr


def test_a_changed_file_is_got_again(clone: Path, registry: str) -> None:
    run(clone, registry, "it")
    (clone / "static/it.js").write_bytes(b"half")
    assert run(clone, registry, "it").returncode == 0
    assert (clone / "static/it.js").read_bytes() == CONTENT
