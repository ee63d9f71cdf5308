"""Notifications, sent to real servers on this computer: what is told, and what happens when nobody takes it."""

from __future__ import annotations

import email
import time
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.errors import BadRequest, Conflict, NotFound, NotificationFailed
from appliance.notifications.desk import Pace
from appliance.notifications.notifier import Notifier
from tests.appliance.notifications.servers import Mail, Web
from tests.inside import Inside
from tests.waiting import wait_for

QUICK = Pace(settle_s=0.2, collect_s=0.3, again_s=3600, gap_s=0.1, quiet_s=0.0, retry_s=0.2, retry_cap_s=0.5, look_s=0.05, start_s=600)


@pytest.fixture
def notifier(inside: Inside) -> Iterator[Notifier]:
    """A quick one, in the place of the appliance's own."""
    app = inside.app
    parts = app.library, app.settings, app.problems, app.targets
    quick = Notifier(*parts, lambda at, age: clock.now() - at >= age, QUICK)
    yield quick
    quick.stop(5)


def raised(inside: Inside, about: str = "disk", code: str = "disk_full", *, needs_you: bool = True) -> None:
    inside.app.problems.raise_(code, about, f"no more files are taken in: {about} is full", "make room", needs_you=needs_you)


def test_an_address_is_checked_added_shown_masked_tested_and_removed(inside: Inside, web: Web) -> None:
    added = inside.ask("notification/add", url=f"ntfy://127.0.0.1:{web.port}/our-topic")
    assert (added["kind"], added["host"], added["name"]) == ("ntfy", "127.0.0.1", "ntfy at 127.0.0.1")
    inside.ask("notification/test", id=added["id"])
    ((path, body),) = web.posts
    assert "our-topic" in path + body
    assert "PyArchive" in body
    assert "http://pyarchive.local:8080" in body
    assert inside.ask("notification/list")["targets"][0]["sent_at"] is not None
    with pytest.raises(Conflict, match="notified already"):
        inside.app.notifier.add("Again", f"ntfy://127.0.0.1:{web.port}/our-topic")
    inside.ask("notification/remove", id=added["id"])
    assert inside.ask("notification/list")["targets"] == []
    with pytest.raises(NotFound):
        inside.ask("notification/test", id=added["id"])
    with pytest.raises(BadRequest, match="begins with one of"):
        inside.ask("notification/add", url="syslog://")
    with pytest.raises(BadRequest, match="not complete"):
        inside.ask("notification/add", url="tgram://nonsense")


def test_a_test_answers_with_the_reason_in_words(inside: Inside, web: Web) -> None:
    target = inside.app.notifier.add("Hook", f"json://127.0.0.1:{web.port}/hook")
    for status, words in ((401, "does not know these credentials"), (500, "HTTP 500")):
        web.status = status
        with pytest.raises(NotificationFailed, match=words):
            inside.ask("notification/test", id=target.id)
        assert words in inside.ask("notification/list")["targets"][0]["error"]


def test_mail_goes_to_a_real_server_and_a_wrong_password_is_said(inside: Inside) -> None:
    with Mail("anna", "right") as mail:
        rest = f"@localhost:{mail.port}?mode=insecure&to=bert@example.org&from=pi@example.org"
        good, bad = (inside.app.notifier.add(password, f"mailto://anna:{password}{rest}").id for password in ("right", "wrong"))
        inside.ask("notification/test", id=good)
        message = email.message_from_string(mail.mails[0], policy=policy.default)
        assert message["To"] == "bert@example.org"
        assert message["Subject"] == "PyArchive: a test"
        with pytest.raises(NotificationFailed, match="does not know these credentials"):
            inside.ask("notification/test", id=bad)


def hook(inside: Inside, notifier: Notifier, web: Web, path: str = "hook") -> str:
    return notifier.add("Hook", f"json://127.0.0.1:{web.port}/{path}").id


def test_problems_that_come_together_are_one_message_and_not_repeated(inside: Inside, web: Web, notifier: Notifier) -> None:
    hook(inside, notifier, web)
    for n in range(12):
        raised(inside, f"disk {n}")
    raised(inside, "line", "remote_away", needs_you=False)
    wait_for(lambda: web.posts, 60)
    assert "12 things need a look" in web.posts[0][1]
    assert "And 2 more." in web.posts[0][1]
    assert "remote_away" not in web.posts[0][1]
    for n in range(12):
        raised(inside, f"disk {n}")
    time.sleep(0.6)  # nothing is to come: there is nothing to wait for
    assert len(web.posts) == 1


