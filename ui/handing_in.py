"""One file on its way to the appliance: announced, filled, committed, received."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from dataclasses import dataclass
from typing import Any

from ui import copying
from ui.bars import Bars
from ui.errors import Failed, Silent
from ui.hindrance import Hindrance
from ui.link import Link
from ui.patience import Patience
from ui.source import Source

_ABORT_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Received:
    """A file that the appliance has acknowledged."""

    archive_id: str
    file_name: str
    size_bytes: int
    sha256: str


class HandingIn:
    """Hands files in, one after the other, over restarts of broker and appliance."""

    def __init__(self, link: Link, bars: Bars, patience: Patience) -> None:
        self._link = link
        self._bars = bars
        self._patience = patience
        self._hindrance = Hindrance(link.mirror)

    def hand_in(self, path: str, title: str | None, owner: str | None) -> Received:
        """Returns when the file is received. Raises Failed: it cannot be read, it changed, it was refused, time is over."""
        with Source(path) as source:
            archive_id, sha256 = self._send(source, title, owner)
            self._await_received(archive_id, source)
            return Received(archive_id, source.file_name, source.size_bytes, sha256)

    def _send(self, source: Source, title: str | None, owner: str | None) -> tuple[str, str]:
        begun = self._begin(source, title, owner)
        archive_id = str(begun["archive_id"])
        try:
            self._bars.stage("copying", source.file_name, source.size_bytes)
            sha256 = self._fill(source, str(begun["path"]))
            source.check_unchanged()
            self._link.ask_patiently("archive/commit", self._patience, archive_id=archive_id, sha256=sha256)
        except BaseException:
            self._forget(archive_id)
            raise
        return archive_id, sha256

    def _begin(self, source: Source, title: str | None, owner: str | None) -> dict[str, Any]:
        """One transaction, however long it takes: asked twice, two files would be announced."""
        answer: dict[str, Any] = self._link.ask_patiently(
            "archive/begin",
            self._patience,
            repeat=False,
            file_name=source.file_name,
            size_bytes=source.size_bytes,
            title=title,
            owner=owner,
        )
        return answer

    def _fill(self, source: Source, place: str) -> str:
        try:
            target_fd = os.open(place, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)  # no O_CREAT: the appliance made it
        except OSError as error:
            raise Failed(f"{place} cannot be filled: {error.strerror}; {_why_not(error)}") from error
        try:
            if not stat.S_ISREG(os.fstat(target_fd).st_mode):
                raise Failed(f"{place} is not the file that the appliance made; nothing was handed in")
            return copying.copy(source.fd, target_fd, source.size_bytes, self._bars.advance)
        except OSError as error:
            raise Failed(f"{source.shown} could not be copied: {error.strerror}; check the disks, then hand it in again") from error
        finally:
            os.close(target_fd)

    def _forget(self, archive_id: str) -> None:
        # Best effort: what stays behind is listed by the appliance and expires there.
        with contextlib.suppress(Failed):
            self._link.ask("archive/abort", timeout_s=_ABORT_TIMEOUT_S, archive_id=archive_id)

    def _await_received(self, archive_id: str, source: Source) -> None:
        self._bars.stage("hashing", source.file_name, source.size_bytes)
        pause_s = 0.05
        while (upload := self._link.ask_patiently("archive/upload", self._patience, archive_id=archive_id))["state"] != "received":
            if upload["state"] == "failed":
                error = upload.get("error") or {}
                raise Failed(str(error.get("message", f"{source.shown} was refused")), str(error.get("code", "failed")))
            if self._patience.over:
                raise Silent(f"{source.shown} is not received yet, and the time is over; the appliance goes on: `pyarchive list` tells")
            self._hindrance.check(f"{source.shown} is not received yet", {"intake", "store", archive_id})
            self._bars.advance(int(upload["done_bytes"]))
            time.sleep(pause_s)
            pause_s = min(0.5, pause_s * 1.5)


def _why_not(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "become a member of the group pyarchive (`sudo adduser $USER pyarchive`, then log in again)"
    return "files are handed in on the appliance's own computer: run `pyarchive put` there"
