"""``pyarchive script``: what it asks, what it prints, how it ends."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.ui.conftest import Run
from tests.ui.stand_in import Refusal, StandIn

AT = "2026-11-22T10:00:00Z"
RUN_ID = "0000000112345678"
RUN: dict[str, Any] = {
    "run_id": RUN_ID, "script_id": "hello", "title": "Hello\x1b[2J", "asked_at": AT, "asked_by": "anna", "state": "ended", "exit_status": 0,
    "reason": None,
}  # fmt: skip
SCRIPT: dict[str, Any] = {
    "id": "hello", "title": "Hello", "description": "Says so", "permission": "change", "limits": {"wall_s": 5}, "version": 3,
    "shown_version": 3, "last_run": RUN, "next_run_at": AT, "source_base64": base64.b64encode(b"print('hello')\n").decode(),
}  # fmt: skip
DEPLOYED: dict[str, Any] = {
    "id": "d0a1b2c3", "script_id": "hello", "every_s": None, "cron": "30 3 * * *", "time_zone": None, "enabled": False, "next_at": [AT],
}  # fmt: skip


def line(number: int, stream: str = "stdout") -> dict[str, Any]:
    return {"sequence": number, "at": AT, "stream": stream, "text": f"line {number}\x1b[2J"}


def refuse(code: str, message: str) -> Any:
    def answer(_: dict[str, Any]) -> Any:
        raise Refusal(code, message)

    return answer


def test_list_shows_scripts_and_what_is_deployed(appliance: StandIn, run: Run) -> None:
    appliance.answers["script/list"] = {"scripts": [SCRIPT], "total": 1, "runner": "offline"}
    appliance.answers["deployment/list"] = {"deployments": [DEPLOYED], "paused": False}
    done = run("script", "list")
    for text in ("hello", "change", "ended with 0", "d0a1b2c3: hello 30 3 * * * (local time), switched off"):
        assert text in done.out
    assert "runner of scripts is away" in done.err
    assert run("script", "list", "--json").json["deployments"] == [DEPLOYED]


def test_save_makes_a_script_or_a_version_on_top_of_the_newest(appliance: StandIn, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_bytes(b"\xff\r\n")
    source = base64.b64encode(b"\xff\r\n").decode()
    appliance.answers["script/show"] = refuse("not_found", "there is none")
    appliance.answers["script/save"] = {**SCRIPT, "version": 1}
    assert run("script", "save", "hello", str(file)).out == "saved version 1 of hello; it may change\n"
    assert appliance.asked[-1] == ("script/save", {"script": "hello", "title": "hello", "source_base64": source})
    appliance.answers["script/show"] = SCRIPT
    run("script", "save", "hello", str(file), "--permission", "read")
    given = {"title": "Hello", "description": "Says so", "permission": "read", "limits": {"wall_s": 5}, "based_on": 3}
    assert appliance.asked[-1] == ("script/save", {"script": "hello", "source_base64": source, **given})
    assert "cannot be read" in run("script", "save", "hello", str(tmp_path / "nothing")).err


def test_show_prints_the_source(appliance: StandIn, run: Run) -> None:
    appliance.answers["script/show"] = SCRIPT
    assert run("script", "show", "hello").out == "print('hello')\n"


def test_run_waits_with_what_it_writes_and_ends_as_it_ended(appliance: StandIn, run: Run, tmp_path: Path) -> None:
    pages = [
        {"run": {**RUN, "state": "running", "exit_status": None}, "lines": [line(0), line(1, "stderr")], "more": False},
        {"run": RUN, "lines": [line(2)], "more": False},
    ]
    appliance.answers["script/run"] = {"run_id": RUN_ID}
    appliance.answers["script/output"] = lambda asked: pages[1 if asked["from_sequence"] else 0]
    done = run("script", "run", "hello", "--argument", "a", "--wait")
    assert (done.status, done.out, done.err) == (0, "line 0\\x1b[2J\nline 2\\x1b[2J\n", "line 1\\x1b[2J\n")
    assert appliance.asked[0] == ("script/run", {"script": "hello", "arguments": ["a"]})
    assert [each["sequence"] for each in run("script", "run", "hello", "--wait", "--json").json["lines"]] == [0, 1, 2]
    pages[1] = {"run": {**RUN, "state": "timed_out", "exit_status": -9, "reason": "its time was up"}, "lines": [], "more": False}
    failed = run("script", "run", "hello", "--wait")
    assert (failed.status, "timed out with -9: its time was up" in failed.err) == (1, True)
    pages[0]["lines"], pages[1] = [], pages[0]
    assert "has not ended in time" in run("script", "run", "hello", "--wait", "--timeout", "0.2").err
    file = tmp_path / "x.py"
    file.write_bytes(b"1")
    assert RUN_ID in run("script", "run", "--file", str(file)).out
    assert appliance.asked[-1] == ("script/run", {"arguments": [], "source_base64": "MQ==", "title": "x.py"})
    assert run("script", "run").status == 2


def test_deploy_and_undeploy(appliance: StandIn, run: Run) -> None:
    appliance.answers |= {
        "deployment/save": DEPLOYED,
        "deployment/list": {"deployments": [DEPLOYED], "paused": False},
        "deployment/remove": {},
    }
    assert "is deployed as d0a1b2c3" in run("script", "deploy", "hello", "--every", "2", "--overlap", "queue").out
    assert appliance.asked[-1] == ("deployment/save", {"script": "hello", "every_s": 2.0, "overlap": "queue", "arguments": []})
    assert run("script", "undeploy", "hello", "--json").json == {"removed": ["d0a1b2c3"]}
    assert "nothing is deployed" in run("script", "undeploy", "other").err
    assert run("script", "deploy", "hello").status == 2


def test_kill_delete_and_the_log_of_runs(appliance: StandIn, run: Run) -> None:
    appliance.answers |= {
        "script/kill": {}, "script/delete": refuse("conflict", "'hello' is deployed"), "script/runs": {"runs": [RUN], "total": 1},
        "script/output": {"run": RUN, "lines": [line(0)], "more": False},
    }  # fmt: skip
    assert run("script", "kill", RUN_ID).status == 0
    assert run("script", "delete", "hello").err.endswith("'hello' is deployed\n")
    assert f"{RUN_ID}  Hello\\x1b[2J" in run("script", "log").out
    run("script", "log", "hello")
    assert appliance.asked[-1] == ("script/runs", {"script": "hello", "limit": 20})
    assert run("script", "log", RUN_ID).out == "line 0\\x1b[2J\n"