def test_damage_is_told_where_it_needs_nobody_and_what_is_switched_off_is_not(inside: Inside, web: Web, notifier: Notifier) -> None:
    inside.ask("settings/set", name="notify_needs_you", value=False)
    hook(inside, notifier, web)
    raised(inside)
    raised(inside, "an archive", "damaged", needs_you=False)
    wait_for(lambda: web.posts, 60)
    assert ("something is damaged" in web.posts[0][1], "an archive" in web.posts[0][1], "disk is full" in web.posts[0][1]) == (
        True,
        True,
        False,
    )


def test_that_everything_is_safe_again_is_told_once(inside: Inside, web: Web, notifier: Notifier, tmp_path: Path) -> None:
    hook(inside, notifier, web)
    archive_id = inside.put(b"x" * 1000)
    wait_for(lambda: notifier._was_at_risk)
    inside.connect(tmp_path / "disk")
    inside.wait_remote(archive_id)
    wait_for(lambda: web.posts, 60)
    assert "everything is safe" in web.posts[0][1]
    assert "1 archive (1 kB)" in web.posts[0][1]


def test_that_nothing_was_proven_for_days_is_told_once_and_never_before_the_clock_is_right(
    inside: Inside, web: Web, notifier: Notifier, tmp_path: Path
) -> None:
    inside.put(b"x")
    trusted = False
    notifier._is_over = lambda at, age: trusted and clock.now() + timedelta(days=40) - at >= age + timedelta(days=9)
    hook(inside, notifier, web)
    time.sleep(0.3)  # some rounds
    assert (notifier._unproven_told_at, len(notifier.outbox), web.posts) == (None, 0, [])
    trusted = True
    wait_for(lambda: web.posts, 60)
    assert "For 30 days no copy has been read back" in web.posts[0][1]


def test_a_server_that_is_away_gets_what_waited_as_one_message_also_after_a_restart(inside: Inside, web: Web, notifier: Notifier) -> None:
    web.status = 503
    target = hook(inside, notifier, web)
    raised(inside, "first")
    wait_for(lambda: inside.app.problems.standing() and notifier.outbox.standing(target).error)
    raised(inside, "second")
    wait_for(lambda: len(notifier.outbox.mail_for(target)[0]) == 2)
    assert len(inside.app.problems.standing()) == 2, "that it cannot be told is no problem of its own"
    notifier.stop(5)
    web.posts.clear()
    web.status = 200
    app = inside.app
    again = Notifier(app.library, app.settings, app.problems, app.targets, lambda _at, _age: False, QUICK)
    again.start()
    wait_for(lambda: web.posts, 60)
    ((_, body),) = web.posts
    assert "PyArchive: 2 messages" in body
    assert "first is full" in body
    assert "second is full" in body
    wait_for(lambda: len(again.outbox) == 0)
    again.stop(5)


def test_a_server_that_never_ends_holds_up_nobody(inside: Inside, web: Web, notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> None:
    web.silent = True
    monkeypatch.setattr(notifier._sender, "_patience_s", 6.0)
    silent = hook(inside, notifier, web)
    with Web() as other:
        notifier.add("Other", f"json://127.0.0.1:{other.port}/hook")
        begin = time.monotonic()
        raised(inside)
        assert time.monotonic() - begin < 2
        wait_for(lambda: other.posts, 60)
        wait_for(lambda: "given up after 6 s" in (notifier.outbox.standing(silent).error or ""))
        begin = time.monotonic()
        notifier.stop(5)
        assert time.monotonic() - begin < 2


def test_without_a_target_nothing_runs(inside: Inside, notifier: Notifier) -> None:
    notifier.start()
    raised(inside)
    assert notifier._thread is None
    assert notifier.desk.next_s() is None


def test_what_stood_before_the_first_target_is_told_to_it(inside: Inside, web: Web, notifier: Notifier) -> None:
    raised(inside)
    hook(inside, notifier, web)
    wait_for(lambda: web.posts, 60)
    assert "PyArchive needs you" in web.posts[0][1]


def test_the_proxy_is_asked(inside: Inside, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{web.port}")
    monkeypatch.setenv("NO_PROXY", "")
    added: Any = inside.ask("notification/add", url="json://hooks.example.org/x")
    inside.ask("notification/test", id=added["id"])
    assert web.posts[0][0] == "http://hooks.example.org/x"
