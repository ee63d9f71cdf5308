"""A reboot, and power cuts, while files come in by the command and by the browser: what was acknowledged is there afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import threading
import time
from dataclasses import dataclass, field

from tests.installation.chapter_installing import NAME, PASSWORD
from tests.installation.claims import Claims
from tests.installation.installed import ANNA, Installed, Reading
from tests.installation.visitor import Visitor

_MIB = 1 << 20
_UPLOAD_BYTES, _PIECE_BYTES, _PAUSE_S = 96 * _MIB, 2 * _MIB, 0.1
_ANYWHERE_S = (1.5, 3.1)
_PUTS = """
import hashlib, os, subprocess, sys
for number in range(1000):
    content = os.urandom(300_000 + number)
    with open("one.bin", "wb") as file:
        file.write(content)
    done = subprocess.run(["pyarchive", "put", "one.bin"], capture_output=True, text=True)
    if done.returncode == 0:
        print(hashlib.sha256(content).hexdigest(), done.stdout.replace(chr(10), " "), flush=True)
"""


@dataclass
class _Upload:
    """One that goes on piece by piece until the power is cut."""

    place: str
    archive_id: str
    content: bytes
    acknowledged_bytes: int = 0
    broken: threading.Event = field(default_factory=threading.Event)


def power(claims: Claims, installed: Installed, visitor: Visitor) -> None:
    """Leaves it running."""
    with claims.claim("a reboot while files are put: all comes up by itself, nothing acknowledged is missing"):
        puts = _start_putting(installed)
        _wait_for_acknowledged(puts, 2)
        installed.root.shut_down()
        _note(installed, puts)
        installed.root.boot()
        _check(installed)
    for number, wait_s in enumerate(_ANYWHERE_S, 1):
        with claims.claim(f"power cut {number} of {len(_ANYWHERE_S)} while files are put and uploaded: nothing acknowledged is missing"):
            before = len(installed.handed_in)
            puts = _start_putting(installed)
            _wait_for_acknowledged(puts, 2)
            upload = _start_uploading(visitor)
            time.sleep(wait_s)  # anywhere in the midst of it
            installed.root.cut_power()
            upload.broken.wait(90)
            _note(installed, puts)
            assert len(installed.handed_in) > before
            installed.root.boot()
            _check(installed)
        with claims.claim(f"the upload goes on where it was: {upload.acknowledged_bytes / _MIB:.0f} MiB were acknowledged"):
            _go_on(installed, visitor, upload)


def _start_putting(installed: Installed) -> Reading:
    home = f"/home/{ANNA}"
    (installed.root.path / home[1:] / "puts.py").write_text(_PUTS)
    return Reading(installed.root.start("python3", "-u", "puts.py", user=ANNA, folder=home, environment={"HOME": home}))


def _wait_for_acknowledged(puts: Reading, count: int) -> None:
    end = time.monotonic() + 60
    while len(puts.lines) < count:
        assert time.monotonic() < end, f"only {len(puts.lines)} files were acknowledged"
        assert puts.process.poll() is None, puts.lines
        time.sleep(0.05)


def _note(installed: Installed, puts: Reading) -> None:
    """A line was printed: then it was acknowledged."""
    for line in puts.end():
        words = line.split()
        if len(words) > 2 and line.endswith("\n") and "received" in words and "as" in words:
            installed.handed_in[words[words.index("as") + 1]] = words[0]


def _start_uploading(visitor: Visitor) -> _Upload:
    visitor.sign_in(NAME, PASSWORD)
    content = os.urandom(_UPLOAD_BYTES)
    place, archive_id = visitor.create(len(content))
    upload = _Upload(place, archive_id, content)
    threading.Thread(target=_send_on, args=(visitor, upload), daemon=True).start()
    return upload


def _send_on(visitor: Visitor, upload: _Upload) -> None:
    """Until the line breaks."""
    with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
        while upload.acknowledged_bytes < _UPLOAD_BYTES - _PIECE_BYTES:
            piece = upload.content[upload.acknowledged_bytes : upload.acknowledged_bytes + _PIECE_BYTES]
            upload.acknowledged_bytes = visitor.send(upload.place, upload.acknowledged_bytes, piece)
            upload.broken.wait(_PAUSE_S)  # else all of it is there before anything can happen
    upload.broken.set()


def _check(installed: Installed) -> None:
    installed.wait_online()
    installed.check_units()
    installed.check_archives()


def _go_on(installed: Installed, visitor: Visitor, upload: _Upload) -> None:
    visitor.wait_for_panel()
    offset = visitor.offset(upload.place)
    assert offset >= upload.acknowledged_bytes, f"{upload.acknowledged_bytes} bytes were acknowledged, {offset} are there"
    visitor.finish(upload.place, upload.content)
    installed.handed_in[upload.archive_id] = hashlib.sha256(upload.content).hexdigest()
    installed.check_archives()
