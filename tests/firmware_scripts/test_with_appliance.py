"""Runner, broker with the project's rights and a real appliance: a script's whole way."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest

from mqtt.script_messages import UNFINISHED
from tests.processes import House
from tests.runners import RunnerProcess
from tests.waiting import wait_for

ENDLESS = "import time\nwhile True: print('on', flush=True); time.sleep(0.1)"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), broker="mosquitto") as house:
        house.connect()
        yield house


@pytest.fixture(scope="module")
def runner(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerProcess]:
    with RunnerProcess(house.address_of("scripts"), house.topics, tmp_path_factory.mktemp("runner")) as runner:
        wait_online(house)
        yield runner


def wait_online(house: House) -> None:
    wait_for(lambda: house.ask("script/list")["runner"] == "online", 30, "the runner to be online")


def start(house: House, source: str, permission: str = "read", *arguments: str) -> str:
    encoded = base64.b64encode(source.encode()).decode()
    asked = house.ask("script/run", title="Tried", source_base64=encoded, permission=permission, arguments=list(arguments))
    return str(asked["run_id"])


def run_of(house: House, run_id: str) -> Any:
    return house.ask("script/output", run_id=run_id)


def wait_end(house: House, run_id: str) -> tuple[Any, list[str]]:
    wait_for(lambda: run_of(house, run_id)["run"]["state"] not in UNFINISHED, 30, "the run to end")
    page = run_of(house, run_id)
    return page["run"], [line["text"] for line in page["lines"]]


def test_a_script_sees_the_archives_and_its_lines_are_kept(house: House, runner: RunnerProcess) -> None:
    archive_id = house.put(os.urandom(100_000), title="Film")
    source = "import sys\nfrom appliance_api import appliance\nfor a in appliance.archives(): print(a.id, a.title, sys.argv[1:])"
    run, lines = wait_end(house, start(house, source, "read", "word"))
    assert (run["state"], run["exit_status"]) == ("ended", 0)
    assert f"{archive_id} Film ['word']" in lines


def test_one_that_may_only_look_changes_nothing_and_is_told_how_it_could(house: House, runner: RunnerProcess) -> None:
    source = "from appliance_api import *\ntry: appliance.ask('transfer/pause')\nexcept NotAllowed as error: print(error)"
    _, lines = wait_end(house, start(house, source))
    assert "permission" in lines[0]
    _, lines = wait_end(house, start(house, source, "change"))
    assert lines == []
    house.ask("transfer/resume")


@pytest.mark.parametrize("verb", ["user/list", "script/list", "user/setup-code"])
def test_accounts_and_scripts_are_out_of_reach_of_all(house: House, runner: RunnerProcess, verb: str) -> None:
    source = f"from appliance_api import *\ntry: print(appliance.ask({verb!r}))\nexcept NotAllowed as error: print('no')"
    assert wait_end(house, start(house, source, "change"))[1] == ["no"]


def test_a_run_that_is_stopped_is_told_so_while_transfers_go_on(house: House, runner: RunnerProcess) -> None:
    run_id = start(house, ENDLESS)
    wait_for(lambda: len(run_of(house, run_id)["lines"]) > 3, 30, "lines")
    archive_id = house.put(os.urandom(3_000_000))
    house.wait_remote(archive_id)
    house.ask("script/kill", run_id=run_id)
    run, lines = wait_end(house, run_id)
    assert run["state"] == "killed"
    assert lines[0] == "on"


def test_a_run_of_a_runner_that_was_killed_is_lost_not_running(house: House, runner: RunnerProcess) -> None:
    run_id = start(house, ENDLESS)
    wait_for(lambda: run_of(house, run_id)["lines"], 30, "lines")
    runner.kill()
    runner.start()
    run, _ = wait_end(house, run_id)
    assert run["state"] == "lost"
    assert run["reason"]
    wait_online(house)
    assert wait_end(house, start(house, "print('next')"))[1] == ["next"]


def test_a_restart_of_the_appliance_ends_no_run(house: House, runner: RunnerProcess) -> None:
    run_id = start(house, ENDLESS)
    wait_for(lambda: run_of(house, run_id)["lines"], 30, "lines")
    house.kill()
    house.start()
    before = wait_for(lambda: run_of(house, run_id)["lines"], 30, "the appliance to be back")
    wait_for(lambda: run_of(house, run_id)["lines"][-1]["sequence"] > before[-1]["sequence"], 30, "more lines")
    assert run_of(house, run_id)["run"]["state"] == "running"
    house.ask("script/kill", run_id=run_id)
    assert wait_end(house, run_id)[0]["state"] == "killed"


def test_a_verb_is_no_topic(house: House, runner: RunnerProcess) -> None:
    """What a script can ask for is decided by verbs: a name with slashes or wildcards is none."""
    source = """
from appliance_api import *
for verb in ("../../appliance/state", "command/sync/more", "archive/#", "x"):
    try: appliance.ask(verb, timeout_s=3)
    except ApplianceError as error: print(error.code)
"""
    assert wait_end(house, start(house, source, "change"))[1] == ["bad_request"] * 4


HOSTILE = {
    "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "output": "while True: print('x' * 1000)",
    "memory": "held = []\nwhile True: held.append(bytearray(b'x' * (1 << 20)))",
    "requests": "from appliance_api import *\nwhile True: appliance.ask('archive/list', limit=200)",
}


def test_transfers_go_on_beside_hostile_scripts(house: House, runner: RunnerProcess) -> None:
    runs = [start(house, source) for source in HOSTILE.values()]
    archive_id = house.put(os.urandom(5_000_000))
    house.wait_remote(archive_id, 30)
    for run_id in runs:
        house.ask("script/kill", run_id=run_id)
        run, _ = wait_end(house, run_id)
        assert run["state"] in {"killed", "over_limit"}, run
