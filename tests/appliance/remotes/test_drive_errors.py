"""What goes wrong on the way to Google Drive: which error the engine gets, and what a person reads."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httplib2
import pytest
from google.auth.exceptions import RefreshError, TransportError
from googleapiclient.errors import HttpError

from appliance import clock
from appliance.errors import (
    ApplianceError,
    ClockWrong,
    DailyLimit,
    RemoteAway,
    RemoteBusy,
    RemoteError,
    RemoteFull,
    RemoteRefused,
    RemoteTaken,
    SignInNeeded,
)
from appliance.remotes.drive_errors import Answer, translated
from appliance.remotes.drive_reasons import CalledAbusive, NotThere

SECRET = "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable&upload_id=AHmUCY1x2y3z"
TOKEN, REFRESH = "ya29.a0AfB_byC3k", "1//0gAbCdEf"


def drive_says(status: int, reason: str, message: str = "said", headers: dict[str, str] | None = None) -> Answer:
    error = {"code": status, "message": message, "errors": [{"domain": "global", "reason": reason, "message": message}]}
    return Answer(status, {"content-type": "application/json"} | (headers or {}), json.dumps({"error": error}).encode())


def of_tokens(text: str, document: dict[str, str] | None = None, *, retryable: bool = False) -> RefreshError:
    arguments = [text] if document is None else [text, document]
    return RefreshError(*arguments, retryable=retryable)  # type: ignore[no-untyped-call]  # google-auth has no types


def of_transport(cause: object) -> TransportError:
    return TransportError(cause)  # type: ignore[no-untyped-call]  # likewise


def tokens_say(error: str, description: str = "said") -> RefreshError:
    return of_tokens(f"{error}: {description}", {"error": error, "error_description": description})


def of_tls(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {message}")
    error.verify_code, error.verify_message = code, message
    return error


HTML = b"<!DOCTYPE html><title>Welcome to our hotel</title>"
ROWS: list[tuple[Answer | Exception, type[ApplianceError], list[str]]] = [
    # the pace, and trouble at Google's
    (drive_says(403, "rateLimitExceeded"), RemoteBusy, ["fewer requests", "by itself"]),
    (drive_says(403, "userRateLimitExceeded", "User Rate Limit Exceeded"), RemoteBusy, ["fewer requests", "by itself"]),
    (drive_says(429, "rateLimitExceeded"), RemoteBusy, ["fewer requests", "by itself"]),
    (Answer(429, {}, b""), RemoteBusy, ["fewer requests"]),
    (Answer(408, {}, HTML), RemoteBusy, ["fewer requests"]),
    (drive_says(500, "internalError"), RemoteBusy, ["trouble of its own", "500", "by itself"]),
    (Answer(502, {"content-type": "text/html"}, HTML), RemoteBusy, ["trouble of its own", "502"]),
    (drive_says(503, "backendError"), RemoteBusy, ["trouble of its own", "503"]),
    # the day
    (drive_says(403, "dailyLimitExceeded"), DailyLimit, ["takes no more today", "by itself within 24 hours"]),
    (drive_says(403, "userRateLimitExceeded", "User rate limit exceeded."), DailyLimit, ["750 GB", "within 24 hours"]),
    (drive_says(403, "downloadQuotaExceeded"), DailyLimit, ["takes no more today"]),
    # room
    (drive_says(403, "storageQuotaExceeded"), RemoteFull, ["no room left", "make room there"]),
    (
        drive_says(403, "storageQuotaExceeded", "Service Accounts do not have storage quota. Leverage shared drives"),
        RemoteRefused, ["service account has no storage", "sign in as a person"],
    ),
    (drive_says(403, "quotaExceeded", "The user has exceeded their Drive storage quota"), RemoteFull, ["no room left", "make room there"]),
    (drive_says(403, "activeItemCreationLimitExceeded"), RemoteFull, ["as many files", "delete files"]),
    (drive_says(403, "numChildrenInNonRootLimitExceeded"), RemoteFull, ["as many files"]),
    # who we are
    (drive_says(401, "authError"), SignInNeeded, ["does not accept our sign-in", "connection sign-in"]),
    (Answer(401, {}, b""), SignInNeeded, ["does not accept our sign-in"]),
    (drive_says(403, "insufficientPermissions"), SignInNeeded, ["does not allow files", "leave that permission ticked"]),
    (tokens_say("invalid_grant", "Token has been expired or revoked."), SignInNeeded, ["7 days", "Testing", "publish", "sign in again"]),
    (tokens_say("invalid_client"), SignInNeeded, ["OAuth client", "Cloud console"]),
    (tokens_say("deleted_client"), SignInNeeded, ["OAuth client"]),
    (Answer(400, {}, b'{"error": "invalid_grant"}'), SignInNeeded, ["the sign-in has ended"]),
    # what we may
    (drive_says(403, "appNotAuthorizedToFile"), RemoteRefused, ["only what it made itself", "sign in with the client that made it"]),
    (drive_says(403, "insufficientFilePermissions"), RemoteRefused, ["may not change", "sign in as its owner"]),
    (drive_says(403, "domainPolicy"), RemoteRefused, ["administrators", "ask them"]),
    (drive_says(403, "cannotDownloadAbusiveFile"), CalledAbusive, ["malware", "sign in as its owner"]),
    (drive_says(403, "accessNotConfigured"), RemoteRefused, ["not switched on", "enable it"]),
    (drive_says(403, "somethingNew", "You shall not pass"), RemoteRefused, ["403 somethingNew You shall not pass", "permissions"]),
    # what is there
    (drive_says(404, "notFound"), NotThere, ["does not find it", "by itself"]),
    (Answer(404, {}, b""), NotThere, ["does not find it"]),
    (drive_says(410, "gone"), NotThere, ["does not find it"]),
    (drive_says(409, "fileIdInUse"), RemoteTaken, ["in use already", "another id"]),
    (drive_says(400, "invalid", "The provided file ID is not usable."), RemoteTaken, ["cannot be used", "another id"]),
    (drive_says(400, "badRequest", "Bad Request"), RemoteError, ["did not understand", "400 badRequest Bad Request", "report"]),
    # the clock
    (of_tls(9, "certificate is not yet valid"), ClockWrong, ["certificate says that our clock is wrong", "set the clock"]),
    (tokens_say("invalid_grant", "Invalid JWT: … in a reasonable timeframe. Check your iat and exp values"), ClockWrong, ["Google says"]),
    # the network
    (of_tls(10, "certificate has expired"), RemoteAway, ["expired, if today is", "set the clock"]),
    (of_tls(18, "self-signed certificate"), RemoteAway, ["not Google's (self-signed certificate)", "SSL_CERT_FILE"]),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), RemoteAway, ["no secure connection", "by itself"]),
    (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), RemoteAway, ["DNS", "look at the network"]),
    (TimeoutError("timed out"), RemoteAway, ["did not answer in time", "by itself"]),
    (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), RemoteAway, ["cannot be reached (Connection refused)", "network"]),
    (OSError(errno.ENETUNREACH, "unreachable"), RemoteAway, ["Network is unreachable"]),
    (ConnectionResetError(errno.ECONNRESET, "reset"), RemoteAway, ["broke off (Connection reset by peer)", "by itself"]),
    (http.client.RemoteDisconnected("closed"), RemoteAway, ["broke off"]),
    (http.client.IncompleteRead(b"x", 5), RemoteAway, ["broke off"]),
    (httplib2.error.ServerNotFoundError("Unable to find the server at x"), RemoteAway, ["broke off"]),
    (OSError("Tunnel connection failed: 407 Proxy Authentication Required"), RemoteAway, ["proxy wants a login", "HTTPS_PROXY"]),
    (OSError("Tunnel connection failed: 403 Forbidden"), RemoteAway, ["does not let us through", "HTTPS_PROXY"]),
    (Answer(407, {}, HTML), RemoteAway, ["proxy wants a login"]),
    (of_transport(TimeoutError("timed out")), RemoteAway, ["did not answer in time"]),
    (of_tokens("<html>hotel</html>"), RemoteAway, ["captive portal"]),
    (of_tokens("x", {"error": "internal_failure"}, retryable=True), RemoteBusy, ["trouble of its own"]),
    # somebody else answers
    (Answer(200, {"content-type": "text/html"}, HTML), RemoteAway, ["captive portal", "sign in to the network"]),
    (Answer(302, {"location": "http://hotel.example/"}, b""), RemoteAway, ["captive portal"]),
    (Answer(511, {}, HTML), RemoteAway, ["captive portal"]),
    (Answer(403, {"content-type": "text/html"}, HTML), RemoteAway, ["captive portal"]),
    (Answer(404, {"content-type": "text/html"}, HTML), RemoteAway, ["captive portal"]),
    (Answer(401, {"content-type": "text/html"}, HTML), RemoteAway, ["captive portal"]),
    (Answer(403, {}, b"blocked"), RemoteAway, ["something between here and Google", "proxy"]),
    (json.JSONDecodeError("Expecting value", "<html>", 0), RemoteAway, ["captive portal"]),
]  # fmt: skip


@pytest.mark.parametrize(("failure", "expected", "words"), ROWS)
def test_each_failure_is_one_of_our_causes_and_says_what_to_do(
    failure: Answer | Exception, expected: type[ApplianceError], words: list[str]
) -> None:
    error = translated(failure, "storing 00000003")
    assert type(error) is expected
    assert str(error).startswith("storing 00000003: ")
    assert "; " in str(error), "a cause, and a next step"
    for word in words:
        assert word in str(error)


def test_an_error_of_ours_stays_what_it_is() -> None:
    error = RemoteFull("full")
    assert translated(error, "x") is error


def test_an_error_of_googles_library_is_read_like_the_answer_that_it_holds() -> None:
    answer = drive_says(403, "rateLimitExceeded")
    response = httplib2.Response({"status": "403", "Retry-After": "17"})
    error = translated(HttpError(response, answer.body, uri=SECRET), "x")
    assert isinstance(error, RemoteBusy)
    assert error.retry_after_s == 17


@pytest.mark.parametrize(
    ("told", "expected_s"),
    [("120", 120), ("0", 0), (None, None), ("soon", None), ("-5", None), ("Thu, 01 Jan 2015 00:00:00 GMT", None), ("9" * 400, 86_400)],
)
def test_a_retry_after_is_handed_on(told: str | None, expected_s: float | None) -> None:
    for status in (429, 503):
        error = translated(drive_says(status, "x", headers={} if told is None else {"retry-after": told}), "x")
        assert isinstance(error, RemoteBusy)
        assert error.retry_after_s == expected_s


def test_a_retry_after_may_be_a_date() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    error = translated(drive_says(503, "backendError", headers={"retry-after": at}), "x")
    assert isinstance(error, RemoteBusy)
    assert error.retry_after_s is not None
    assert 80 <= error.retry_after_s <= 91


@pytest.mark.parametrize("wrong_by", [timedelta(days=-20_000), timedelta(days=20_000)], ids=str)
def test_a_retry_after_that_is_a_date_is_meant_by_the_clock_of_who_says_it(monkeypatch: pytest.MonkeyPatch, wrong_by: timedelta) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + wrong_by)
    headers = {"retry-after": format_datetime(now + timedelta(seconds=90), usegmt=True), "date": format_datetime(now, usegmt=True)}
    assert getattr(translated(drive_says(503, "backendError", headers=headers), "x"), "retry_after_s", None) == 90
    without_date = translated(drive_says(503, "backendError", headers={"retry-after": headers["retry-after"]}), "x")
    assert (getattr(without_date, "retry_after_s", None) or 0) <= 86_400


def test_at_the_daily_limit_the_next_question_is_an_hour_away_unless_google_says_when() -> None:
    limit = translated(drive_says(403, "dailyLimitExceeded"), "x")
    told = translated(drive_says(403, "dailyLimitExceeded", headers={"retry-after": "7200"}), "x")
    assert isinstance(limit, DailyLimit)
    assert isinstance(told, DailyLimit)
    assert (limit.retry_after_s, told.retry_after_s) == (3600, 7200)


def test_any_certificate_is_a_matter_of_the_clock_while_that_shows_a_date_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    error = translated(of_tls(10, "certificate has expired"), "x")
    assert isinstance(error, ClockWrong)
    assert "1970-01-01 00:05" in str(error)


LOUD: list[Answer | Exception] = [
    drive_says(403, "somethingNew", f"see {SECRET} or {TOKEN} {REFRESH}"),
    drive_says(400, "badRequest", f"Invalid {TOKEN}"),
    drive_says(503, TOKEN, SECRET),
    tokens_say("invalid_thing", f"{REFRESH} is not known"),
    of_tokens(f"{REFRESH} failed"),
    HttpError(httplib2.Response({"status": "400"}), b'{"error": {"message": "x"}}', uri=SECRET),
    ConnectionResetError(errno.ECONNRESET, SECRET),
    OSError(SECRET),
    http.client.BadStatusLine(SECRET),
    http.client.InvalidURL(SECRET),
    of_transport(TOKEN),
    ValueError(TOKEN),
    RuntimeError(TOKEN),
    Answer(302, {"location": SECRET}, b""),
]


@pytest.mark.parametrize("failure", LOUD)
def test_no_text_holds_a_url_or_a_token(failure: Answer | Exception) -> None:
    text = str(translated(failure, "storing 00000003"))
    for secret in ("upload_id", "AHmUCY", "https://www", TOKEN, REFRESH):
        assert secret not in text


HOSTILE = [
    b"", b"null", b"[]", b'"x"', b"{}", b'{"error": null}', b'{"error": []}', b'{"error": {"errors": []}}', b'{"error": {"errors": [5]}}',
    b'{"error": {"errors": [{"reason": {}}], "message": 7}}', b'{"error": 7}', b"\xff\xfe", b"[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 418, 429, 500, 599])
def test_an_answer_of_any_shape_becomes_an_error_of_a_remote(status: int, body: bytes) -> None:
    error = translated(Answer(status, {}, body), "x")
    assert isinstance(error, RemoteError)
    assert len(str(error)) < 500
