"""One download by ranges: what is cut off goes on at the byte reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse, IncompleteRead

from appliance.errors import RemoteAway, RemoteDamaged
from appliance.remotes.drive_errors import translated
from appliance.remotes.drive_exchange import CUT, FAILED, AccessTokens, answered, begin
from appliance.remotes.drive_reasons import fresh_token_refused
from appliance.remotes.drive_web import Web
from appliance.remotes.remote import Gate

_FRUITLESS = 3
_PART = re.compile(r"\s*bytes ([0-9]{1,18})-([0-9]{1,18})/(?:([0-9]{1,18})|\*)\s*", re.IGNORECASE)
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_WORDS = ("html", "json")


class Download:
    """Bytes of one object, for one thread."""

    def __init__(self, web: Web, tokens: AccessTokens, url: str, gate: Gate, doing: str) -> None:
        self._web = web
        self._tokens = tokens
        self._url = url
        self._gate = gate
        self._doing = doing

    def pieces(self, offset: int, size: int) -> Iterator[bytes]:
        """See ``Bytes.fetch``."""
        end, fruitless = offset + size, 0
        while offset < end:
            before = offset
            try:
                for piece in self._of_one_request(offset, end):
                    offset += len(piece)
                    yield piece
            except FAILED as error:
                fruitless = 0 if offset > before else fruitless + 1
                if fruitless == _FRUITLESS or (fruitless and not isinstance(error, CUT)):
                    raise translated(error, self._doing) from error

    def _of_one_request(self, offset: int, end: int) -> Iterator[bytes]:
        """From offset on, maybe not as far as wanted. Raises ``FAILED``; whatever ends it early closes the connection."""
        connection = self._web.kept(self._url)
        try:
            response = self._opened(connection, offset, end)
            yield from self._read(response, self._end_of(response, offset, end) - offset)
        except BaseException:
            self._web.drop(connection)
            raise
        if not response.isclosed():
            self._web.drop(connection)

    def _opened(self, connection: HTTPConnection, offset: int, end: int) -> HTTPResponse:
        """The answer to a ranged request; to a second one where our token was refused."""
        response, token = self._asked(connection, offset, end)
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        self._tokens.refused(token)
        answered(response)
        if not response.isclosed():
            self._web.drop(connection)
        response, token = self._asked(connection, offset, end)
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._tokens.refused(token)
            raise fresh_token_refused(self._doing)
        return response

    def _asked(self, connection: HTTPConnection, offset: int, end: int) -> tuple[HTTPResponse, str]:
        token = self._tokens.access_token()
        begin(connection, "GET", self._url, token, {"Accept-Encoding": "identity", "Range": f"bytes={offset}-{end - 1}"})
        return connection.getresponse(), token

    def _end_of(self, response: HTTPResponse, offset: int, end: int) -> int:
        """How far the answer goes, at most ``end``. Raises where it is none of these bytes."""
        if response.status == HTTPStatus.PARTIAL_CONTENT:
            return self._end_of_part(response.headers.get("Content-Range", ""), offset, end)
        if response.status == HTTPStatus.OK:
            return self._end_of_whole(response, offset, end)
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise self._too_short()
        if response.status in _GONE:
            raise RemoteDamaged(f"{self._doing}: it is gone from Google Drive")
        raise translated(answered(response), self._doing)

    def _end_of_part(self, said: str, offset: int, end: int) -> int:
        part = _PART.fullmatch(said)
        if part is None or int(part[1]) != offset or int(part[2]) < offset:
            raise RemoteAway(f"{self._doing}: Google Drive answers with other bytes than were asked for; it is tried again by itself")
        if part[3] is not None and int(part[3]) < end:
            raise self._too_short()
        return min(end, int(part[2]) + 1)

    def _end_of_whole(self, response: HTTPResponse, offset: int, end: int) -> int:
        """A server may answer with the whole object: good where that was asked for. Others answer with 200 as well: a page to log in at."""
        if offset == 0 and response.length == end:
            return end
        if any(word in response.headers.get("Content-Type", "").lower() for word in _WORDS):
            raise translated(ValueError("not the bytes of an object"), self._doing)
        if response.length is not None and response.length < end:
            raise self._too_short()
        raise RemoteAway(f"{self._doing}: Google Drive, or a proxy, does not answer by ranges; it is tried again by itself")

    def _too_short(self) -> RemoteDamaged:
        return RemoteDamaged(f"{self._doing}: what Google Drive has is shorter than what was stored")

    def _read(self, response: HTTPResponse, left: int) -> Iterator[bytes]:
        while left:
            wanted = min(self._gate.piece_bytes(), left)
            self._gate(wanted)
            piece = response.read(wanted)
            left -= len(piece)
            if piece:
                yield piece
            if len(piece) < wanted:
                raise IncompleteRead(b"", left)
