"""Access tokens for Google Drive: got with the credentials, renewed before they end, got anew where Google refuses one.

Google's sign-in libraries do the work (RFC 6749, section 6; RFC 7523 for service accounts). When a token ends is counted by the
monotonic clock from what Google said ("3600 seconds"): a wall clock that is wrong or jumps makes no token look good or bad.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Protocol

import google_auth_httplib2  # type: ignore[import-untyped]  # it has no types
from google.auth.exceptions import RefreshError
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from appliance import clock
from appliance.errors import ApplianceError, SignInNeeded
from appliance.remotes.drive_credentials import Credentials
from appliance.remotes.drive_errors import Answer, translated
from appliance.remotes.drive_reasons import FIRST_SIGN_IN, SIGN_IN
from appliance.remotes.drive_web import Endpoints, Web

__all__ = ["SCOPE", "Credentials", "Tokens"]

SCOPE = "https://www.googleapis.com/auth/drive.file"
"""Only what this client made itself: https://developers.google.com/workspace/drive/api/guides/api-specific-auth"""

_DOING = "signing in to Google Drive"
_EARLY_S, _EARLY_RATIO = 300.0, 0.1
_AGAIN_S = 30.0
_PROVEN_S = 60.0
_MOST_REFUSALS = 2
_DAY_S = 86_400.0
_LONGEST_LIFE_S = 86_400.0
_TESTING_FROM, _TESTING_LAST = timedelta(days=6, hours=12), timedelta(days=7, hours=12)
_NOTICED_LATE = timedelta(days=1)
_GRANT_GONE = "invalid_grant"


class _Google(Protocol):
    """What is used of the libraries' credentials."""

    token: str | None

    def refresh(self, request: Any) -> None: ...


