"""Uploads by tus 1.0: the requests, each for who is signed in and for nobody's uploads but one's own."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ui.errors import Failed, Silent
from ui.panel.files.uploads import protocol
from ui.panel.files.uploads.content import Content, Gone
from ui.panel.files.uploads.finishing import Asks, Finishing
from ui.panel.files.uploads.protocol import Refusal, answer
from ui.panel.files.uploads.refusals import as_refusal, at_its_end, being_checked
from ui.panel.files.uploads.table import Entry, State, Table
from ui.panel.files.uploads.upload import Ended, Upload, refused
from ui.panel.files.uploads.wishes import Wish, wish_of
from ui.panel.origin import is_ours
from ui.panel.person import Person

log = logging.getLogger("panel.uploads")

PLACE = "/uploads/tus"
_AT_ONCE = 8
_HOLD_S = 20.0  # the last answer waits for the archive; longer than this a browser or a proxy might not
_HEAD_HOLD_S = 4.0
_WATCH_S = 5.0
_STALLED_S = 60.0
_STOP_S = 2.0
_TIDY_S = 3600.0
_REMEMBERED = 2000


class Knows(Protocol):
    """See ``ui.panel.sessions.Sessions``."""

    async def of(self, token: str | None) -> Person | None: ...


class Uploads:
    """``folder`` is the panel's own. ``start`` before the first request; what was complete is handed over then.

    ``upgrading()``: in words, why no byte may be acknowledged now; a client waits then, and goes on by itself.
    """

    def __init__(self, appliance: Asks, sessions: Knows, folder: Path, upgrading: Callable[[], str | None] = lambda: None) -> None:
        self.appliance = appliance
        self._sessions = sessions
        self._folder = folder
        self._upgrading = upgrading
        self._live: dict[str, Upload] = {}
        self._beginning: dict[str, asyncio.Task[Entry]] = {}

    async def start(self) -> None:
        self.table = await asyncio.to_thread(Table, self._folder)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload")
        self.finishing = Finishing(self.appliance, self.table, self.upload_of)
        for entry in await asyncio.to_thread(self.table.in_state, State.FILLING, State.COMPLETE):
            if entry.state is State.COMPLETE or entry.synced_bytes == entry.size_bytes:
                self.finishing.begin(entry)
        self._tidying = asyncio.create_task(self._tidy())

    async def stop(self) -> None:
        self._tidying.cancel()
        await self.finishing.stop()
        for upload in self._live.values():
            with suppress(Refusal, TimeoutError):
                async with asyncio.timeout(_STOP_S), upload.turn():  # what comes in ends, and is synced
                    pass
        self._threads.shutdown(wait=True)
        self.table.close()

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PLACE, self._asked, methods=["POST", "OPTIONS"]),
            Route(PLACE + "/{id}", self._asked, methods=["HEAD", "PATCH", "DELETE", "OPTIONS"]),
        ]

    def upload_of(self, entry: Entry) -> Upload:
        """The one that works on it in this process."""
        if entry.id not in self._live:
            content = Content(Path(entry.path), entry.size_bytes, entry.synced_bytes, partial(self.table.mark, entry.id))
            self._live[entry.id] = Upload(content, self._threads)
        return self._live[entry.id]

    def offset_of(self, entry: Entry) -> int:
        """For people to look at; takes nobody's turn."""
        live = self._live.get(entry.id)
        return max(live.content.offset, entry.synced_bytes) if live else entry.synced_bytes

    def is_active(self, entry: Entry) -> bool:
        return entry.id in self._live and self._live[entry.id].active

    async def _tidy(self) -> None:
        while True:
            await asyncio.to_thread(self.table.forget_ended, _REMEMBERED)
            await asyncio.sleep(_TIDY_S)
            idle = [key for key, live in self._live.items() if not live.active and time.monotonic() - live.moved_s > _TIDY_S]
            for key in idle:
                del self._live[key]

    # Requests

    async def _asked(self, request: Request) -> Response:
        try:
            return await self._answered(request, self._person(request))
        except Refusal as refusal:
            return refusal.response()
        except Ended as ended:
            return ended.refusal.response()
        except Failed as error:
            return as_refusal(error).response()
        except OSError as error:
            log.warning("%s", error)
            return refused(error).response()

    async def _answered(self, request: Request, person: Person) -> Response:
        if request.method == "OPTIONS":
            return protocol.abilities()
        protocol.check_version(request)
        if request.method != "HEAD" and (why := self._upgrading()):
            raise Refusal(503, why, state="away", retry_after_s=2)
        verbs = {"POST": self._create, "HEAD": self._head, "PATCH": self._patch, "DELETE": self._terminate}
        return await verbs[request.method](request, person)

    def _person(self, request: Request) -> Person:
        person = request.scope.get("state", {}).get("person")
        if not isinstance(person, Person):
            raise Refusal(401, "sign in first", state="signed-out", hang_up=True)
        if request.method not in {"HEAD", "OPTIONS"} and not is_ours(request.scope):
            raise Refusal(403, "this came from another site and was not done", hang_up=True)
        return person

    async def own(self, request: Request, person: Person) -> Entry:
        """Who began it sees it; to all others it is not there. Raises Refusal."""
        upload_id = request.path_params["id"]
        entry = await asyncio.to_thread(self.table.get, upload_id) if protocol.UPLOAD_ID.fullmatch(upload_id) else None
        if entry is None or entry.person != person.name:
            raise Refusal(404, "there is no such upload; begin it again", hang_up=True)
        return entry

    async def _create(self, request: Request, person: Person) -> Response:
        wish = wish_of(request, person)
        entry = await self._begun(wish, person)
        at_its_end(entry)
        offset = entry.synced_bytes
        if entry.state is State.FILLING and entry.size_bytes and wish.has_content:
            offset, entry = await self._fill(request, entry, person)
        elif entry.synced_bytes == entry.size_bytes:
            entry = await self.finishing.wait(entry, _HOLD_S)
        if offset == entry.size_bytes:
            self._check_received(entry)
        expires = await self._expires(entry, person) if offset < entry.size_bytes else None
        place = f"{PLACE}/{entry.id}"
        return answer(201, Location=place, Upload_Offset=offset, Upload_Expires=expires, PyArchive_Archive=entry.archive_id)

    async def _begun(self, wish: Wish, person: Person) -> Entry:
        """Once for each attempt of a client: a creation whose answer was lost is not a second file. Raises Refusal, Failed."""
        upload_id = hashlib.sha256(f"{person.name}\n{wish.attempt}".encode()).hexdigest()[:32] if wish.attempt else secrets.token_hex(16)
        entry = await asyncio.to_thread(self.table.get, upload_id)
        if entry is None:
            if upload_id not in self._beginning:
                task = self._beginning[upload_id] = asyncio.create_task(self._begin(upload_id, wish, person))
                task.add_done_callback(lambda _: self._beginning.pop(upload_id, None))
            entry = await asyncio.shield(self._beginning[upload_id])
        if entry.size_bytes != wish.size_bytes:
            raise Refusal(400, "another size was announced for this upload before; begin it again", state="refused")
        return entry

    async def _begin(self, upload_id: str, wish: Wish, person: Person) -> Entry:
        begun = await self.appliance.ask(
            "archive/begin", person, file_name=wish.file_name, size_bytes=wish.size_bytes, title=wish.title, owner=wish.owner
        )
        now = time.time()
        entry = Entry(
            id=upload_id, person=person.name, owner=wish.owner, archive_id=str(begun["archive_id"]), path=str(begun["path"]),
            title=wish.title, file_name=wish.file_name, modified=wish.modified, size_bytes=wish.size_bytes, began_at=now, changed_at=now,
        )  # fmt: skip
        try:
            await asyncio.to_thread(self.table.add, entry)
        except BaseException:
            with suppress(Failed):
                await self.appliance.ask("archive/abort", person, archive_id=entry.archive_id)
            raise
        return entry

    async def _head(self, request: Request, person: Person) -> Response:
        entry = await self.own(request, person)
        if entry.state is State.FILLING:
            offset = await self._offset(entry)
            if offset < entry.size_bytes:
                return answer(
                    200, Upload_Offset=offset, Upload_Length=entry.size_bytes, Upload_Expires=await self._expires(entry, person)
                )  # fmt: skip
        entry = await self.finishing.wait(entry, _HEAD_HOLD_S)
        self._check_received(entry)
        return answer(200, Upload_Offset=entry.size_bytes, Upload_Length=entry.size_bytes, PyArchive_Archive=entry.archive_id)

    async def _offset(self, entry: Entry) -> int:
        upload = self.upload_of(entry)
        async with upload.turn():
            return await self._opened(upload, entry)

    async def _opened(self, upload: Upload, entry: Entry) -> int:
        try:
            return await upload.on_thread(upload.content.open)
        except Gone:
            await self.finishing.look_after(entry)
            at_its_end(await asyncio.to_thread(self.table.again, entry))
            raise Refusal(503, "the appliance is not ready; try again in a moment", retry_after_s=2) from None

    async def _patch(self, request: Request, person: Person) -> Response:
        entry = await self.own(request, person)
        if request.headers.get("content-type") != protocol.CONTENT_TYPE:
            raise Refusal(415, f"the content must be sent as {protocol.CONTENT_TYPE}", hang_up=True)
        if entry.state is not State.FILLING:
            self._check_received(entry)
            raise Refusal(409, "this upload is complete already", hang_up=True)
        offset, entry = await self._fill(request, entry, person)
        if offset == entry.size_bytes:
            self._check_received(entry)
            return answer(204, Upload_Offset=offset, PyArchive_Archive=entry.archive_id)
        return answer(204, Upload_Offset=offset, Upload_Expires=await self._expires(entry, person))

    async def _fill(self, request: Request, entry: Entry, person: Person) -> tuple[int, Entry]:
        """The offset at the end, and the entry: with the last byte as it is when the appliance has it, or after a while."""
        checksum = protocol.checksum(request.headers.get("upload-checksum"))
        said = 0 if request.method == "POST" else protocol.number(request.headers, "upload-offset")
        upload = self.upload_of(entry)
        async with upload.turn():
            offset = await self._opened(upload, entry)
            _check_place(request, said, offset, entry.size_bytes)
            watch = asyncio.create_task(self._watch(upload, person))
            try:
                await upload.pour(request.receive, entry.size_bytes - offset, checksum)
            finally:
                watch.cancel()
                offset = upload.content.offset
        if offset == entry.size_bytes:
            entry = await self.finishing.wait(entry, _HOLD_S)
        return offset, entry

    async def _watch(self, upload: Upload, person: Person) -> None:
        """Ends a request from which nothing comes any more, and one whose session has ended."""
        while True:
            await asyncio.sleep(_WATCH_S)
            if time.monotonic() - upload.moved_s > _STALLED_S:
                upload.end(Refusal(408, "nothing came for a minute; go on when the line is there", hang_up=True))
            with suppress(Failed):
                if await self._sessions.of(person.session) is None:
                    upload.end(Refusal(401, "the session has ended; sign in, then it goes on", state="signed-out", hang_up=True))

    async def _terminate(self, request: Request, person: Person) -> Response:
        entry = await self.own(request, person)
        if entry.state in {State.COMPLETE, State.RECEIVED} or entry.synced_bytes == entry.size_bytes != 0:
            raise Refusal(409, "it was sent completely and is an archive, or about to be one; remove the archive instead", state="complete")
        upload = self.upload_of(entry)
        async with upload.turn():
            await self._abort(entry, person)
            await asyncio.to_thread(self.table.forget, entry.id)
        self._live.pop(entry.id, None)
        return answer(204)

    async def _abort(self, entry: Entry, person: Person) -> None:
        try:
            await self.appliance.ask("archive/abort", person, archive_id=entry.archive_id)
        except Silent:
            raise
        except Failed as error:
            if error.code != "not_found":
                raise

    def _check_received(self, entry: Entry) -> None:
        """Returns where the archive is safe; else raises the Refusal that says what is."""
        if entry.state is not State.RECEIVED:
            at_its_end(entry)
            raise being_checked()
        self._live.pop(entry.id, None)

    async def _expires(self, entry: Entry, person: Person) -> str | None:
        with suppress(Failed, KeyError, ValueError, TypeError):  # a date is not worth an answer
            upload = await self.appliance.ask("archive/upload", person, timeout_s=2.0, archive_id=entry.archive_id)
            return format_datetime(datetime.fromisoformat(upload["expires_at"]), usegmt=True)
        return None


def _check_place(request: Request, said: int | None, offset: int, size_bytes: int) -> None:
    if said is None:
        raise Refusal(400, "Upload-Offset is missing", hang_up=True)
    if said != offset:
        raise Refusal(409, f"{offset} bytes are here: go on there, not at {said}", hang_up=True)
    length = protocol.number(request.headers, "content-length")
    if length is not None and offset + length > size_bytes:
        raise Refusal(413, f"{size_bytes} bytes were announced, and this would be more; nothing of it was kept", hang_up=True)
