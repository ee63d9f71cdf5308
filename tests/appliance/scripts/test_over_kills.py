"""A kill of the appliance, as a power cut is one for it: scripts, history and deployments are as they were, and turns go on."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.appliance.scripts.stand_in import StandIn
from tests.processes import House
from tests.waiting import wait_for

SOURCE = base64.b64encode(b"print('\xff')\r\n").decode()


def test_what_is_deployed_goes_on_after_a_kill_and_what_ran_is_followed(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        runner = StandIn(house.client, house.topics)
        runner.come()
        house.ask("script/save", script="hello", title="Hello", source_base64=SOURCE)
        house.ask("deployment/save", script="hello", every_s=1)
        first = wait_for(lambda: next(iter(runner.orders), ""), what="its first turn")
        wait_for(lambda: house.ask("script/runs")["runs"][0]["state"] == "running", what="it to run")
        house.kill()
        runner.end(first, exit_status=7)
        house.start()
        second = wait_for(lambda: next((each for each in runner.orders if each != first), ""), 40, "a turn after the kill")
        assert house.ask("script/show", script="hello")["source_base64"] == SOURCE
        assert house.ask("script/output", run_id=first)["run"]["exit_status"] == 7
        assert second > first