class Tokens:
    """Thread-safe. While one thread asks Google, the others wait for its answer, and share it."""

    def __init__(self, credentials: Credentials, endpoints: Endpoints, web: Web) -> None:
        self._credentials = credentials
        self._google = _of_google(credentials, endpoints)
        self._web = web
        self._lock = threading.Lock()
        self._token: str | None = None
        self._got_at_s: float | None = None
        self._renew_at_s = self._ends_at_s = 0.0
        self._refusals = 0
        self._asked = 0
        self._failure: ApplianceError | None = None

    def access_token(self) -> str:
        """One that Google takes for valid. Raises SignInNeeded, RemoteAway, RemoteBusy, RemoteRefused, ClockWrong."""
        asked = self._asked
        with self._lock:
            now_s = clock.monotonic_s()
            if self._token is None or now_s >= self._renew_at_s:
                self._renewed(asked, is_good=self._token is not None and now_s < self._ends_at_s)
            if self._token is None:
                raise SignInNeeded(f"{_DOING}: Google gave no token; {SIGN_IN}")
            return self._token

    def refused(self, token: str) -> None:
        """The server said 401 to it. Where it said so to three fresh ones in a row, ``access_token`` raises SignInNeeded."""
        with self._lock:
            if token != self._token:
                return
            is_new = self._got_at_s is not None and clock.monotonic_s() - self._got_at_s < _PROVEN_S
            self._refusals = self._refusals + 1 if is_new else 1
            self._token = None

    def accepted(self, token: str) -> None:
        """The server took it: what was refused before is forgotten."""
        if self._refusals and token == self._token:
            with self._lock:
                self._refusals = 0

    def keep_fresh(self) -> None:
        """Ask for a token if the last was got a day ago or more: a sign-in that nobody uses ends. Raises as ``access_token`` does."""
        asked = self._asked
        with self._lock:
            if self._got_at_s is None or clock.monotonic_s() - self._got_at_s >= _DAY_S:
                self._renewed(asked, is_good=False)

    def _renewed(self, asked: int, *, is_good: bool) -> None:
        """``asked`` is the count from before the lock: who waited for another's answer takes that. A good token outlives a failure."""
        if asked != self._asked and self._failure is not None and not is_good:
            raise copy.copy(self._failure)
        try:
            self._renew()
        except ApplianceError as error:
            self._failure = error
            if not (is_good and error.retriable):
                raise
            self._renew_at_s = clock.monotonic_s() + _AGAIN_S
        finally:
            self._asked += 1

    def _renew(self) -> None:
        # One more is tried the next time, and if that is refused too, it is said again.
        if self._refusals > _MOST_REFUSALS:
            self._refusals = _MOST_REFUSALS
            raise SignInNeeded(f"{_DOING}: Google Drive refuses the tokens that Google itself has just given; {SIGN_IN}")
        if self._google is None:
            raise SignInNeeded(f"{_DOING}: nobody has signed in with this OAuth client yet; {FIRST_SIGN_IN}")
        request = _Request(self._web)
        began_s = clock.monotonic_s()
        try:
            self._google.refresh(request)
        except RefreshError as error:
            raise self._explained(error) from None
        except Exception as error:  # noqa: BLE001 (whatever the library and the network raise is put into our words)
            raise translated(error, _DOING) from None
        self._failure = None
        self._token, self._got_at_s = self._google.token, began_s
        self._ends_at_s = began_s + request.life_s
        self._renew_at_s = self._ends_at_s - min(_EARLY_S, request.life_s * _EARLY_RATIO)

    def _explained(self, error: RefreshError) -> ApplianceError:
        ours = translated(error, _DOING)
        if not isinstance(ours, SignInNeeded) or _reason(error) != _GRANT_GONE:
            return ours
        if self._credentials.kind == "service_account":
            cause = "Google does not accept the service account's key any more (deleted, disabled, or of another project)"
            return SignInNeeded(f"{_DOING}: {cause}; make a new key, then `pyarchive connection sign-in --credentials FILE`")
        return self._aged() or ours

    def _aged(self) -> SignInNeeded | None:
        """In words that fit the age of the sign-in; None where that is not known."""
        granted_at = self._credentials.granted_at
        age = None if granted_at is None else clock.now() - granted_at
        if age is None or age < timedelta(0):
            return None
        usual = f"the sign-in of {granted_at:%Y-%m-%d} has ended: it was revoked, replaced by many newer ones, or not used for six months"
        if age < _TESTING_FROM or self._worked_at(age) >= _TESTING_LAST:
            return SignInNeeded(f"{_DOING}: {usual}; {SIGN_IN}")
        in_testing = "ended after 7 days, as it does while the OAuth app is in Testing"
        cause = f"the sign-in {in_testing}" if age < _TESTING_LAST + _NOTICED_LATE else f"{usual}, or it {in_testing}"
        return SignInNeeded(f"{_DOING}: {cause}; publish the app (docs/google-drive.md), then {SIGN_IN}")

    def _worked_at(self, age: timedelta) -> timedelta:
        """How old the sign-in was when Google took it last, as far as this process knows."""
        if self._got_at_s is None:
            return timedelta(0)
        return age - timedelta(seconds=clock.monotonic_s() - self._got_at_s)


def _of_google(credentials: Credentials, endpoints: Endpoints) -> _Google | None:
    """The libraries' own; None where nobody has signed in yet.

    Always at the token endpoint that we know: a ``token_uri`` out of a file could send the secrets anywhere.
    """
    if credentials.kind == "service_account":
        info = {**credentials.service, "token_uri": endpoints.token}
        return service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call,no-any-return]  # it has no types
    if credentials.kind == "oauth_client":
        return None
    return user_credentials.Credentials(  # type: ignore[no-untyped-call]  # likewise
        None, credentials.refresh_token, token_uri=endpoints.token,
        client_id=credentials.client_id, client_secret=credentials.client_secret,
    )  # fmt: skip


class _Request(google_auth_httplib2.Request):  # type: ignore[misc]  # it has no types
    """The libraries' way to the token endpoint, which keeps from them what they would try again in their own time."""

    def __init__(self, web: Web) -> None:
        super().__init__(web.http())
        self.life_s = 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        response = super().__call__(*args, **kwargs)
        document = _json(response.data)
        if document is None or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status in _LATER:
            headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
            raise translated(Answer(int(response.status), headers, response.data), _DOING)
        self.life_s = _life_s(document)
        return response


_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def _json(body: bytes) -> Mapping[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _life_s(document: Mapping[str, Any]) -> float:
    """How long the token is good, in seconds; an hour where that is not said, as it is at Google."""
    try:
        return min(max(0.0, float(document.get("expires_in", 3600))), _LONGEST_LIFE_S)
    except (TypeError, ValueError):
        return 3600.0


def _reason(error: RefreshError) -> str:
    document = next((each for each in error.args if isinstance(each, dict)), {})
    return str(document.get("error", ""))
