"""One request and its answer on a kept connection, as uploads and downloads need it: the body goes and comes in pieces."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Protocol

from appliance.remotes.drive_errors import Answer
from appliance.remotes.drive_web import USER_AGENT, target_of

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
