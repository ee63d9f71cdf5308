"""``GET`` and ``HEAD`` of ``/files/<archive id>``: the local copy of an archive, as it was handed in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ui.errors import Failed
from ui.panel.appliance import Appliance
from ui.panel.files import refusals
from ui.panel.files.answers import Answer, Located, answer
from ui.panel.files.local_copy import CopyGone, LocalCopy
from ui.panel.files.pieces import CopyDamaged, Pieces
from ui.panel.files.places import NoPlace, Places
from ui.panel.files.refusals import Refused
from ui.panel.files.sending import STALL_TIMEOUT_S, Sending
from ui.panel.person import Person

_ARCHIVE_ID = re.compile(r"[a-z0-9-]{8,36}")
_READERS = 4
_NONE_OF_YOURS = frozenset({"not_found", "unauthorised", "bad_request"})


class Downloads:
    """An ASGI application; the gate has put the person into the scope."""

    def __init__(self, appliance: Appliance, stall_timeout_s: float) -> None:
        self._appliance = appliance
        self._stall_timeout_s = stall_timeout_s
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="download")  # a slow disk holds up nothing else
        self._places = Places()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._download(scope, receive, send)
        except Refused as refused:
            await refused.response(Headers(scope=scope))(scope, receive, send)

    async def _download(self, scope: Scope, receive: Receive, send: Send) -> None:
        person: Person = scope["state"]["person"]
        located = await self._locate(person, scope["path_params"]["archive_id"])
        with _refusing(located.archive_id), self._places.taken(person.name) as piece_bytes:
            copy = await asyncio.get_running_loop().run_in_executor(self._readers, LocalCopy, located.path, located.size_bytes)
            try:
                found = answer(scope["method"], Headers(scope=scope), located, copy)
                await self._send(found, located, copy, piece_bytes)(scope, receive, send)
            finally:
                self._readers.submit(copy.close)  # it waits for a read that is still under way; nobody else does

    async def _locate(self, person: Person, archive_id: str) -> Located:
        if not _ARCHIVE_ID.fullmatch(archive_id):
            raise refusals.missing()
        try:
            located = Located.of(await self._appliance.ask("archive/locate", person, archive=archive_id))
        except Failed as error:
            raise _refusal(archive_id, error) from error
        if located.archive_id != archive_id:  # the beginning of an id, or a title: not what a link of ours says
            raise refusals.missing()
        return located

    def _send(self, found: Answer, located: Located, copy: LocalCopy, piece_bytes: int) -> Sending:
        if found.span is None:
            return Sending(found, None, self._stall_timeout_s)
        whole = found.span.size_bytes == located.size_bytes
        pieces = Pieces(copy, found.span, piece_bytes, located.sha256 if whole else None, self._readers)
        return Sending(found, pieces, self._stall_timeout_s)


def routes(appliance: Appliance, stall_timeout_s: float = STALL_TIMEOUT_S) -> list[BaseRoute]:
    """The name behind the id is for programs that name a file by its address; it means nothing."""
    downloads = Downloads(appliance, stall_timeout_s)
    return [Route(path, downloads, methods=["GET"]) for path in ("/files/{archive_id}", "/files/{archive_id}/{name:path}")]


def _refusal(archive_id: str, error: Failed) -> Refused:
    if error.code in _NONE_OF_YOURS:
        return refusals.missing()
    return refusals.not_here(archive_id) if error.code == "not_local" else refusals.away(str(error))


@contextmanager
def _refusing(archive_id: str) -> Iterator[None]:
    """What is known before the first byte is said; what comes later ends the connection (``Sending``)."""
    try:
        yield
    except NoPlace:
        raise refusals.too_many() from None
    except CopyDamaged:
        raise refusals.damaged(archive_id) from None
    except CopyGone as error:
        raise refusals.unreadable(str(error)) from error
