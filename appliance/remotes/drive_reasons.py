"""What the words mean that Google Drive and its token endpoint give as reasons, and what a person is told.

Drive's: https://developers.google.com/workspace/drive/api/guides/handle-errors. The token endpoint's: RFC 6749, 5.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from appliance import clock
from appliance.errors import (
    ApplianceError,
    ClockWrong,
    DailyLimit,
    RemoteBusy,
    RemoteError,
    RemoteFull,
    RemoteRefused,
    RemoteTaken,
    SignInNeeded,
)

BY_ITSELF = "it is tried again by itself"
BUSY_STATUS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
DAY_LIMIT_RETRY_S = 3600.0
"""Drive does not say when its day ends: one question an hour costs nothing, and finds the new day soon."""

SIGN_IN = "sign in again with `pyarchive connection sign-in`"
FIRST_SIGN_IN = "sign in with `pyarchive connection sign-in`"
_CONSOLE = "the Google Cloud console"
_UNSPEAKABLE = re.compile(r"\S{48,}|https?://\S+|ya29\.\S*|1//\S*")
_LONGEST_MESSAGE = 200


class NotThere(RemoteError):
    """Drive says ``notFound``. Not more than that: a listing may lag behind, the access may be gone. Who asks by id decides."""


class CalledAbusive(RemoteRefused):
    """Drive gives the content only to an owner who says that he knows what it is (``acknowledgeAbuse``)."""


@dataclass(frozen=True, slots=True)
class Said:
    """An error answer, understood: the word for programs, and the one for people, cut short and without anything secret."""

    doing: str
    status: int
    reason: str
    message: str
    retry_after_s: float | None

    @classmethod
    def of(cls, status: int, document: Mapping[str, Any], doing: str, retry_after_s: float | None = None) -> Self:
        """From either shape: ``{"error": {"errors": [{"reason"}], "message"}}``, ``{"error", "error_description"}``."""
        error = document.get("error")
        if isinstance(error, str):
            return cls(doing, status, clean(error), clean(document.get("error_description")), retry_after_s)
        told = error if isinstance(error, dict) else {}
        details = told.get("errors")
        first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
        return cls(doing, status, clean(first.get("reason")), clean(told.get("message")), retry_after_s)

    @property
    def words(self) -> str:
        return " ".join(filter(None, [str(self.status), self.reason, self.message]))

    def text(self, cause: str, step: str) -> str:
        return f"{self.doing}: {cause}; {step}"


def clean(text: object) -> str:
    """One line, short, and nothing in it that could be a secret."""
    if not isinstance(text, str):
        return ""
    return _UNSPEAKABLE.sub("…", " ".join(text.split()))[:_LONGEST_MESSAGE]


def error_of(said: Said) -> ApplianceError:
    """By its reason; where that is none that we know, by its status."""
    if said.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RemoteBusy(said.text(f"Google Drive has trouble of its own ({said.status})", BY_ITSELF), said.retry_after_s)
    if said.status in BUSY_STATUS:
        return _too_fast(said)
    return (_BY_REASON.get(said.reason) or _BY_STATUS.get(said.status, _unexpected))(said)


def clock_wrong(doing: str, who: str) -> ClockWrong:
    """``who`` says so: "Google's certificate says"."""
    return ClockWrong(f"{doing}: {who} that our clock is wrong: it shows {clock.now():%Y-%m-%d %H:%M} UTC; set the clock (network time)")


def _too_fast(said: Said) -> ApplianceError:
    # In just these words it is not the pace: the 750 GB are used up that an account may upload in a day.
    if said.message == "User rate limit exceeded.":
        return _day_is_over(said)
    if "storage quota" in said.message.lower():  # an older way to say it, with the reason quotaExceeded
        return _full(said)
    return RemoteBusy(said.text("Google Drive asks for fewer requests", BY_ITSELF), said.retry_after_s)


def _day_is_over(said: Said) -> ApplianceError:
    cause = "Google Drive takes no more today (an account may upload 750 GB a day, an OAuth client has a daily limit of requests)"
    return DailyLimit(said.text(cause, "it goes on by itself within 24 hours"), said.retry_after_s or DAY_LIMIT_RETRY_S)


def _full(said: Said) -> ApplianceError:
    if said.message.startswith("Service Accounts do not have"):
        step = "sign in as a person: `pyarchive connection sign-in CONNECTION --credentials FILE`, see docs/google-drive.md"
        return RemoteRefused(said.text("a service account has no storage of its own", step))
    return RemoteFull(said.text("the Google account has no room left", "make room there, or get more storage"))


def _too_many(said: Said) -> ApplianceError:
    cause = f"there are as many files in the account or the folder as Drive allows ({said.reason})"
    return RemoteFull(said.text(cause, "delete files there for ever, also in its trash"))


def fresh_token_refused(doing: str) -> RemoteBusy:
    """A 401 for a token that Google had just given. Where it goes on, ``Tokens`` says that somebody has to sign in."""
    return RemoteBusy(f"{doing}: Google Drive refuses a token that Google has just given; {BY_ITSELF}")


def _signed_out(said: Said) -> ApplianceError:
    return SignInNeeded(said.text("Google does not accept our sign-in any more", SIGN_IN))


def _scope_missing(said: Said) -> ApplianceError:
    return SignInNeeded(said.text("the sign-in does not allow files of Google Drive", f"{SIGN_IN}, and leave that permission ticked"))


def _client_gone(said: Said) -> ApplianceError:
    step = f"look it up in {_CONSOLE}, then give its credentials with `pyarchive connection sign-in --credentials`"
    return SignInNeeded(said.text(f"Google does not know the OAuth client any more ({said.reason})", step))


def _grant_gone(said: Said) -> ApplianceError:
    if "iat and exp" in said.message or "reasonable timeframe" in said.message:
        return clock_wrong(said.doing, "Google says")
    cause = "the sign-in has ended: revoked, unused for months, or of an OAuth app in Testing, where it ends after 7 days"
    return SignInNeeded(said.text(cause, f"publish the app (docs/google-drive.md), then {SIGN_IN}"))


def _not_for_this_client(said: Said) -> ApplianceError:
    cause = "Google Drive does not let this OAuth client at the file: a client sees only what it made itself"
    return RemoteRefused(said.text(cause, "sign in with the client that made it (the recovery kit has its id)"))


def _may_not_change(said: Said) -> ApplianceError:
    cause = "the signed-in account may not change this file or folder"
    return RemoteRefused(said.text(cause, "sign in as its owner, or let this account edit the folder in Drive"))


def _domain_forbids(said: Said) -> ApplianceError:
    cause = "the administrators of the account's domain do not allow this app"
    return RemoteRefused(said.text(cause, "ask them to allow the OAuth client, or use a private account"))


def _abusive(said: Said) -> ApplianceError:
    cause = "Google takes the file for malware, and gives it only to its owner"
    return CalledAbusive(said.text(cause, "sign in as its owner"))


def _api_is_off(said: Said) -> ApplianceError:
    cause = "the Google Drive API is not switched on in the OAuth client's project"
    return RemoteRefused(said.text(cause, f"enable it in {_CONSOLE} (APIs & Services), see docs/google-drive.md"))


def _forbidden(said: Said) -> ApplianceError:
    return RemoteRefused(said.text(f"Google Drive refuses ({said.words})", "look at the account and its permissions in Drive"))


def _not_there(said: Said) -> ApplianceError:
    return NotThere(said.text("Google Drive does not find it", BY_ITSELF))


def _taken(said: Said) -> ApplianceError:
    return RemoteTaken(said.text("this id is in use already, or cannot be used", "another id is planned for it"))


def _unexpected(said: Said) -> ApplianceError:
    if "file ID is not usable" in said.message:  # asked for by another account, most likely
        return _taken(said)
    return RemoteError(said.text(f"Google Drive did not understand the request ({said.words})", "update the appliance, or report this"))


_BY_REASON: dict[str, Callable[[Said], ApplianceError]] = {
    "rateLimitExceeded": _too_fast,
    "userRateLimitExceeded": _too_fast,
    "sharingRateLimitExceeded": _too_fast,
    "quotaExceeded": _too_fast,
    "dailyLimitExceeded": _day_is_over,
    "downloadQuotaExceeded": _day_is_over,
    "storageQuotaExceeded": _full,
    "activeItemCreationLimitExceeded": _too_many,
    "numChildrenInNonRootLimitExceeded": _too_many,
    "teamDriveFileLimitExceeded": _too_many,
    "authError": _signed_out,
    "insufficientPermissions": _scope_missing,
    "appNotAuthorizedToFile": _not_for_this_client,
    "insufficientFilePermissions": _may_not_change,
    "domainPolicy": _domain_forbids,
    "cannotDownloadAbusiveFile": _abusive,
    "accessNotConfigured": _api_is_off,
    "notFound": _not_there,
    "generatedIdNotSupported": _taken,
    "invalid_grant": _grant_gone,
    "invalid_client": _client_gone,
    "deleted_client": _client_gone,
    "disabled_client": _client_gone,
    "unauthorized_client": _client_gone,
    "invalid_scope": _scope_missing,
}
_BY_STATUS: dict[int, Callable[[Said], ApplianceError]] = {
    HTTPStatus.UNAUTHORIZED: _signed_out,
    HTTPStatus.FORBIDDEN: _forbidden,
    HTTPStatus.NOT_FOUND: _not_there,
    HTTPStatus.CONFLICT: _taken,
    HTTPStatus.GONE: _not_there,
}
