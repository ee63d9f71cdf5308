"""Google's sign-in for devices without a browser: a code is shown here and typed in elsewhere (RFC 8628).

https://developers.google.com/identity/protocols/oauth2/limited-input-device
"""

from __future__ import annotations

import html
import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any

from appliance.errors import ApplianceError, BadRequest, RemoteBusy, RemoteRefused, SignInNeeded
from appliance.remotes.drive_credentials import Credentials
from appliance.remotes.drive_errors import Answer, translated
from appliance.remotes.drive_reasons import BY_ITSELF, clean
from appliance.remotes.drive_tokens import SCOPE
from appliance.remotes.drive_web import Endpoints, Web

DEFAULT_INTERVAL_S = 5.0
"""Where the server names none (RFC 8628, 3.2)."""

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_BEGINNING, _ASKING = "beginning Google's sign-in", "asking Google whether someone has signed in"
_LONGEST_S, _SHORTEST_INTERVAL_S, _LONGEST_INTERVAL_S = 86_400.0, 0.05, 600.0
_LONGEST_CODE, _LONGEST_SECRET = 64, 4_096


class Poll(Enum):
    """What Google says while nobody has granted anything (RFC 8628, 3.5)."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"


@dataclass(frozen=True, slots=True)
class Granted:
    """Someone has signed in. ``scope``: what he allowed, which may be less than was asked for."""

    refresh_token: str = field(repr=False)
    scope: str

    @property
    def allows_files(self) -> bool:
        """A person can untick the one permission that we need, and then go on."""
        return SCOPE in self.scope.split()


@dataclass(frozen=True, slots=True)
class Code:
    """What a person needs: where to go, what to type there, and how long that is good."""

    user_code: str
    verification_url: str
    expires_in_s: float
    interval_s: float


class DeviceFlow:
    """One sign-in: ``begin`` once, then ``poll`` at the interval. Not thread-safe."""

    def __init__(self, endpoints: Endpoints, web: Web, client: Credentials) -> None:
        self._endpoints = endpoints
        self._web = web
        self._client = client
        self._device_code = ""

    def begin(self) -> Code:
        """Raises BadRequest (a client of another type), RemoteAway, RemoteBusy, RemoteRefused, ClockWrong, RemoteError."""
        answer = self._ask(self._endpoints.device, {"client_id": self._client.client_id or "", "scope": SCOPE}, _BEGINNING)
        document = _understood(answer, _BEGINNING)
        if answer.status != HTTPStatus.OK:
            raise _not_begun(answer, document)
        self._device_code = _text(document, "device_code", _LONGEST_SECRET)
        return Code(
            user_code=_text(document, "user_code", _LONGEST_CODE),
            verification_url=_url(document),
            expires_in_s=_seconds(document, "expires_in", 1800.0, 1.0, _LONGEST_S),
            interval_s=_seconds(document, "interval", DEFAULT_INTERVAL_S, _SHORTEST_INTERVAL_S, _LONGEST_INTERVAL_S),
        )

    def poll(self) -> Poll | Granted:
        """Raises RemoteAway, RemoteBusy, ClockWrong (ask later); for good BadRequest, RemoteRefused, SignInNeeded, RemoteError."""
        answer = self._ask(
            self._endpoints.token,
            {"client_id": self._client.client_id or "", "client_secret": self._client.client_secret or "",
             "device_code": self._device_code, "grant_type": _GRANT_TYPE},
            _ASKING,
        )  # fmt: skip
        document = _understood(answer, _ASKING)
        if answer.status == HTTPStatus.OK:
            return Granted(_text(document, "refresh_token", _LONGEST_SECRET), str(document.get("scope", SCOPE)))
        return _still(answer, document)

    def _ask(self, url: str, form: Mapping[str, str], doing: str) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            response, body = self._web.http().request(url, "POST", urllib.parse.urlencode(form), headers)
        except Exception as error:  # noqa: BLE001 (whatever the library and the network raise is put into our words)
            raise translated(error, doing) from None
        return Answer(int(response.status), {str(name).lower(): str(value) for name, value in response.items()}, body)


def _understood(answer: Answer, doing: str) -> dict[str, Any]:
    """The JSON object of the answer. Raises what is said of another one, and of a server in trouble."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise translated(answer, doing)
    return document


def _not_begun(answer: Answer, document: Mapping[str, Any]) -> ApplianceError:
    if document.get("error_code") == "rate_limit_exceeded":
        return RemoteBusy(f"{_BEGINNING}: Google has no more codes for this OAuth client at the moment; try again in some minutes")
    return _refused(document, _BEGINNING) or translated(answer, _BEGINNING)


def _still(answer: Answer, document: Mapping[str, Any]) -> Poll:
    said = document.get("error")
    known = next((each for each in Poll if each.value == said), None)
    if known is not None:
        return known
    if said == "invalid_grant":  # of a device code: used already, or forgotten
        return Poll.EXPIRED
    raise _refused(document, _ASKING) or translated(answer, _ASKING)


def _refused(document: Mapping[str, Any], doing: str) -> ApplianceError | None:
    """What trying again does not mend; None where it is something else."""
    match document.get("error"):
        case "invalid_client" | "unauthorized_client":
            said = clean(html.unescape(str(document.get("error_description", "")))) or "invalid client"
            return BadRequest(
                f"{doing}: Google does not take this OAuth client for devices ({said}); it must exist, its secret must be right, "
                "and it must be of the type TVs and Limited Input devices: see docs/google-drive.md"
            )
        case "admin_policy_enforced":
            cause = "the administrators of the account's domain do not allow this app"
            return RemoteRefused(f"{doing}: {cause}; ask them to allow the OAuth client, or use a private account")
        case "org_internal":
            cause = "the OAuth app is open to its own organization only"
            return RemoteRefused(
                f"{doing}: {cause}; make it External (docs/google-drive.md), or sign in with an account of the organization"
            )
        case _:
            return None


def _text(document: Mapping[str, Any], name: str, longest: int) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise SignInNeeded(f"Google's answer has no {name} that can be used; begin the sign-in again with `pyarchive connection sign-in`")
    return value


def _url(document: Mapping[str, Any]) -> str:
    """Google says ``verification_url``, the RFC ``verification_uri``."""
    name = "verification_url" if "verification_url" in document else "verification_uri"
    url = _text(document, name, 2_048)
    if urllib.parse.urlsplit(url).scheme != "https" or " " in url:
        raise RemoteRefused(f"{_BEGINNING}: the answer names a page without https, which is not Google's; look at the network; {BY_ITSELF}")
    return url


def _seconds(document: Mapping[str, Any], name: str, usual_s: float, least_s: float, most_s: float) -> float:
    value = document.get(name)
    return min(max(float(value), least_s), most_s) if isinstance(value, int | float) and value == value else usual_s  # noqa: PLR0124 (not a NaN)
