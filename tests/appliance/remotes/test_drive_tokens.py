"""Credentials as people hand them over, and access tokens from a real token endpoint that fails in all documented ways."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.errors import ApplianceError, BadRequest, ClockWrong, RemoteAway, RemoteBusy, SignInNeeded
from appliance.remotes.drive_tokens import Credentials, Tokens
from appliance.remotes.drive_web import Endpoints, Web
from tests.fakes.drive import FakeDrive
from tests.waiting import wait_for

CLIENT = {"client_id": "123.apps.googleusercontent.com", "client_secret": "GOCSPX-very-secret"}
USER = {"type": "authorized_user", **CLIENT, "refresh_token": "1//0refresh-secret"}


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        yield drive


def signed_in(fake: FakeDrive) -> Credentials:
    return Credentials.from_text(json.dumps(fake.account()))


def tokens_of(fake: FakeDrive, credentials: Credentials | None = None) -> Tokens:
    return Tokens(credentials or signed_in(fake), Endpoints.of(fake.root), Web(5))


class Clock:
    """The monotonic clock, which a test can put forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = clock.monotonic_s
        self.ahead_s = 0.0
        monkeypatch.setattr(clock, "monotonic_s", lambda: self._real() + self.ahead_s)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


# Credentials


@pytest.mark.parametrize("document", [USER, {"installed": CLIENT | {"project_id": "p", "redirect_uris": ["http://localhost"]}}])
def test_credentials_come_back_as_they_were_kept(document: dict[str, Any]) -> None:
    credentials = Credentials.from_text(json.dumps(document))
    assert credentials.client_id == CLIENT["client_id"]
    assert Credentials.from_text(credentials.to_text()) == credentials


def test_the_key_of_a_service_account_comes_back_as_it_was_kept(fake: FakeDrive) -> None:
    credentials = Credentials.from_text(json.dumps(fake.service_account()))
    assert credentials.kind == "service_account"
    assert Credentials.from_text(credentials.to_text()) == credentials


def test_a_token_file_of_googles_python_library_is_a_sign_in() -> None:
    without_type = {key: value for key, value in USER.items() if key != "type"} | {"token": "ya29.x", "scopes": ["s"]}
    assert Credentials.from_text(json.dumps(without_type)).kind == "authorized_user"


def test_a_sign_in_of_ours_is_dated() -> None:
    client = Credentials.from_text(json.dumps({"installed": CLIENT}))
    assert client.kind == "oauth_client"
    signed = Credentials.from_text(client.with_refresh_token("1//0new").to_text())
    assert (signed.kind, signed.refresh_token) == ("authorized_user", "1//0new")
    assert signed.granted_at is not None
    assert abs(clock.now() - signed.granted_at) < timedelta(minutes=1)


