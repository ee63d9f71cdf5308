"""The proof that copies come back: a small file goes the whole way that every file goes, and is fetched from the remote again."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ui.errors import Failed
from ui.panel import jobs
from ui.panel.jobs import Ask

TITLE = "PyArchive test file"
FILE_NAME = "pyarchive-test-file.txt"
STAGES = {
    "received": "A small file is handed in, checked and kept here",
    "stored": "It is copied away",
    "released": "The copy here is deleted",
    "restored": "It is fetched back",
    "compared": "What came back is the same, byte for byte (SHA-256)",
    "read_back": "The copy there is read once more, and is right",
}
_LINES = 64
_LOOK_EVERY_S = 0.3


@dataclass(slots=True)
class Stage:
    """``took_s`` counts from its beginning, and stands when it is over. ``note``: what it waits for, or how it failed."""

    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    took_s: float = 0.0
    note: str = ""


class Proof:
    """One run. It belongs to nobody's page: who looks away finds it further on. ``told()`` after each change."""

    def __init__(self, ask: Ask, owner: str, archive_id: str | None = None) -> None:
        self._ask = ask
        self._owner = owner
        self.archive_id = archive_id
        self.stages = {name: Stage() for name in STAGES}
        self.listeners: set[Callable[[], None]] = set()

    @property
    def running(self) -> bool:
        return any(stage.state == "running" for stage in self.stages.values())

    @property
    def failed(self) -> bool:
        return any(stage.state == "failed" for stage in self.stages.values())

    async def run(self) -> None:
        """To the end, or to the first stage that fails; that one says why."""
        acts = (self._received, self._stored, self._released, self._restored, self._compared, self._read_back)
        for stage, act in zip(self.stages.values(), acts, strict=True):
            began_s = time.monotonic()
            stage.state = "running"
            self._tell()
            try:
                await act(stage)
            except Failed as error:
                stage.state, stage.note = "failed", str(error)
                return
            except OSError as error:
                stage.state, stage.note = "failed", f"the file cannot be reached: {error.strerror}; look at the disk and the panel's rights"
                return
            finally:
                stage.took_s = time.monotonic() - began_s
                self._tell()
            stage.state, stage.note = "done", ""
        self._tell()

    def _tell(self) -> None:
        for told in list(self.listeners):
            told()

    async def _received(self, _stage: Stage) -> None:
        if self.archive_id:
            return
        content = _content()
        begun = await self._ask("archive/begin", file_name=FILE_NAME, size_bytes=len(content), title=TITLE, owner=self._owner)
        archive_id = str(begun["archive_id"])
        await asyncio.to_thread(_fill, Path(begun["path"]), content)
        await self._ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(content).hexdigest())
        while (upload := await self._ask("archive/upload", archive_id=archive_id))["state"] != "received":
            if upload["state"] == "failed":
                raise Failed(str((upload["error"] or {}).get("message", "the file was refused")))
            await asyncio.sleep(_LOOK_EVERY_S)
        self.archive_id = archive_id

    async def _stored(self, stage: Stage) -> None:
        await self._until(stage, lambda state: state["rung"] in {"remote", "proven"})

    async def _released(self, _stage: Stage) -> None:
        if (await self._state())["local"]:
            await jobs.finished(self._ask, "archive/release", archive=self.archive_id)

    async def _restored(self, stage: Stage) -> None:
        await self._ask("archive/restore", archive=self.archive_id)
        await self._until(stage, lambda state: state["local"])

    async def _compared(self, _stage: Stage) -> None:
        located = await self._ask("archive/locate", archive=self.archive_id)
        found = await asyncio.to_thread(lambda: hashlib.sha256(Path(located["path"]).read_bytes()).hexdigest())
        if found != located["sha256"]:
            raise Failed("what came back is not what was handed in; look at the log, and do not rely on this connection")

    async def _read_back(self, _stage: Stage) -> None:
        check = await jobs.finished(self._ask, "integrity/verify", archives=[self.archive_id], remote=True, read_back=True)
        if check["damage_left"] or check["unknown"]:
            raise Failed(check["unknown"][0] if check["unknown"] else "the copy there is damaged; look at the log")
        if (await self._state())["rung"] != "proven":
            raise Failed("the copy there could not be read back now; try again")

    async def _state(self) -> Any:
        return await self._ask("archive/show", archive=self.archive_id)

    async def _until(self, stage: Stage, reached: Callable[[Any], bool]) -> None:
        """However long it takes: what it waits for is said meanwhile."""
        while not reached(state := await self._state()):
            if (state["waiting_for"] or "") != stage.note:
                stage.note = state["waiting_for"] or ""
                self._tell()
            await asyncio.sleep(_LOOK_EVERY_S)


def _content() -> bytes:
    """A few kilobytes of text that nobody else has: an old copy cannot stand in for it."""
    head = f"{TITLE}\nMade at {datetime.now(UTC).isoformat(timespec='seconds')} to prove that copies come back. It may be removed.\n\n"
    return (head + "".join(f"{secrets.token_hex(32)}\n" for _ in range(_LINES))).encode()


def _fill(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "wb") as file:  # no O_CREAT: the appliance made it
        file.write(content)
