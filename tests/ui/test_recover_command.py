"""``pyarchive recover``: looking, starting, following, also when the appliance starts anew under another id meanwhile."""

from __future__ import annotations

import itertools
import secrets
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.ui.conftest import Run
from tests.ui.stand_in import Refusal, StandIn, until
from tests.ui.test_drive_commands import connection
from ui.commands import recover


def candidate(appliance_id: str = "old-pi", **changes: Any) -> dict[str, Any]:
    facts = {"appliance_id": appliance_id, "archives": 7, "bytes": 9_000_000, "unknown_here": 7, "ours": False, "catalog_copy_at": None}
    return facts | changes


def state(**changes: Any) -> dict[str, Any]:
    facts = {
        "state": "done", "connection_id": "d1", "appliance_id": "old-pi", "archives_done": 7, "archives_total": 7, "adopted": 7,
        "already_here": 0, "skipped": [], "skipped_total": 0, "removed": 0, "users": 0, "scripts": 0, "deployments": 0, "settings": 0,
        "connections": [], "error": None,
    }  # fmt: skip
    return facts | changes


@pytest.fixture
def remote(appliance: StandIn) -> StandIn:
    looked = {"state": "done", "done_bytes": 0, "total_bytes": 0, "error": None, "result": {"appliances": [candidate()], "hint": None}}
    appliance.answers |= {
        "connection/show": connection(), "recovery/look": {"job_id": "j1"}, "integrity/job": looked,
        "recovery/start": {"appliance_id": appliance.topics.appliance_id}, "recovery/state": state(),
    }  # fmt: skip
    return appliance


def test_a_dry_run_shows_whose_archives_are_there_and_starts_nothing(remote: StandIn, run: Run) -> None:
    done = run("recover", "google", "--dry-run")
    assert done.status == 0
    assert ["old-pi", "7", "9.00", "MB", "7", "none"] in [line.split() for line in done.out.splitlines()]
    assert "pyarchive recover d1 --from APPLIANCE" in done.out
    assert run("recover", "google", "--dry-run", "--json").json == {"appliances": [candidate()], "hint": None}
    assert "recovery/start" not in [verb for verb, _ in remote.asked]


def test_a_dry_run_of_an_empty_remote_says_so(remote: StandIn, run: Run) -> None:
    remote.answers["integrity/job"] |= {"result": {"appliances": [], "hint": "look elsewhere"}}
    assert "no appliance has stored anything on google; look elsewhere" in run("recover", "google", "--dry-run").out
    done = run("recover", "google")
    assert (done.status, done.err) == (1, "pyarchive: no appliance has stored anything on google; look elsewhere\n")
    assert "recovery/start" not in [verb for verb, _ in remote.asked]


def test_what_came_back_is_told(remote: StandIn, run: Run) -> None:
    disk = {"kind": "folder", "name": "disk", "path": "/media/disk", "folder_id": "x", "client_id": None, "active": False}
    remote.answers["recovery/state"] = state(already_here=2, removed=1, users=2, deployments=3, connections=[disk])
    done = run("recover", "google")
    assert (done.status, done.err) == (0, "")
    for text in (
        "7 archives recovered, 1 of them in the state of removed",
        "2 were here already",
        "2 users (without passwords; `pyarchive user passwd` sets them), 3 deployments (disabled until an admin enables them)",
        "to be added again: connection disk (folder, /media/disk)",
        "pyarchive restore ARCHIVE",
    ):
        assert text in done.out
    assert ("recovery/start", {"connection": "d1"}) in remote.asked


def test_what_did_not_come_back_is_named_with_its_reason_and_ends_with_1(remote: StandIn, run: Run) -> None:
    skipped = [{"archive_id": "aaaa1111", "why": "its manifest is missing"}]
    remote.answers["recovery/state"] = state(skipped=skipped, skipped_total=3)
    done = run("recover", "google")
    assert done.status == 1
    assert "skipped: aaaa1111: its manifest is missing" in done.out
    assert "… and 2 more" in done.out
    assert "3 archives did not come back, or not whole" in done.err
    done = run("recover", "google", "--json")
    assert (done.status, done.json["skipped"]) == (1, skipped)


def test_a_recovery_is_followed_to_its_end_and_says_what_it_waits_for(remote: StandIn, run: Run) -> None:
    states = iter([state(state="running", error="the remote is away"), state(state="running", error="the remote is away"), state()])
    remote.answers["recovery/state"] = lambda _: next(states)
    done = run("recover", "google")
    assert done.status == 0
    assert done.err.count("it waits, and goes on by itself: the remote is away") == 1


def test_a_recovery_that_failed_says_why_and_how_to_go_on(remote: StandIn, run: Run) -> None:
    remote.answers["recovery/state"] = state(state="failed", adopted=0, error="the disk is full")
    done = run("recover", "google")
    assert done.status == 1
    assert "the disk is full; `pyarchive recover CONNECTION` goes on where it was" in done.err


def test_several_appliances_are_named_by_the_appliances_own_words(remote: StandIn, run: Run) -> None:
    def several(_: dict[str, Any]) -> Any:
        raise Refusal("conflict", "several appliances have something there: a (1 archives), b (2 archives); choose one: --from a")

    remote.answers["recovery/start"] = several
    done = run("recover", "google")
    assert done.status == 1
    assert "choose one: --from a" in done.err


def test_the_last_recovery_is_told_without_beginning_another(remote: StandIn, run: Run) -> None:
    assert "7 archives recovered" in run("recover").out
    assert [verb for verb, _ in remote.asked] == ["recovery/state", "recovery/state"]
    remote.answers["recovery/state"] = state(state="none")
    assert "no recovery was begun" in run("recover").err
    assert run("recover", "--dry-run").status == 2


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
def test_it_is_followed_under_the_id_that_the_appliance_takes_over(
    remote: StandIn, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    monkeypatch.setattr(recover, "_START_S", 1.0)
    new_id = f"old-pi-{secrets.token_hex(4)}"
    remote.answers["integrity/job"] |= {"result": {"appliances": [candidate(new_id)]}}
    successors: list[StandIn] = []

    def start_anew() -> None:
        remote.stop()
        times = itertools.count(1)  # it is asked as soon as it is there
        answers = {"recovery/state": lambda _: state(state="running" if next(times) < 3 else "done")}
        successors.append(StandIn(remote.address, new_id, tmp_path, answers))

    def start(_: dict[str, Any]) -> Any:
        if lost:
            threading.Thread(target=start_anew).start()
            threading.Event().wait(3)
        else:
            threading.Timer(0.3, start_anew).start()
        return {"appliance_id": new_id}

    remote.answers["recovery/start"] = start
    done = run("recover", "google")
    assert (done.status, "7 archives recovered" in done.out) == (0, True), done
    assert f"starts anew as {new_id}" in done.err
    until(lambda: successors)
    successors[0].stop()