@pytest.mark.parametrize("secret", ["GOCSPX-very-secret", "1//0refresh-secret"])
def test_no_secret_stands_in_the_representation(secret: str) -> None:
    assert secret not in repr(Credentials.from_text(json.dumps(USER)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[" * 60_000, "not JSON"),
        ("x" * 70_000, "longer than"),
        ("[]", "not an object"),
        ("{}", "neither"),
        (json.dumps({"web": CLIENT}), "TVs and Limited Input devices"),
        (json.dumps({"access_token": "ya29.a", "refresh_token": "1//0b"}), "no client_id and no client_secret"),
        (json.dumps({"access_token": "ya29.a"}), "a token alone"),
        (json.dumps({"type": "external_account"}), "cannot be used"),
        (json.dumps(USER | {"refresh_token": ""}), "no refresh_token"),
        (json.dumps(USER | {"client_secret": 7}), "something else as client_secret"),
        (json.dumps(USER | {"client_id": "two\nlines"}), "something else as client_id"),
        (json.dumps(USER | {"refresh_token": "x" * 3000}), "something else as refresh_token"),
        (json.dumps({"installed": {"client_id": "a"}}), "no client_secret"),
        (json.dumps({"type": "service_account", "client_email": "a@b", "private_key": "no key"}), "no private key that can be read"),
        (json.dumps({"type": "service_account", "client_email": "a@b"}), "no private_key"),
    ],
)
def test_what_is_no_credentials_is_refused_with_its_cause_and_where_to_get_them(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        Credentials.from_text(text)
    assert "docs/google-drive.md" in str(refused.value)
    for secret in ("GOCSPX", "1//0", "ya29"):
        assert secret not in str(refused.value)


# Tokens


def test_a_token_is_asked_for_once_and_used_until_shortly_before_its_end(fake: FakeDrive, later: Clock) -> None:
    tokens = tokens_of(fake)
    first = tokens.access_token()
    later.ahead_s = 3290
    assert tokens.access_token() == first
    assert fake.requests["token"] == 1
    later.ahead_s = 3310
    assert tokens.access_token() != first


def test_a_wall_clock_that_jumps_makes_no_token_look_bad(fake: FakeDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tokens_of(fake)
    first = tokens.access_token()
    monkeypatch.setattr(clock, "now", lambda: clock.from_iso("2040-01-01T00:00:00Z"))
    assert tokens.access_token() == first


def test_a_token_endpoint_in_a_file_is_not_believed(fake: FakeDrive) -> None:
    document = fake.account() | {"token_uri": "https://evil.example/token"}
    assert tokens_of(fake, Credentials.from_text(json.dumps(document))).access_token()


def test_a_service_account_signs_in_by_its_key(fake: FakeDrive) -> None:
    assert tokens_of(fake, Credentials.from_text(json.dumps(fake.service_account()))).access_token()


def test_many_threads_share_one_question(fake: FakeDrive) -> None:
    tokens, found = tokens_of(fake), []
    fake.line(latency_s=0.2)
    threads = [threading.Thread(target=lambda: found.append(tokens.access_token())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert fake.requests["token"] == 1


def test_threads_that_wait_for_an_answer_share_its_failure(fake: FakeDrive) -> None:
    """Each would otherwise wait for its own time-out, one after the other."""
    tokens, failures = tokens_of(fake), []
    fake.fault("503", match="token", times=None)
    fake.line(latency_s=0.3)

    def ask() -> None:
        try:
            tokens.access_token()
        except RemoteBusy as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 8
    assert fake.requests["token"] == 1
    fake.calm()
    assert tokens.access_token()


def test_a_good_token_outlives_a_failed_renewal(fake: FakeDrive, later: Clock) -> None:
    tokens = tokens_of(fake)
    first = tokens.access_token()
    fake.fault("503", match="token", times=None)
    later.ahead_s = 3400
    assert [tokens.access_token() for _ in range(3)] == [first] * 3
    assert fake.requests["token"] == 2, "a failing endpoint is not asked for each request"
    later.ahead_s = 3700
    with pytest.raises(RemoteBusy):
        tokens.access_token()
    fake.calm()
    assert tokens.access_token() != first


def test_a_refused_token_is_replaced(fake: FakeDrive) -> None:
    tokens = tokens_of(fake)
    first = tokens.access_token()
    tokens.refused(first)
    second = tokens.access_token()
    assert second != first
    tokens.refused(first)
    assert tokens.access_token() == second, "what others found out earlier is known already"


def test_only_when_three_fresh_tokens_are_refused_in_a_row_somebody_has_to_sign_in(fake: FakeDrive) -> None:
    tokens = tokens_of(fake)
    for _ in range(3):
        tokens.refused(tokens.access_token())
    for _ in range(2):
        with pytest.raises(SignInNeeded, match="pyarchive connection sign-in"):
            tokens.access_token()
        tokens.refused(tokens.access_token())  # one more is tried, and as long as that is refused it is said again


def test_a_token_that_was_accepted_makes_up_for_those_that_were_refused(fake: FakeDrive) -> None:
    tokens = tokens_of(fake)
    for _ in range(5):
        tokens.refused(tokens.access_token())
        tokens.refused(tokens.access_token())
        tokens.accepted(tokens.access_token())


def test_two_refusals_far_apart_are_no_reason_to_sign_in(fake: FakeDrive, later: Clock) -> None:
    tokens = tokens_of(fake)
    tokens.refused(tokens.access_token())
    for hour in range(1, 4):
        token = tokens.access_token()
        later.ahead_s = 600 * hour
        tokens.refused(token)
    assert tokens.access_token()


def test_an_unused_sign_in_is_used_once_a_day(fake: FakeDrive, later: Clock) -> None:
    tokens = tokens_of(fake)
    tokens.keep_fresh()
    tokens.keep_fresh()
    assert fake.requests["token"] == 1
    later.ahead_s = 86_500
    tokens.keep_fresh()
    assert fake.requests["token"] == 2


# What goes wrong


def aged(fake: FakeDrive, days: float) -> Credentials:
    return replace(signed_in(fake), granted_at=clock.now() - timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (7.01, "ended after 7 days, as it does while the OAuth app is in Testing; publish the app"),
        (8.4, "ended after 7 days, as it does while the OAuth app is in Testing; publish the app"),
        (40, "or not used for six months, or it ended after 7 days, as it does while the OAuth app is in Testing; publish the app"),
        (2, "it was revoked, replaced by many newer ones, or not used for six months; sign in again"),
        (None, "of an OAuth app in Testing, where it ends after 7 days"),
    ],
)
def test_the_end_of_a_sign_in_is_explained_by_its_age(fake: FakeDrive, days: float | None, words: str) -> None:
    tokens = tokens_of(fake, signed_in(fake) if days is None else aged(fake, days))
    fake.revoke()
    with pytest.raises(SignInNeeded) as needed:
        tokens.access_token()
    assert words in str(needed.value)
    assert "pyarchive connection sign-in" in str(needed.value)


@pytest.mark.parametrize(
    ("worked_at_days", "away_days", "is_named"),
    [(6.9, 1, True), (6.9, 9, True), (7.2, 0.9, True), (7.6, 0.1, False), (40, 1, False), (5, 1, False)],
)
def test_a_sign_in_that_outlived_its_seventh_day_did_not_end_by_it(
    fake: FakeDrive, later: Clock, monkeypatch: pytest.MonkeyPatch, worked_at_days: float, away_days: float, is_named: bool
) -> None:
    """However long nobody could ask in between: a line that was away for days must not hide the cause."""
    tokens = tokens_of(fake, aged(fake, worked_at_days))
    tokens.access_token()
    later.ahead_s = away_days * 86_400
    back = clock.now() + timedelta(days=away_days)
    monkeypatch.setattr(clock, "now", lambda: back)
    fake.revoke()
    with pytest.raises(SignInNeeded) as needed:
        tokens.access_token()
    assert ("while the OAuth app is in Testing" in str(needed.value)) is is_named


def test_a_client_that_nobody_has_signed_in_with_says_so_and_asks_nothing(fake: FakeDrive) -> None:
    tokens = tokens_of(fake, Credentials.from_text(json.dumps({"installed": fake.client()})))
    with pytest.raises(SignInNeeded, match="nobody has signed in"):
        tokens.access_token()
    assert "token" not in fake.requests


def test_a_wrong_client_secret_names_the_client(fake: FakeDrive) -> None:
    tokens = tokens_of(fake, replace(signed_in(fake), client_secret="wrong"))
    with pytest.raises(SignInNeeded, match="OAuth client"):
        tokens.access_token()


def test_a_service_account_whose_key_is_gone_is_not_told_to_publish_an_app(fake: FakeDrive) -> None:
    tokens = tokens_of(fake, Credentials.from_text(json.dumps(fake.service_account())))
    fake.fault("invalid_grant", match="token", description="Invalid JWT Signature.")
    with pytest.raises(SignInNeeded, match="make a new key") as needed:
        tokens.access_token()
    assert "publish" not in str(needed.value)


def test_a_clock_that_google_complains_of_is_no_reason_to_sign_in(fake: FakeDrive) -> None:
    tokens = tokens_of(fake, Credentials.from_text(json.dumps(fake.service_account())))
    said = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values."
    fake.fault("invalid_grant", match="token", description=said)
    with pytest.raises(ClockWrong):
        tokens.access_token()


@pytest.mark.parametrize(
    ("kind", "how", "error", "words"),
    [
        ("503", {"retry_after_s": 7}, RemoteBusy, "trouble of its own"),
        ("429", {"retry_after_s": 7}, RemoteBusy, "fewer requests"),
        ("html", {}, RemoteAway, "captive portal"),
        ("lost_answer", {}, RemoteAway, "broke off"),
    ],
)
def test_what_passes_by_itself_is_not_asked_twice_and_says_when(
    fake: FakeDrive, kind: Any, how: dict[str, Any], error: type[ApplianceError], words: str
) -> None:
    tokens = tokens_of(fake)
    fake.fault(kind, match="token", **how)
    with pytest.raises(error, match=words) as failed:
        tokens.access_token()
    assert fake.requests["token"] == 1
    if how:
        assert isinstance(failed.value, RemoteBusy)
        assert failed.value.retry_after_s == 7
    assert tokens.access_token(), "the next time it works"


def test_nobody_there_is_away(fake: FakeDrive) -> None:
    tokens = Tokens(signed_in(fake), Endpoints.of("http://127.0.0.1:1"), Web(5))
    with pytest.raises(RemoteAway, match="cannot be reached"):
        tokens.access_token()


def test_no_secret_is_logged_or_said(fake: FakeDrive, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    document = fake.account()
    tokens = tokens_of(fake, Credentials.from_text(json.dumps(document)))
    token = tokens.access_token()
    tokens.refused(token)
    fake.revoke()
    with pytest.raises(SignInNeeded) as needed:
        tokens.access_token()
    wait_for(lambda: fake.requests["token"] == 2)
    said = caplog.text + repr(needed.value) + repr(tokens)
    for secret in (token, document["client_secret"], document["refresh_token"]):
        assert secret not in said
