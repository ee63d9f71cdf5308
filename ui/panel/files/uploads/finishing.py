"""From the last byte to the archive: hash, hand over to the appliance, wait until it has received it. Repeatable at any point.

Nobody needs to be there for that: it goes on without the one who sent the file, and after every start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from ui.errors import Failed, Silent
from ui.panel.files.uploads.content import Gone
from ui.panel.files.uploads.protocol import Refusal
from ui.panel.files.uploads.table import Entry, State, Table
from ui.panel.files.uploads.upload import Upload
from ui.panel.person import Person

log = logging.getLogger("panel.uploads")
_FIRST_S, _LONGEST_S = 0.05, 2.0
_FOR_GOOD = {"conflict", "bad_request", "unauthorised"}


class Asks(Protocol):
    """What is needed of the appliance; see ``ui.panel.appliance.Appliance``."""

    async def ask(self, verb: str, person: Person | None, *, timeout_s: float = 15.0, **parameters: Any) -> Any: ...


class Finishing:
    """One task an upload. ``upload_of(entry)`` is its content."""

    def __init__(self, appliance: Asks, table: Table, upload_of: Callable[[Entry], Upload]) -> None:
        self._appliance = appliance
        self._table = table
        self._upload_of = upload_of
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def begin(self, entry: Entry) -> asyncio.Task[None]:
        """The one task for it; also where it runs already."""
        task = self._tasks.get(entry.id)
        if task is None:
            task = self._tasks[entry.id] = asyncio.create_task(self._finish(entry))
            task.add_done_callback(lambda _: self._tasks.pop(entry.id, None))
        return task

    async def wait(self, entry: Entry, timeout_s: float) -> Entry:
        """The entry as it is at the end, or after timeout_s."""
        await asyncio.wait([self.begin(entry)], timeout=timeout_s)
        return await asyncio.to_thread(self._table.again, entry)

    async def stop(self) -> None:
        self._stopped = True
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _finish(self, entry: Entry) -> None:
        wait_s = _FIRST_S
        while True:
            try:
                if await self._step(entry):
                    return
            except Silent:
                wait_s = _LONGEST_S
            except Gone:
                if await self._without_file(entry):
                    return
            except (OSError, Refusal) as error:
                log.warning("%s cannot be handed over yet: %s; tried again", entry.title, error)
            except Exception:
                log.exception("%s cannot be handed over yet; tried again", entry.title)
            await asyncio.sleep(wait_s)
            wait_s = min(_LONGEST_S, wait_s * 1.3)

    async def _step(self, entry: Entry) -> bool:
        """True at the end. Raises Silent, Gone, OSError."""
        entry = await asyncio.to_thread(self._table.again, entry)
        if entry.state not in {State.FILLING, State.COMPLETE}:
            return True
        if entry.state is State.FILLING:
            return not await self._hash(entry)
        try:
            await self._appliance.ask("archive/commit", None, archive_id=entry.archive_id, sha256=entry.sha256)
            upload = await self._appliance.ask("archive/upload", None, archive_id=entry.archive_id)
        except Silent:
            raise
        except Failed as error:
            return await self._refused(entry, error)
        return await self._told(entry, upload)

    async def _hash(self, entry: Entry) -> bool:
        """False where bytes are missing after all: what a disk lost has to be sent again."""
        upload = self._upload_of(entry)
        async with upload.turn():
            offset = await upload.on_thread(upload.content.open)
        if offset < entry.size_bytes:
            await asyncio.to_thread(self._table.mark, entry.id, offset)
            return False
        sha256 = await upload.on_thread(upload.content.sha256, lambda: self._stopped)
        if sha256:
            await asyncio.to_thread(self._table.turn, entry.id, State.COMPLETE, sha256=sha256)
        return True

    async def _told(self, entry: Entry, upload: dict[str, Any]) -> bool:
        match upload["state"]:
            case "received":
                await asyncio.to_thread(self._table.turn, entry.id, State.RECEIVED)
                return True
            case "failed":
                message = str((upload.get("error") or {}).get("message") or "the appliance refused it; send it again")
                await asyncio.to_thread(self._table.turn, entry.id, State.FAILED, error=message)
                return True
        return False

    async def _refused(self, entry: Entry, error: Failed) -> bool:
        if error.code == "not_found":
            await asyncio.to_thread(self._table.turn, entry.id, State.EXPIRED)
            return True
        if error.code in _FOR_GOOD:
            await asyncio.to_thread(self._table.turn, entry.id, State.FAILED, error=str(error))
            return True
        log.warning("%s: %s; tried again", entry.title, error)
        return False

    async def _without_file(self, entry: Entry) -> bool:
        """The file has left ``uploads/``: the appliance knows why."""
        try:
            return await self.look_after(entry)
        except Silent:
            return False

    async def look_after(self, entry: Entry) -> bool:
        """For an entry whose file is gone. True where that is an end. Raises Silent."""
        try:
            upload = await self._appliance.ask("archive/upload", None, archive_id=entry.archive_id)
        except Silent:
            raise
        except Failed as error:
            return await self._refused(entry, error)
        if upload["state"] == "filling":  # announced, and its file is not there: nothing can be filled
            lost = Failed("the file that was begun is gone from the appliance's disk; send it again", "conflict")
            return await self._refused(entry, lost)
        return await self._told(entry, upload)
