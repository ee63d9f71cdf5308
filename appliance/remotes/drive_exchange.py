"""One request and its answer on a kept connection: the body goes and comes in pieces."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Protocol

from appliance.remotes.drive_errors import Answer, translated
from appliance.remotes.drive_web import USER_AGENT, Web, target_of

CUT = (ConnectionError, HTTPException, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""The server, or something on the way, closed the connection: what arrived before is unknown, and a new one may well do better."""

FAILED = (OSError, HTTPException)
"""All that a connection raises; a cut is one of them."""

_ANSWER_BYTES = 256 * 1024


class AccessTokens(Protocol):
    """Where access tokens come from (``drive_tokens.Tokens``)."""

    def access_token(self) -> str: ...

    def refused(self, token: str) -> None: ...


def begin(connection: HTTPConnection, method: str, url: str, token: str, headers: Mapping[str, str]) -> None:
    """Send the head of a request. A body of ``Content-Length`` follows by ``connection.send``."""
    connection.putrequest(method, target_of(url), skip_accept_encoding=True)
    for name, value in ({"User-Agent": USER_AGENT, "Authorization": f"Bearer {token}"} | dict(headers)).items():
        connection.putheader(name, value)
    connection.endheaders()


def answered(response: HTTPResponse) -> Answer:
    """The answer with the beginning of its body, which is all of it for what Drive says of a file or an error.

    The connection can be used again if the response is closed then.
    """
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read(_ANSWER_BYTES))


def exchanged(web: Web, method: str, url: str, token: str, headers: Mapping[str, str], size_bytes: int, pieces: Iterable[bytes]) -> Answer:
    """What the server says to a request with a body of that size. Raises ``FAILED``, and what comes from ``pieces``.

    The connection is closed by whatever ends it early. A server that closes in mid body may have said why: that counts.
    """
    connection = web.kept(url)
    try:
        begin(connection, method, url, token, {**headers, "Content-Length": str(size_bytes)})
        whole = _poured(connection, pieces)
        response = connection.getresponse()
        answer = answered(response)
    except BaseException:
        web.drop(connection)
        raise
    if not whole or not response.isclosed():
        web.drop(connection)
    return answer


def _poured(connection: HTTPConnection, pieces: Iterable[bytes]) -> bool:
    """False: the server closed before the end."""
    try:
        for piece in pieces:
            connection.send(piece)
    except CUT:
        return False
    return True


def resource_of(answer: Answer, doing: str) -> dict[str, Any]:
    """What a good answer describes. Raises what ``translated`` makes of one that is no JSON object."""
    try:
        resource = json.loads(answer.body)
    except ValueError as error:
        raise translated(answer, doing) from error
    if not isinstance(resource, dict):
        raise translated(answer, doing)
    return resource
