"""``pyarchive user``: what it asks, what it prints, and that passwords come by no argument."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ui.conftest import Run
from tests.ui.stand_in import Refusal, StandIn

AT = "2026-11-22T10:00:00Z"
ANNA: dict[str, Any] = {
    "name": "anna", "display_name": "Anna\x1b[2J", "email": None, "role": "admin", "created_at": AT, "last_seen_at": AT,
    "can_sign_in": True, "archives": 12, "bytes": 5_000_000_000,
}  # fmt: skip
PASSWORD = "a long walk home"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\r\n"))


def test_list_shows_users_and_owners_without_an_account(appliance: StandIn, run: Run) -> None:
    users = [ANNA, {**ANNA, "name": "bert", "role": "member", "can_sign_in": False, "last_seen_at": None}]
    appliance.answers["user/list"] = told = {"users": users, "others": [{"name": "home", "archives": 1, "bytes": 3000}]}
    out = run("user", "list").out
    for text in ("anna  admin", "5.00 GB", "Anna\\x1b[2J", "never", "no password", "home has no account and owns 1 archive, 3.00 kB"):
        assert text in out
    assert run("user", "list", "--json").json == told
    appliance.answers["user/list"] = {"users": [], "others": []}
    assert "pyarchive user setup-code" in run("user", "list").out


@pytest.mark.usefixtures("typed")
def test_add_reads_the_password_from_standard_input(appliance: StandIn, run: Run) -> None:
    appliance.answers["user/add"] = ANNA
    assert run("user", "add", "anna", "--admin", "--display-name", "Anna", "--email", "a@example.org").out == "added anna, admin\n"
    given = {"name": "anna", "role": "admin", "password": PASSWORD, "display_name": "Anna", "email": "a@example.org"}
    assert appliance.asked == [("user/add", given)]


def test_add_without_a_password_says_how_to_set_one(appliance: StandIn, run: Run) -> None:
    appliance.answers["user/add"] = {**ANNA, "can_sign_in": False, "role": "member"}
    assert "`pyarchive user passwd` sets a password" in run("user", "add", "anna", "--no-password").out
    assert appliance.asked == [("user/add", {"name": "anna", "role": "member"})]


@pytest.mark.usefixtures("typed")
def test_passwd_sets_it_and_prints_it_nowhere(appliance: StandIn, run: Run) -> None:
    appliance.answers["user/passwd"] = {}
    done = run("user", "passwd", "anna", "--json")
    assert (done.status, done.json) == (0, {"name": "anna"})
    assert PASSWORD not in done.out + done.err
    assert appliance.asked == [("user/passwd", {"name": "anna", "password": PASSWORD})]


@pytest.mark.parametrize(("typed", "why"), [("", "no password"), ("\n", "no password"), ("x" * 1025 + "\n", "1024 characters")])
def test_no_password_is_wrong_usage(run: Run, monkeypatch: pytest.MonkeyPatch, typed: str, why: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    done = run("user", "passwd", "anna")
    assert done.status == 2
    assert why in done.err


@pytest.mark.parametrize(("second", "status"), [(PASSWORD, 0), ("another one", 1)])
def test_on_a_terminal_it_is_asked_for_twice_and_not_shown(appliance: StandIn, client_data: Path, second: str, status: int) -> None:
    appliance.answers["user/passwd"] = {}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ui.cli", "--data", str(client_data), "user", "passwd", "anna"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = read_until(ours, b"anna: ")
    os.write(ours, PASSWORD.encode() + b"\n")
    shown += read_until(ours, b"once more: ")
    os.write(ours, second.encode() + b"\n")
    assert process.wait(20) == status
    shown += read_until(ours, None)
    os.close(ours)
    assert PASSWORD.encode() not in shown
    assert (b"new password" in shown, b"differ" in shown, len(appliance.asked)) == (True, status == 1, 1 - status)


def read_until(fd: int, end: bytes | None) -> bytes:
    """What a terminal shows, up to ``end`` or to its own end."""
    shown = b""
    while end is None or not shown.endswith(end):
        try:
            piece = os.read(fd, 1024)
        except OSError:  # the other side has closed it
            break
        if not piece:
            break
        shown += piece
    return shown


def test_give_goes_on_until_nothing_is_left(appliance: StandIn, run: Run) -> None:
    steps = iter([{"archives": 40, "left": 25}, {"archives": 25, "left": 0}])
    appliance.answers["user/give"] = lambda _: next(steps)
    assert run("user", "give", "ben", "anna").out == "65 archives of ben belong to anna now\n"
    assert appliance.asked == [("user/give", {"from_owner": "ben", "to_owner": "anna"})] * 2


def test_codes_are_printed_with_what_they_are_good_for(appliance: StandIn, run: Run) -> None:
    appliance.answers |= {
        "user/setup-code": {"code": "7KQM-3FXW", "expires_at": AT},
        "user/invite": {"id": "5d0f", "code": "9RTC-5HDN", "role": "admin", "expires_at": AT},
        "user/invitations": {"invitations": [{"id": "5d0f", "role": "admin", "created_at": AT, "expires_at": AT}]},
        "user/uninvite": {},
    }
    assert run("user", "setup-code").out.startswith("7KQM-3FXW  (good once, until 2026-11-22")
    assert run("user", "setup-code", "--json").json["code"] == "7KQM-3FXW"
    assert "9RTC-5HDN  (for one admin" in run("user", "invite", "--admin").out
    assert "5d0f  for one admin" in run("user", "invitations").out
    assert run("user", "uninvite", "5d0f").status == 0
    assert appliance.asked[2:] == [("user/invite", {"role": "admin"}), ("user/invitations", {}), ("user/uninvite", {"id": "5d0f"})]


def test_role_and_remove_and_what_is_refused(appliance: StandIn, run: Run) -> None:
    appliance.answers["user/role"] = ANNA
    assert run("user", "role", "anna", "admin").out == "anna is admin from now on\n"
    assert run("user", "role", "anna", "king").status == 2

    def refuse(_: dict[str, Any]) -> Any:
        raise Refusal("refused", "anna owns files (12 archives); give them to somebody first: `pyarchive user give anna NAME`")

    appliance.answers["user/remove"] = refuse
    done = run("user", "remove", "anna")
    assert (done.status, done.out) == (1, "")
    assert "give them to somebody first" in done.err
