"""What goes wrong on the way to Google Drive, in our words: ``translated`` is the one place where that is decided.

No text holds a URL, a token or anything that came back at length: an upload session's URI is a secret, and errors are shown.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from googleapiclient.errors import HttpError
from httplib2.error import HttpLib2Error

from appliance import clock
from appliance.errors import ApplianceError, RemoteAway, RemoteBusy, RemoteError, SignInNeeded
from appliance.remotes.drive_reasons import BUSY_STATUS, BY_ITSELF, SIGN_IN, Said, clean, clock_wrong, error_of

_LOGIN_PAGE = "a login page of the network answers instead of Google (captive portal); sign in to the network, or use another one"
_PROXY_LOGIN = "the proxy wants a login; put name and password into HTTPS_PROXY"
_PLAUSIBLE_FROM, _PLAUSIBLE_TO = datetime.fromisoformat("2026-01-01T00:00:00+00:00"), datetime.fromisoformat("2100-01-01T00:00:00+00:00")
_LONGEST_WAIT_S = 86_400.0
_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_… of OpenSSL
_UNREACHABLE = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is not the one that was wanted; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def translated(failure: Answer | Exception, doing: str) -> ApplianceError:
    """Our error for an answer or an exception. ``doing`` begins its text: "storing 00000003".

    An error of ours stays what it is. An answer with a good status is one whose content was not the JSON that it should be.
    """
    match failure:
        case ApplianceError():
            return failure
        case Answer():
            return _of_answer(failure, doing)
        case HttpError():
            headers = {str(name).lower(): str(value) for name, value in failure.resp.items()}
            return _of_answer(Answer(int(failure.resp.status), headers, failure.content), doing)
        case GoogleAuthError():
            return _of_sign_in(failure, doing)
        case OSError():
            return _of_system(failure, doing)
        case _:
            return _of_other(failure, doing)


# Answers


def _of_answer(answer: Answer, doing: str) -> ApplianceError:
    document = _document(answer.body)
    if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return RemoteAway(f"{doing}: {_PROXY_LOGIN}")
    if document is None and not _speaks_for_itself(answer):
        return _of_stranger(answer, doing)
    return error_of(Said.of(answer.status, document or {}, doing, _retry_after_s(answer.headers)))


def _speaks_for_itself(answer: Answer) -> bool:
    """Whoever answers with this status, and whatever it says: the consequence is the same."""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in BUSY_STATUS:
        return answer.status != HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED
    return answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.GONE} and not _is_html(answer)


def _of_stranger(answer: Answer, doing: str) -> ApplianceError:
    """Google's API speaks JSON: whoever does not is somebody else, and what he says tells nothing of what is on Drive."""
    is_portal = answer.status < HTTPStatus.BAD_REQUEST or answer.status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED
    if is_portal or _is_html(answer):
        return RemoteAway(f"{doing}: {_LOGIN_PAGE}")
    return RemoteAway(f"{doing}: something between here and Google answers ({answer.status}); look at the network and the proxy")


def _is_html(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "").lower() or answer.body.lstrip()[:1] == b"<"


def _document(body: bytes | str) -> dict[str, Any] | None:
    """None where it is no JSON object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3), by the clock of who says it; a day at the most. None where there is neither, or it is past."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(_LONGEST_WAIT_S, float(text[:9]))
    at, now = _date(text), _date(headers.get("date", "")) or clock.now()
    return None if at is None else min(_LONGEST_WAIT_S, max(0.0, (at - now).total_seconds())) or None


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# Google's sign-in libraries


def _of_sign_in(error: GoogleAuthError, doing: str) -> ApplianceError:
    if isinstance(error, RefreshError):
        return _of_refresh(error, doing)
    inner = error.__cause__ or next((each for each in error.args if isinstance(each, Exception)), None)
    if isinstance(inner, OSError | HTTPException | HttpLib2Error):
        return translated(inner, doing)
    if isinstance(error, TransportError):
        return RemoteAway(f"{doing}: Google's sign-in server cannot be reached; look at the network")
    return SignInNeeded(f"{doing}: the credentials cannot be used ({type(error).__name__}); {SIGN_IN}")


def _of_refresh(error: RefreshError, doing: str) -> ApplianceError:
    """The token endpoint gave no token. Its arguments: what was said as one text, and the document, if it was one."""
    text = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    document = next((each for each in error.args if isinstance(each, dict)), None) or _document(text)
    if error.retryable:
        return RemoteBusy(f"{doing}: Google's sign-in server has trouble of its own; {BY_ITSELF}")
    if document is None:
        return RemoteAway(f"{doing}: {_LOGIN_PAGE}")
    return error_of(Said.of(HTTPStatus.BAD_REQUEST, document, doing))


# The network


def _of_system(error: OSError, doing: str) -> RemoteError:
    if isinstance(error, ssl.SSLError):
        return _of_tls(error, doing)
    if isinstance(error, socket.gaierror):
        return RemoteAway(f"{doing}: the name of Google's server cannot be looked up (DNS); look at the network")
    if isinstance(error, TimeoutError):
        return RemoteAway(f"{doing}: Google Drive did not answer in time; {BY_ITSELF}")
    if error.errno in _UNREACHABLE:
        return RemoteAway(f"{doing}: Google Drive cannot be reached ({os.strerror(error.errno)}); look at the network")
    return RemoteAway(f"{doing}: {_broken_off(error)}")


def _broken_off(error: OSError) -> str:
    said = str(error)  # of http.client, when CONNECT failed
    if said.startswith("Tunnel connection failed: 407"):
        return _PROXY_LOGIN
    if said.startswith("Tunnel connection failed"):
        return "the proxy does not let us through to Google; look at HTTPS_PROXY"
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return f"the connection to Google Drive broke off ({why}); {BY_ITSELF}"


def _of_tls(error: ssl.SSLError, doing: str) -> RemoteError:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return RemoteAway(f"{doing}: no secure connection to Google Drive ({clean(getattr(error, 'reason', None)) or 'TLS'}); {BY_ITSELF}")
    code = getattr(error, "verify_code", None)
    if code == _NOT_YET_VALID or not _PLAUSIBLE_FROM <= clock.now() < _PLAUSIBLE_TO:
        return clock_wrong(doing, "Google's certificate says")
    if code == _EXPIRED:
        cause = f"the certificate of the server has expired, if today is {clock.now():%Y-%m-%d}"
        return RemoteAway(f"{doing}: {cause}; set the clock if it is not; if it is, something between here and Google answers")
    cause = f"the certificate of the server is not Google's ({clean(getattr(error, 'verify_message', None)) or 'it cannot be verified'})"
    return RemoteAway(f"{doing}: {cause}; look at the network and the proxy (SSL_CERT_FILE names certificates of your own)")


def _of_other(error: Exception, doing: str) -> RemoteError:
    if isinstance(error, HTTPException | HttpLib2Error):
        return RemoteAway(f"{doing}: the connection to Google Drive broke off ({type(error).__name__}); {BY_ITSELF}")
    if isinstance(error, ValueError):  # what should be JSON is none
        return RemoteAway(f"{doing}: {_LOGIN_PAGE}")
    return RemoteError(f"{doing}: an unexpected {type(error).__name__}; {BY_ITSELF}, please report it")
