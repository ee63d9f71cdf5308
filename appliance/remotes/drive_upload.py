"""One resumable upload (Drive API guide, "Upload file data"): chunk after chunk, each from where Drive says it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from appliance import clock
from appliance.errors import RemoteAway, RemoteStalled
from appliance.remotes.drive_checksum import Checksum
from appliance.remotes.drive_errors import Answer, translated
from appliance.remotes.drive_exchange import CUT, FAILED, AccessTokens, exchanged, resource_of
from appliance.remotes.drive_line import Line
from appliance.remotes.drive_reasons import fresh_token_refused
from appliance.remotes.drive_web import Web
from appliance.remotes.remote import BatchReader, Gate

_DOING = "storing a batch"
_FRUITLESS = 4
_RESUME = 308
_DONE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_LOST = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_KEPT = re.compile(r"\s*bytes=0-([0-9]{1,18})\s*", re.IGNORECASE)


class SessionLost(Exception):
    """The upload session is no more (404 or 410): a new one has to be opened, and nothing of the old one counts."""


class Upload:
    """One content into one session, by one thread. After any error but SessionLost another ``Upload`` can go on in the session."""

    def __init__(
        self, web: Web, tokens: AccessTokens, line: Line, session_uri: str, content: BatchReader, checksum: Checksum,
        confirmed: Callable[[int], None], gate: Gate,
    ) -> None:  # fmt: skip
        self._web = web
        self._tokens = tokens
        self._line = line
        self._uri = session_uri
        self._content = content
        self._total = content.size_bytes
        self._checksum = checksum
        self._confirmed = confirmed
        self._gate = gate
        self._token = ""
        self._was_refused = False
        self._furthest = -1
        self._fruitless = 0

    def run(self, *, begun: bool) -> dict[str, Any]:
        """See ``Bytes.send``."""
        answer = self._asked() if begun else self._sent(0)
        while answer.status not in _DONE:
            answer = self._next(answer)
        return resource_of(answer, _DOING)

    def _next(self, answer: Answer) -> Answer:
        """What follows from an answer that is not the end. Raises where nothing does."""
        if answer.status == _RESUME:
            self._was_refused = False
            return self._sent(self._reached(answer))
        if answer.status in _LOST:
            raise SessionLost("Drive no longer knows the upload session")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._tokens.refused(self._token)
            if self._was_refused:
                raise fresh_token_refused(_DOING)
            self._was_refused = True
            return self._asked()
        raise translated(answer, _DOING)

    def _reached(self, answer: Answer) -> int:
        """Where to go on. Raises RemoteStalled where one answer after the other names no more than there was before."""
        kept = self._kept_bytes(answer)
        self._fruitless = 0 if kept > self._furthest else self._fruitless + 1
        self._furthest = max(self._furthest, kept)
        if self._fruitless > _FRUITLESS:
            raise RemoteStalled(
                f"{_DOING}: Google Drive took {_FRUITLESS} requests in a row and kept nothing of them, "
                f"it has {kept:,} of {self._total:,} bytes; it is tried again by itself"
            )
        self._confirmed(kept)
        return kept

    def _kept_bytes(self, answer: Answer) -> int:
        """What Drive says it has; without ``Range`` it has nothing."""
        said = answer.headers.get("range")
        named = _KEPT.fullmatch(said) if said is not None else None
        kept = int(named[1]) + 1 if named else 0
        if (said is not None and named is None) or kept > self._total:
            raise RemoteAway(f"{_DOING}: Google Drive does not say how much of it has arrived; it is tried again by itself")
        return kept

    def _asked(self) -> Answer:
        """What Drive says of the session; nothing is sent."""
        try:
            return self._put({"Content-Range": f"bytes */{self._total}"}, 0, 0)
        except FAILED as error:
            raise translated(error, _DOING) from error

    def _sent(self, offset: int) -> Answer:
        """What Drive says to the next chunk; where the connection is cut, what it says when it is asked."""
        size = self._line.chunk_bytes(self._total - offset)
        if not size and self._total:  # it has all, and does not say that it is done
            return self._asked()
        started_s = clock.monotonic_s()
        try:
            answer = self._put(_range_header(offset, size, self._total), offset, size)
        except CUT:
            self._line.failed(size)
            return self._asked()
        except OSError as error:
            self._line.failed(size)
            raise translated(error, _DOING) from error
        self._learn(answer, offset, size, clock.monotonic_s() - started_s)
        return answer

    def _learn(self, answer: Answer, offset: int, size: int, seconds: float) -> None:
        if answer.status in _DONE or (answer.status == _RESUME and self._kept_bytes(answer) == offset + size):
            self._line.took(size, seconds)
        elif answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._line.failed(size)

    def _put(self, headers: dict[str, str], offset: int, size: int) -> Answer:
        """A request with those bytes of the content. Raises ``FAILED``."""
        self._token = self._tokens.access_token()
        return exchanged(self._web, "PUT", self._uri, self._token, headers, size, self._pieces(offset, offset + size))

    def _pieces(self, offset: int, end: int) -> Iterator[bytes]:
        if end == self._total == 0:
            self._checksum.require_right()
        while offset < end:
            piece = self._next_piece(offset, end)
            yield piece
            offset += len(piece)

    def _next_piece(self, offset: int, end: int) -> bytes:
        piece = self._content.read_at(offset, min(self._gate.piece_bytes(), end - offset))
        self._checksum.add(offset, piece)
        # The last one completes the object on Drive: it stays here until all that was sent is known to be right.
        if offset + len(piece) == self._total:
            self._checksum.require_right()
        self._gate(len(piece))
        return piece


def _range_header(offset: int, size: int, total: int) -> dict[str, str]:
    """An empty content has no range of bytes: nothing says so, and Drive takes it."""
    return {"Content-Range": f"bytes {offset}-{offset + size - 1}/{total}"} if size else {}
