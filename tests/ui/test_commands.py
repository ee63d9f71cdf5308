"""Each subcommand against a scripted appliance: what it asks, what it prints, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mqtt.messages import ActiveConnection, Queue, UploadWindow
from tests.ui.conftest import Run
from tests.ui.stand_in import MIB, NOW, Refusal, StandIn, archive, problem, state
from tests.waiting import at_best
from ui.commands.get import _give_name
from ui.errors import Failed

ID = "aaaa1111aaaa1111"


# Looking


def test_status_shows_what_the_appliance_published(appliance: StandIn, run: Run) -> None:
    appliance.online(
        bytes_at_risk=2_000_000_000, queue=Queue(batches_up=120, bytes_up=2_000_000_000, batches_down=0, bytes_down=0), eta_s=3600.0
    )
    done = run("status")
    assert (done.status, done.err) == (0, "")
    for text in (
        "online, idle",
        "2, 5.00 GB (1 proven, 1 remote)",
        "2.00 GB only on this appliance",
        "120 batches up (2.00 GB), 60 min left",
        "disk (folder)",
    ):
        assert text in done.out


def test_status_tells_the_room_on_the_remote_and_how_old_its_proofs_are(appliance: StandIn, run: Run) -> None:
    days_ago = datetime.now(UTC) - timedelta(days=12)
    room = {"free_bytes": 3_000_000_000, "limit_bytes": 15_000_000_000, "reachable": False}
    appliance.online(active_connection=ActiveConnection.model_validate({"id": "c1", "name": "disk", "kind": "drive", **room}))
    done = run("status")
    assert "3.00 GB free of 15.0 GB, does not answer" in done.out
    assert "nothing was read back from a remote yet" in done.out
    appliance.online(last_proof_at=days_ago)
    assert "1 of 2 archives read back, the last time 12 days ago" in run("status").out
    appliance.online(last_proof_at=datetime.now(UTC), oldest_proof_at=days_ago)
    assert "everything was read back, what was longest ago 12 days ago" in run("status").out
    assert "not all local copies were read yet, not every remote was looked through yet" in run("status").out
    appliance.online(last_scrub_at=days_ago, last_listing_at=datetime.now(UTC) - timedelta(days=3))
    assert "local copies were read 12 days ago, remotes looked through 3 days ago" in run("status").out


def test_status_as_json_is_the_payload_of_the_state_topic(appliance: StandIn, run: Run) -> None:
    appliance.online()
    assert run("status", "--json").json == json.loads(state().payload())


def test_status_of_an_appliance_that_is_not_online_ends_with_1(appliance: StandIn, run: Run) -> None:
    appliance.online()
    appliance.publish("availability", b"offline")
    done = run("status", "--json")
    assert done.status == 1
    assert done.json["appliance_id"] == "stand-in"
    assert "is not online" in done.err
    assert done.err.count("\n") == 1


def test_status_shows_problems_with_their_next_step(appliance: StandIn, run: Run) -> None:
    appliance.online(status="needs_you", problems=[problem("store")])
    done = run("status")
    assert "needs you: trouble with store; mend it" in done.out


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (
            {"allowed": False, "reason": "the timetable pauses uploads until 18:00", "until_at": NOW},
            "uploads   wait: the timetable pauses uploads until 18:00",
        ),
        ({"limit_kb_per_s": 5, "reason": "the timetable limits uploads to 5 kB/s"}, "uploads   the timetable limits uploads to 5 kB/s"),
        ({"until_at": NOW}, "uploads   without a limit; the timetable changes that"),
    ],
)
def test_status_and_watch_say_what_the_upload_window_is(appliance: StandIn, run: Run, window: dict[str, Any], words: str) -> None:
    appliance.online(upload_window=UploadWindow.model_validate(window), metered=True)
    done = run("status")
    assert words in done.out
    assert "empty, metered" in done.out
    limits = words.removeprefix("uploads   ") if window.get("allowed", True) else "idle"
    assert limits in run("watch", "--timeout", 1).out


def test_status_says_nothing_of_uploads_that_are_free(appliance: StandIn, run: Run) -> None:
    appliance.online()
    assert "uploads" not in run("status").out


def test_list_and_show_tell_pins_and_the_order_made_by_hand(appliance: StandIn, run: Run) -> None:
    known = [archive(ID, pinned=True, position=1), archive("bbbb2222bbbb2222", created_at="2026-11-01T10:00:00Z")]
    appliance.answers |= {"archive/list": {"archives": known, "total": 2}, "archive/show": known[0]}
    lines = run("list").out.splitlines()
    assert lines[0].split() == ["TITLE", "SIZE", "RUNG", "HEALTH", "LOCAL", "STORED", "AGE", "ORDER", "ID"]
    assert "yes, pinned" in lines[1]
    assert lines[1].split()[-2:] == ["2", ID]
    shown = run("show", ID).out
    assert "yes, pinned" in shown
    assert f"number 2 by hand; `pyarchive usual {ID}` ends that" in shown
    appliance.answers["archive/list"] = {"archives": known[1:], "total": 1}
    assert "ORDER" not in run("list").out


def test_status_imports_nothing_that_it_does_not_use(appliance: StandIn, client_data: Path) -> None:
    appliance.online()
    program = (
        "import sys; from ui.cli import main; status = main(['--data', sys.argv[1], 'status', '--json']); "
        "heavy = {'rich', 'pydantic', 'tinydb', 'watchdog', 'asyncio'} & set(sys.modules); "
        "print(heavy or '', file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(client_data)], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_status_costs_at_most_half_a_second_of_processor_time(appliance: StandIn, client_data: Path) -> None:
    """The budget is 0.6 s for the whole process; on a machine that is busy with other things only processor time can be judged."""
    appliance.online()
    command = [sys.executable, "-m", "ui.cli", "--data", str(client_data), "status"]

    def processor_s() -> float:
        before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(command, capture_output=True, check=True)
        after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began_s
        cost_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"pyarchive status: {cost_s:.2f} s of processor time, {wall_s:.2f} s in all")
        return cost_s

    assert at_best(processor_s, 0.5) <= 0.5


def test_an_unreachable_broker_is_named_with_how_to_start_it(tmp_path: Path, run: Run) -> None:
    (tmp_path / "data" / "client.toml").write_text('appliance_id = "gone"\n[mqtt]\nhost = "127.0.0.1"\nport = 1\n')
    done = run("status")
    assert done.status == 1
    assert "127.0.0.1:1 cannot be reached" in done.err
    assert "pyarchive demo --data" in done.err
    assert done.err.count("\n") == 1


def test_watch_prints_plain_lines_without_a_terminal(appliance: StandIn, run: Run) -> None:
    appliance.online(problems=[problem("store")])
    done = run("watch", "--timeout", 1)
    assert done.status == 0
    assert "idle (everything is remote): 2 archives, 5.00 GB; nothing at risk" in done.out
    assert "needs you: trouble with store" in done.out
    assert "\x1b" not in done.out


def test_watch_as_json_is_a_message_a_line(appliance: StandIn, run: Run) -> None:
    appliance.online()
    lines = [json.loads(line) for line in run("watch", "--json", "--timeout", 1).out.splitlines()]
    assert {"topic": "availability", "data": "online"} in lines


def test_wrong_usage_ends_with_2(run: Run, tmp_path: Path) -> None:
    for arguments in (
        [],
        ["nonsense"],
        ["put"],
        ["put", "--timeout", "-1", "x"],
        ["put", "--title", "t", "a", "b"],
        ["connection", "add", "folder"],
    ):
        assert run(*arguments).status == 2


# Lists


def test_list_fetches_all_pages_newest_first(appliance: StandIn, run: Run) -> None:
    known = [archive(f"{n:016x}", created_at=f"2026-11-{1 + n // 60:02}T10:{n % 60:02}:00Z") for n in range(450)]

    def page(asked: dict[str, Any]) -> Any:
        newest = known[::-1][asked["offset"] : asked["offset"] + asked["limit"]]
        return {"archives": newest, "total": len(known)}

    appliance.answers["archive/list"] = page
    done = run("list", "--json")
    assert done.json == {"archives": known[::-1]}
    assert appliance.times_asked("archive/list") == 3


def test_list_is_a_table_and_harmless_to_a_terminal(appliance: StandIn, run: Run) -> None:
    appliance.answers["archive/list"] = {
        "archives": [archive(ID, title="evil\x1b]0;x\x07\nline"), archive("bbbb", title="写真")],
        "total": 2,
    }
    done = run("list")
    header, first, second, total = done.out.splitlines()
    assert header.split() == ["TITLE", "SIZE", "RUNG", "HEALTH", "LOCAL", "STORED", "AGE", "ID"]
    assert "evil\\x1b]0;x\\x07\\nline" in first
    assert second.startswith("写真")
    assert total == "2 archives, 83.9 MB"


def test_an_empty_list_says_what_to_do(appliance: StandIn, run: Run) -> None:
    appliance.answers["archive/list"] = {"archives": [], "total": 0}
    assert "pyarchive put" in run("list").out
    assert run("list", "--json").json == {"archives": []}


def test_a_reader_that_goes_away_is_no_traceback(appliance: StandIn, client_data: Path) -> None:
    appliance.answers["archive/list"] = {"archives": [archive(f"{n:016x}", title="x" * 500) for n in range(150)], "total": 150}
    command = f"{sys.executable} -m ui.cli --data {client_data} list | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_show_tells_the_placements_with_their_dates(appliance: StandIn, run: Run) -> None:
    placement = {
        "connection_id": "c1", "connection_name": "disk", "active": True, "rung": "proven", "batches_stored": 3, "manifest_stored": True,
        "proven_at": "2026-11-02T10:00:00Z",
    }  # fmt: skip
    appliance.archives[ID] = archive(ID, placements=[placement], rung="proven")
    done = run("show", ID)
    for text in ("on disk (c1, active)", "3 of 3 batches, manifest stored", "2026-11-02"):
        assert text in done.out
    assert run("show", ID, "--json").json == appliance.archives[ID]


def test_an_error_of_the_appliance_is_shown_as_it_is(appliance: StandIn, run: Run) -> None:
    done = run("show", "nothing")
    assert (done.status, done.err) == (1, "pyarchive: there is no archive 'nothing'; `pyarchive list` shows all\n")


# Simple changes


@pytest.mark.parametrize(
    ("arguments", "verb", "sent", "answer", "line"),
    [
        (["rename", ID, "new"], "archive/rename", {"archive": ID, "title": "new"}, archive(ID, title="new"), f"{ID} is now new"),
        (["remove", ID], "archive/remove", {"archive": ID}, {"archive_id": ID, "undo_until_at": "2026-12-22T10:00:00Z"}, "undo"),
        (["undo", ID], "archive/undo", {"archive": ID}, archive(ID), "is back"),
        (["restore", ID], "archive/restore", {"archive": ID}, archive(ID, local=False), "on its way back"),
        (["sync"], "transfer/sync", {}, {}, "tried again"),
        (["pause"], "transfer/pause", {}, {}, "paused"),
        (["resume"], "transfer/resume", {}, {}, "go on"),
        (["pin", ID], "archive/pin", {"archive": ID}, archive(ID, pinned=True), "holidays.tar is pinned"),
        (["unpin", ID], "archive/unpin", {"archive": ID}, archive(ID), "holidays.tar is not pinned"),
        (["first", ID], "transfer/first", {"archive": ID, "position": 0}, archive(ID, position=0), "holidays.tar is number 1 now"),
        (["first", ID, "--position", "3"], "transfer/first", {"archive": ID, "position": 2}, archive(ID, position=1), "number 2 now"),
        (["usual", ID], "transfer/usual", {"archive": ID}, archive(ID), "its turn comes by itself"),
        (["settings", "get"], "settings/get", {}, {"settings": [], "json_schema": {}}, "NAME"),
        (["log", "--limit", "5"], "log/query", {"limit": 5, "level": "info"}, {"lines": []}, ""),
        (
            ["log", "--source", "intake", "--since", "2026-11-25T18:00+01:00", "--until", "2026-11-25T17:30:00Z"],
            "log/query",
            {"limit": 100, "level": "info", "source": "intake", "since_at": "2026-11-25T17:00:00Z", "until_at": "2026-11-25T17:30:00Z"},
            {"lines": []},
            "",
        ),
    ],
)
def test_a_request_is_sent_and_its_answer_printed(
    appliance: StandIn, run: Run, arguments: list[str], verb: str, sent: dict[str, Any], answer: Any, line: str
) -> None:
    appliance.answers[verb] = answer
    done = run(*arguments)
    assert (done.status, done.err) == (0, "")
    assert appliance.asked == [(verb, sent)]
    assert line in done.out
    assert run(*arguments, "--json").json == answer


@pytest.mark.parametrize(("text", "value"), [("20", 20), ("1.5", 1.5), ("true", True), ("home", "home"), ('{"a": 1}', '{"a": 1}')])
def test_settings_are_sent_as_numbers_truths_or_text(appliance: StandIn, run: Run, text: str, value: object) -> None:
    appliance.answers |= {"settings/set": {}, "settings/get": {"name": "x", "value": value, "source": "set", "description": "what it is"}}
    assert run("settings", "set", "x", text).status == 0
    assert appliance.asked[0] == ("settings/set", {"name": "x", "value": value})


def test_a_setting_can_be_taken_back(appliance: StandIn, run: Run) -> None:
    appliance.answers |= {"settings/set": {}, "settings/get": {"name": "x", "value": 0, "source": "default", "description": "what it is"}}
    assert run("settings", "set", "x", "--default").status == 0
    assert appliance.asked[0][1].get("value") is None


def test_log_lines_are_printed_oldest_first(appliance: StandIn, run: Run) -> None:
    line = {"at": "2026-11-22T10:00:00Z", "level": "warning", "source": "engine", "message": "bad\x1b", "archive_id": None}
    appliance.answers["log/query"] = {"lines": [line]}
    assert run("log").out.endswith("warning engine: bad\\x1b\n")


# Connections


def connection(**changes: Any) -> dict[str, Any]:
    facts = {
        "id": "c1", "kind": "folder", "name": "disk", "active": False, "valid": False, "path": "/media/disk", "validated_at": None,
        "free_bytes": 10**12, "limit_bytes": None, "used_bytes": None, "last_error": None, "next_try_at": None,
    }  # fmt: skip
    return facts | changes


def test_a_connection_is_added_with_an_absolute_path(appliance: StandIn, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    appliance.answers["connection/add"] = {"id": "c1"}
    assert run("connection", "add", "folder", "--name", "disk", "--path", "usb", "--json").json == {"id": "c1"}
    assert appliance.asked == [("connection/add", {"kind": "folder", "name": "disk", "path": str(tmp_path / "usb")})]


def test_connections_are_listed_shown_and_changed(appliance: StandIn, run: Run) -> None:
    appliance.answers |= {"connection/list": {"connections": [connection()]}, "connection/remove": {}}
    appliance.answers |= {f"connection/{verb}": connection(valid=True, active=True) for verb in ("show", "validate", "activate", "rename")}
    assert "/media/disk" in run("connection", "list").out
    assert run("connection", "list", "--json").json == {"connections": [connection()]}
    assert "1.00 TB free" in run("connection", "show", "disk").out
    assert "disk is valid" in run("connection", "validate", "disk").out
    assert "disk is active" in run("connection", "activate", "disk").out
    assert run("connection", "rename", "disk", "new").status == 0
    assert appliance.asked[-1] == ("connection/rename", {"connection": "disk", "name": "new"})
    assert "disk is forgotten" in run("connection", "remove", "disk").out


# Jobs


def result(**changes: Any) -> dict[str, Any]:
    zero = {
        "archives": 1,
        "batches_checked": 3,
        "batches_damaged": 0,
        "batches_repaired": 0,
        "damage_left": 0,
        "unknown": [],
        "findings": [],
    }
    return zero | changes


def job(**changes: Any) -> dict[str, Any]:
    return {"state": "done", "done_bytes": 1, "total_bytes": 1, "error": None, "result": result()} | changes


def test_verify_waits_for_its_job_and_ends_with_0_when_all_is_well(appliance: StandIn, run: Run) -> None:
    steps = iter([job(state="running"), job(state="running", done_bytes=2), job()])
    appliance.answers |= {"integrity/verify": {"job_id": "j1"}, "integrity/job": lambda _asked: next(steps)}
    done = run("verify", ID, "--local", "--repair")
    assert (done.status, done.out) == (0, "checked 3 batches of 1 archive: 0 damaged, 0 repaired, 0 unknown\n")
    assert appliance.asked[0] == (
        "integrity/verify",
        {"archives": [ID], "local": True, "remote": False, "read_back": False, "repair": True},
    )


def test_verify_ends_with_1_while_damage_remains_and_shows_where(appliance: StandIn, run: Run) -> None:
    finding = {"archive_id": ID, "title": "holidays", "batch_index": 2, "where": "local", "what": "wrong bytes", "repaired": False}
    answer = job(result=result(batches_damaged=1, damage_left=1, findings=[finding]))
    appliance.answers |= {"integrity/verify": {"job_id": "j1"}, "integrity/job": answer}
    done = run("verify")
    assert done.status == 1
    assert "--repair" in done.err
    assert ["holidays", "2", "local", "wrong", "bytes", "no", ID] in [line.split() for line in done.out.splitlines()]
    assert run("verify", "--json").json == answer["result"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (job(result=result(unknown=["c1: the disk is away"])), "could not be judged"),
        (job(state="failed", result=None, error={"code": "x", "message": "the remote is away; mount it"}), "the remote is away; mount it"),
    ],
)
def test_a_check_that_could_not_judge_ends_with_1(appliance: StandIn, run: Run, answer: dict[str, Any], words: str) -> None:
    appliance.answers |= {"integrity/verify": {"job_id": "j1"}, "integrity/job": answer}
    done = run("verify")
    assert done.status == 1
    assert words in done.err


@pytest.mark.parametrize("how", ["interrupted", "forgotten"])
def test_a_check_that_a_restart_interrupted_is_started_again(appliance: StandIn, run: Run, how: str) -> None:
    def answer(_asked: dict[str, Any]) -> Any:
        if appliance.times_asked("integrity/verify") == 2:
            return job()
        if how == "forgotten":
            raise Refusal("not_found", "there is no such job")
        return job(state="interrupted")

    appliance.answers |= {"integrity/verify": {"job_id": "j1"}, "integrity/job": answer}
    done = run("verify")
    assert done.status == 0
    assert "started again" in done.err


def test_release_tells_why_it_was_refused(appliance: StandIn, run: Run) -> None:
    appliance.archives[ID] = archive(ID)
    refused = job(state="failed", error={"code": "refused", "message": "batch 1 is not on the remote; nothing was freed"}, result=None)
    appliance.answers |= {"archive/release": {"job_id": "j1"}, "integrity/job": refused}
    done = run("release", ID)
    assert (done.status, done.err) == (1, "pyarchive: batch 1 is not on the remote; nothing was freed\n")


def test_a_release_that_was_done_before_the_restart_is_done(appliance: StandIn, run: Run) -> None:
    shown = iter([archive(ID), archive(ID, local=False), archive(ID, local=False)])
    appliance.answers |= {
        "archive/show": lambda _asked: next(shown),
        "archive/release": {"job_id": "j1"},
        "integrity/job": job(state="interrupted"),
    }
    done = run("release", ID)
    assert done.status == 0
    assert f"pyarchive restore {ID}" in done.out
    assert appliance.times_asked("archive/release") == 1


def test_orphans_are_listed_and_never_deleted(appliance: StandIn, run: Run) -> None:
    orphan = {"where": "c1", "archive_id": ID, "name": "00000001", "size_bytes": 16 * MIB, "adopted": False}
    answer = job(result={"orphans": [orphan], "tombstones": 2})
    appliance.answers |= {"integrity/orphans": {"job_id": "j1"}, "integrity/job": answer}
    done = run("orphans")
    assert done.status == 0
    assert "1 orphan, 2 objects with a tombstone; `pyarchive orphans --adopt`" in done.out
    assert run("orphans", "--adopt", "--json").json == answer["result"]
    assert appliance.asked[-2] == ("integrity/orphans", {"adopt": True})


def test_a_self_test_says_what_is_wrong_and_accepts_only_what_was_wrong_before(appliance: StandIn, run: Run, tmp_path: Path) -> None:
    checks = [{"name": "store", "passed": False, "words": "it is away"}, {"name": "broker", "passed": True, "words": "heard"}]
    appliance.answers |= {"upgrade/self-test": {"version": "1", "trial_id": "t1", "passed": False, "checks": checks}, "upgrade/accept": {}}
    done = run("self-test", "--json", "--accept", "t1")
    assert (done.status, done.json["checks"]) == (1, checks)
    assert "store: it is away" in done.err
    assert appliance.times_asked("upgrade/accept") == 0
    known = tmp_path / "known.json"
    known.write_text(done.out)
    assert run("self-test", "--accept", "t1", "--known", str(known)).status == 0
    assert appliance.asked[-1] == ("upgrade/accept", {"trial_id": "t1", "known": checks[:1]})
    known.write_text("[]")
    assert run("self-test", "--known", str(known)).status == 2


# Waiting


def test_restore_waits_until_the_file_is_back(appliance: StandIn, run: Run) -> None:
    appliance.online()
    shown = iter([archive(ID, local=False, batches_cached=n) for n in range(3)] + [archive(ID)])
    appliance.answers |= {"archive/restore": archive(ID, local=False), "archive/show": lambda _asked: next(shown)}
    done = run("restore", ID, "--wait")
    assert (done.status, done.out) == (0, "holidays.tar is local\n")


def test_a_wait_ends_with_1_on_a_problem_that_needs_a_person(appliance: StandIn, run: Run) -> None:
    appliance.online(problems=[problem("store")])
    appliance.answers |= {"archive/restore": archive(ID, local=False), "archive/show": archive(ID, local=False)}
    done = run("restore", ID, "--wait")
    assert (done.status, done.err) == (1, "pyarchive: holidays.tar waits: trouble with store; mend it\n")


def test_a_wait_ends_with_1_when_the_time_is_over(appliance: StandIn, run: Run) -> None:
    appliance.online()
    appliance.answers |= {
        "archive/restore": archive(ID, local=False),
        "archive/show": archive(ID, local=False, waiting_for="the line is down"),
    }
    done = run("restore", ID, "--wait", "--timeout", 0.5)
    assert done.status == 1
    assert "the time is over" in done.err
    assert "waits: the line is down" in done.err


def test_a_wait_for_what_is_lost_or_removed_ends_with_1(appliance: StandIn, run: Run) -> None:
    appliance.online()
    for changes, words in (({"health": "lost"}, "is lost"), ({"removed_at": "2026-11-22T10:00:00Z"}, "undo")):
        appliance.answers |= {"archive/restore": archive(ID, local=False), "archive/show": archive(ID, local=False, **changes)}
        done = run("restore", ID, "--wait")
        assert done.status == 1
        assert words in done.err


# get


@pytest.fixture
def stored(appliance: StandIn, tmp_path: Path) -> Path:
    """An archive whose local copy is really there."""
    content = os.urandom(100_000)
    file = tmp_path / "store" / "holidays.tar"
    file.parent.mkdir()
    file.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    appliance.answers["archive/locate"] = {
        "archive_id": ID, "path": str(file), "file_name": "holidays.tar", "size_bytes": len(content), "sha256": sha256
    }  # fmt: skip
    return file


@pytest.mark.parametrize("destination", ["", "copy.tar"])
def test_get_copies_into_a_folder_or_a_file(stored: Path, run: Run, tmp_path: Path, destination: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    target = out / (destination or "holidays.tar")
    done = run("get", ID, out / destination, "--json")
    assert done.status == 0
    assert done.json["path"] == str(target)
    assert target.read_bytes() == stored.read_bytes()
    assert list(out.iterdir()) == [target]


def test_get_overwrites_only_with_force(stored: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_bytes(b"precious")
    done = run("get", ID, target)
    assert done.status == 1
    assert "--force" in done.err
    assert target.read_bytes() == b"precious"
    assert run("get", ID, target, "--force").status == 0
    assert target.read_bytes() == stored.read_bytes()


def test_get_does_not_overwrite_a_file_that_appeared_meanwhile(tmp_path: Path) -> None:
    fresh, target = tmp_path / "fresh", tmp_path / "target"
    fresh.write_bytes(b"archive")
    target.write_bytes(b"precious")
    with pytest.raises(Failed, match="--force"):
        _give_name(fresh, target, force=False)
    assert target.read_bytes() == b"precious"


def test_get_never_replaces_a_device(stored: Path, run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    done = run("get", ID, tmp_path / "fifo", "--force")
    assert done.status == 1
    assert "is not a file" in done.err


def test_get_keeps_nothing_of_a_damaged_copy(stored: Path, run: Run, tmp_path: Path) -> None:
    stored.write_bytes(b"x" * 100_000)
    out = tmp_path / "out"
    out.mkdir()
    done = run("get", ID, out)
    assert done.status == 1
    assert "pyarchive verify" in done.err
    assert list(out.iterdir()) == []


def test_get_of_a_released_archive_names_restore(appliance: StandIn, run: Run, tmp_path: Path) -> None:
    def released(_asked: dict[str, Any]) -> Any:
        raise Refusal("not_local", "holidays.tar was released; `pyarchive restore aaaa1111aaaa1111` brings it back")

    appliance.answers["archive/locate"] = released
    done = run("get", ID, tmp_path / "x")
    assert done.status == 1
    assert "pyarchive restore" in done.err


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b/evil"])
def test_get_writes_only_into_the_folder_that_was_given(appliance: StandIn, stored: Path, run: Run, tmp_path: Path, name: str) -> None:
    appliance.answers["archive/locate"] |= {"file_name": name}
    out = tmp_path / "out"
    out.mkdir()
    assert run("get", ID, out).status == 0
    assert [file.name for file in out.iterdir()] == ["evil"]


def test_get_into_a_folder_that_is_missing_says_so(stored: Path, run: Run, tmp_path: Path) -> None:
    for destination in (f"{tmp_path}/none/", f"{tmp_path}/none/file"):
        done = run("get", ID, destination)
        assert done.status == 1
        assert "there is no folder" in done.err
