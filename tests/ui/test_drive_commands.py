"""Connections to Google Drive from the command line: signing in, emptying, claiming; what is shown of them."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mqtt.messages import ConnectionState
from tests.ui.conftest import Run
from tests.ui.stand_in import Refusal, StandIn
from ui import signing_in

CLIENT = json.dumps({"installed": {"client_id": "123.apps.googleusercontent.com", "client_secret": "very-secret"}})
USER = json.dumps({"type": "authorized_user", "client_id": "1", "client_secret": "very-secret", "refresh_token": "1//0x"})


def connection(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": "d1", "kind": "drive", "name": "google", "active": False, "valid": True, "sign_in": "ok", "account": "owner@example.com",
        "client_id": "123.apps.googleusercontent.com", "folder_id": "folder-1", "validated_at": "2026-11-22T10:00:00Z",
    }  # fmt: skip
    return ConnectionState.model_validate(facts | changes).model_dump(mode="json")


def asked_for(**changes: Any) -> dict[str, Any]:
    facts = {"user_code": "ABCD-EFGH", "verification_url": "https://www.google.com/device", "interval_s": 5}
    return {**facts, "expires_at": (datetime.now(UTC) + timedelta(minutes=30, seconds=1)).isoformat(), **changes}


@pytest.fixture
def client_file(tmp_path: Path) -> Path:
    file = tmp_path / "client.json"
    file.write_text(CLIENT)
    return file


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    file = tmp_path / "user.json"
    file.write_text(USER)
    return file


@pytest.fixture
def google(appliance: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """An appliance with a sign-in that is pending twice, and then done."""
    monkeypatch.setattr(signing_in, "_PAUSE_S", 0.01)
    pending = connection(sign_in="pending", sign_in_message="open a page and enter ABCD-EFGH", valid=False)
    states = iter([pending, pending])
    appliance.answers |= {
        "connection/add": {"id": "d1"},
        "connection/credentials": connection(),
        "connection/sign-in": asked_for(),
        "connection/show": lambda _: next(states, connection(valid=False, sign_in="needed")),
        "connection/validate": connection(),
    }
    return appliance


# Adding and signing in


def test_a_client_leads_straight_on_to_the_sign_in_and_its_end_is_tried_out(google: StandIn, run: Run, client_file: Path) -> None:
    done = run("connection", "add", "drive", "--name", "google", "--credentials", client_file, "--folder-id", "f1")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert "    https://www.google.com/device" in lines
    assert "    ABCD-EFGH" in lines
    assert "It is good for 30 min." in done.out
    assert lines[-1] == "signed in as owner@example.com; google is valid; next: `pyarchive connection activate d1`"
    assert google.asked[0] == ("connection/add", {"kind": "drive", "name": "google", "credentials": CLIENT, "folder_id": "f1"})
    assert [verb for verb, _ in google.asked[1:]] == ["connection/sign-in", *["connection/show"] * 3, "connection/validate"]


def test_the_code_stays_out_of_the_json(google: StandIn, run: Run, client_file: Path) -> None:
    done = run("connection", "add", "drive", "--name", "google", "--credentials", client_file, "--json")
    assert done.json["id"] == "d1"
    assert "ABCD-EFGH" in done.err


def test_without_waiting_the_code_is_all(google: StandIn, run: Run, client_file: Path) -> None:
    done = run("connection", "add", "drive", "--name", "google", "--credentials", client_file, "--no-wait", "--json")
    assert done.json["id"] == "d1"
    assert done.json["user_code"] == "ABCD-EFGH"
    assert "connection/show" not in [verb for verb, _ in google.asked]


def test_a_sign_in_made_elsewhere_is_validated_next(google: StandIn, run: Run, user_file: Path) -> None:
    done = run("connection", "add", "drive", "--name", "google", "--credentials", user_file)
    assert "next: `pyarchive connection validate d1`" in done.out
    assert [verb for verb, _ in google.asked] == ["connection/add"]


def test_credentials_come_from_standard_input_too(google: StandIn, client_data: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "ui.cli",
        "--data",
        str(client_data),
        "connection",
        "add",
        "drive",
        "--name",
        "g",
        "--credentials",
        "-",
    ]
    subprocess.run(command, input=USER.encode(), check=True, capture_output=True)
    assert google.asked[0][1]["credentials"] == USER


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (connection(sign_in="needed", sign_in_message="the sign-in was declined at Google; begin anew"), "declined at Google; begin anew"),
        (connection(sign_in="needed", sign_in_message="nobody entered the code in time"), "nobody entered the code in time"),
    ],
)
def test_a_sign_in_that_fails_ends_with_1_and_says_why(
    google: StandIn, run: Run, client_file: Path, state: dict[str, Any], words: str
) -> None:
    google.answers["connection/show"] = state
    done = run("connection", "add", "drive", "--name", "google", "--credentials", client_file)
    assert done.status == 1
    assert words in done.err
    assert "added google as d1" in done.out, "the connection is there all the same"


def test_a_sign_in_that_a_restart_has_forgotten_is_found_out(google: StandIn, run: Run, client_file: Path) -> None:
    def validate(_: dict[str, Any]) -> Any:
        raise Refusal("sign_in_needed", "nobody has signed in with this OAuth client yet; sign in again")

    google.answers["connection/validate"] = validate
    done = run("connection", "add", "drive", "--name", "google", "--credentials", client_file)
    assert done.status == 1
    assert "nobody has signed in" in done.err


def test_signing_in_again_keeps_the_credentials(google: StandIn, run: Run) -> None:
    states = iter([connection(), connection(sign_in="pending", sign_in_message="x")])
    google.answers["connection/show"] = lambda _: next(states, connection())
    assert run("connection", "sign-in", "google").status == 0
    assert "connection/credentials" not in [verb for verb, _ in google.asked]


def test_other_credentials_are_given_first(google: StandIn, run: Run, client_file: Path, user_file: Path) -> None:
    google.answers["connection/show"] = connection()
    assert run("connection", "sign-in", "google", "--credentials", client_file).status == 0
    assert [verb for verb, _ in google.asked][:3] == ["connection/show", "connection/credentials", "connection/sign-in"]
    google.asked.clear()
    assert "google is valid" in run("connection", "sign-in", "google", "--credentials", user_file).out
    assert [verb for verb, _ in google.asked] == ["connection/show", "connection/credentials", "connection/validate"]


def test_a_full_remote_leads_to_recover_first(google: StandIn, run: Run) -> None:
    google.answers["connection/validate"] = connection(adopting="3 archives lie there that this appliance does not know")
    done = run("connection", "validate", "google")
    assert "3 archives lie there" in done.out
    assert "pyarchive recover d1" in done.out
    assert "activate" not in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["drive", "--name", "g"], "needs --credentials"),
        (["drive", "--name", "g", "--credentials", "x", "--path", "/y"], "--path is for a folder"),
        (["folder", "--name", "f"], "needs --path"),
        (["folder", "--name", "f", "--path", "/y", "--credentials", "x"], "for Google Drive"),
        (["ftp", "--name", "f"], "invalid choice"),
    ],
)
def test_options_of_another_kind_are_wrong_usage(appliance: StandIn, run: Run, arguments: list[str], words: str) -> None:
    done = run("connection", "add", *arguments)
    assert done.status == 2
    assert words in done.err


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), (b"\xff\xfe", "no text"), (b"x" * 70_000, "larger than")])
def test_a_file_that_holds_no_credentials_is_not_sent(
    appliance: StandIn, run: Run, tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    done = run("connection", "add", "drive", "--name", "g", "--credentials", file)
    assert done.status == 1
    assert words in done.err
    assert appliance.asked == []


# Looking


def test_what_belongs_into_the_recovery_kit_is_shown(appliance: StandIn, run: Run) -> None:
    appliance.answers["connection/show"] = connection()
    done = run("connection", "show", "google")
    for text in ("owner@example.com", "123.apps.googleusercontent.com", "folder-1", "pyarchive connection trash d1"):
        assert text in done.out
    assert "where" not in done.out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sign_in": "needed"}, "needed; `pyarchive connection sign-in d1`"),
        ({"sign_in": "pending", "sign_in_message": "open a page"}, "pending: open a page"),
        ({"adopting": "3 archives are unknown"}, "yes, nothing there is changed: 3 archives are unknown; `pyarchive recover d1`"),
    ],
)
def test_what_needs_a_person_is_shown_with_its_next_step(appliance: StandIn, run: Run, changes: dict[str, Any], words: str) -> None:
    appliance.answers |= {"connection/show": connection(**changes), "connection/list": {"connections": [connection(**changes)]}}
    assert words in run("connection", "show", "google").out
    listed = run("connection", "list").out
    assert str(next(reversed(changes.values()))) in listed.splitlines()[-1] + listed.splitlines()[1]
    assert "owner@example.com" in listed


def test_a_folder_shows_nothing_of_sign_ins(appliance: StandIn, run: Run) -> None:
    appliance.answers["connection/show"] = connection(kind="folder", sign_in="not_needed", path="/media/disk", client_id=None, account=None)
    done = run("connection", "show", "disk")
    assert "/media/disk" in done.out
    assert "sign-in" not in done.out


def test_a_claim_types_the_name(appliance: StandIn, run: Run) -> None:
    appliance.answers["connection/claim"] = connection()
    assert run("connection", "claim", "google").status == 2
    assert "google is this appliance's to write to" in run("connection", "claim", "google", "--confirm", "google").out
    assert appliance.asked == [("connection/claim", {"connection": "google", "confirm": "google"})]


# Emptying, and the trash


def job(result: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    return {"state": "done", "done_bytes": 0, "total_bytes": 0, "error": None, "result": result, **changes}


@pytest.fixture
def full(appliance: StandIn) -> StandIn:
    def result(_: dict[str, Any]) -> Any:
        confirmed = [asked for verb, asked in appliance.asked if verb == "connection/empty" and "confirm" in asked]
        return job({"objects": 12, "bytes": 3_000_000, "archives": 2, "dry_run": not confirmed})

    appliance.answers |= {"connection/show": connection(), "connection/empty": {"job_id": "j1"}, "integrity/job": result}
    return appliance


def test_emptying_without_confirmation_changes_nothing_and_says_what_would(full: StandIn, run: Run) -> None:
    done = run("connection", "empty", "google")
    assert done.status == 0
    assert "12 objects (3.00 MB) of 2 archives would move to the trash of google; nothing was changed" in done.out
    assert "--confirm NAME" in done.out
    assert [asked for verb, asked in full.asked if verb == "connection/empty"] == [{"connection": "d1"}]
    assert run("connection", "empty", "google", "--json").json["dry_run"] is True


def test_emptying_is_confirmed_by_the_name(full: StandIn, run: Run) -> None:
    done = run("connection", "empty", "google", "--confirm", "gogle")
    assert done.status == 1
    assert "nothing was changed" in done.err
    assert full.times_asked("connection/empty") == 0
    assert "12 objects (3.00 MB) moved to the trash of google" in run("connection", "empty", "google", "--confirm", "google").out


@pytest.mark.parametrize(("typed", "status", "times"), [("google", 0, 2), ("no", 1, 1)])
def test_at_a_terminal_the_name_is_asked_for(full: StandIn, client_data: Path, typed: str, status: int, times: int) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "ui.cli", "--data", str(client_data), "connection", "empty", "google"]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        shown = b""
        while b"to do it: " not in shown:
            assert select.select([master], [], [], 20)[0], shown
            shown += os.read(master, 4096)
        os.write(master, typed.encode() + b"\n")
        assert process.wait(20) == status
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert b"12 objects (3.00 MB) of 2 archives would move" in shown
    assert full.times_asked("connection/empty") == times


def test_an_emptying_that_is_refused_says_why(full: StandIn, run: Run) -> None:
    refused = job(None, state="failed", error={"code": "refused", "message": "2 archives have their only copy there; restore them first"})
    full.answers["integrity/job"] = refused
    done = run("connection", "empty", "google", "--confirm", "google")
    assert (done.status, done.err) == (1, "pyarchive: 2 archives have their only copy there; restore them first\n")


def test_the_trash_is_shown_with_its_size_and_emptied_on_request(appliance: StandIn, run: Run) -> None:
    found = {"objects": 3, "bytes": 5_000_000, "kept": 1, "purged": 0}
    appliance.answers |= {
        "connection/show": connection(), "connection/trash": {"job_id": "j1"}, "integrity/job": lambda _: job(found),
    }  # fmt: skip
    done = run("connection", "trash", "google")
    assert "3 objects (5.00 MB) of ours in the trash of google; `pyarchive connection trash d1 --purge`" in done.out
    assert "1 object in the trash belong to archives and stay" in done.out
    found |= {"purged": 2}
    assert "2 objects of the trash of google deleted for ever" in run("connection", "trash", "google", "--purge").out
    assert [asked for verb, asked in appliance.asked if verb == "connection/trash"] == [
        {"connection": "d1"},
        {"connection": "d1", "purge": True},
    ]
    assert run("connection", "trash", "google", "--json").json == found


# Tombstones, and reading a sample back


def grave(**changes: Any) -> dict[str, Any]:
    facts = {
        "connection_id": "d1", "remote_id": "r1", "archive_id": "aaaa1111", "name": "00000001", "reason": "removed",
        "at": "2026-11-22T10:00:00Z", "due_at": "2026-11-29T10:00:00Z",
    }  # fmt: skip
    return facts | changes


def test_tombstones_are_shown_with_what_holds_them_back(appliance: StandIn, run: Run) -> None:
    found = {
        "due": 150, "waiting": 1, "bytes": 2_000_000, "objects": [grave(), grave(due_at=None, reason="replaced")],
        "held_back": ["connection google: the last check was not clean"], "to_confirm": {"d1": 150},
    }  # fmt: skip
    appliance.answers |= {"integrity/tombstones": found, "connection/list": {"connections": [connection()]}}
    done = run("orphans", "--tombstones")
    rows = [line.split() for line in done.out.splitlines()]
    assert ["00000001", "replaced", "google", "not", "dated", "yet", "aaaa1111"] in rows
    for text in (
        "… and 149 more",
        "held back: connection google: the last check was not clean",
        "150 objects of google wait for you: `pyarchive orphans --bury d1`",
        "150 objects due for the remotes' trash (2.00 MB), 1 waiting",
    ):
        assert text in done.out
    assert run("orphans", "--tombstones", "--json").json == found


def test_many_tombstones_are_let_go_by_their_number(appliance: StandIn, run: Run) -> None:
    found = {"due": 150, "waiting": 0, "bytes": 0, "objects": [grave()], "held_back": [], "to_confirm": {"d1": 150}}
    appliance.answers |= {"connection/show": connection(), "integrity/tombstones": found, "integrity/bury": {"objects": 150}}
    assert "150 objects of google may go" in run("orphans", "--bury", "google").out
    assert appliance.asked[-1] == ("integrity/bury", {"connection": "d1", "objects": 150})
    found["to_confirm"] = {}
    assert "nothing of google waits" in run("orphans", "--bury", "google").err


@pytest.mark.parametrize(
    ("text", "size_bytes"), [("500MB", 500_000_000), ("1.5 GiB", 3 << 29), ("64k", 64_000), ("7", 7), ("2TB", 2 * 10**12)]
)
def test_a_sample_is_read_back_within_its_budget(appliance: StandIn, run: Run, text: str, size_bytes: int) -> None:
    result = {
        "archives": 1,
        "batches_checked": 1,
        "batches_damaged": 0,
        "batches_repaired": 0,
        "damage_left": 0,
        "unknown": [],
        "findings": [],
    }
    appliance.answers |= {"integrity/verify": {"job_id": "j1"}, "integrity/job": job(result)}
    assert run("verify", "--read-back", "--budget", text).status == 0
    assert appliance.asked[0][1]["read_back_bytes"] == size_bytes


@pytest.mark.parametrize("arguments", [["--budget", "5MB"], ["--read-back", "--budget", "much"], ["--read-back", "--budget", "0"]])
def test_a_budget_that_means_nothing_is_wrong_usage(appliance: StandIn, run: Run, arguments: list[str]) -> None:
    done = run("verify", *arguments)
    assert done.status == 2
    assert "budget" in done.err
