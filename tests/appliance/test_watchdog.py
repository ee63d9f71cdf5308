"""The watchdog is fed while the appliance goes round, and no longer; a disk that hangs is told and not mended by a restart."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from appliance.liveness import Liveness, Loop
from tests.processes import House
from tests.service_manager import Manager
from tests.waiting import wait_for

WATCHDOG_S = 4.0


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manager:
    manager = Manager(tmp_path, WATCHDOG_S)
    for name, value in manager.environment.items():
        monkeypatch.setenv(name, value)
    return manager


def problems(house: House) -> str:
    """What the system holds, in words."""
    state = json.loads(house.seen.get(house.topics("appliance/state"), b"{}"))
    return "".join(problem["message"] for problem in state.get("problems", []) if problem["code"] == "system_hangs")


def test_it_is_ready_and_alive_without_a_broker_and_says_when_it_stops(tmp_path: Path, manager: Manager) -> None:
    with manager, House(tmp_path) as house:
        house.broker.stop()
        assert manager.hears("READY=1")
        assert manager.hears("WATCHDOG=1")
        house.stop()
        assert manager.hears("STOPPING=1", 5)


def test_a_lane_that_hangs_in_a_lock_ends_the_feeding(tmp_path: Path, manager: Manager) -> None:
    freeze = tmp_path / "freeze"
    with manager, House(tmp_path, ["-m", "tests.appliance.frozen_appliance", str(freeze)]) as house:
        assert manager.hears("WATCHDOG=1")
        freeze.touch()
        wait_for(lambda: "has given no sign" in house.log.read_text(), what="the hang to be noticed")
        while manager.hears("WATCHDOG=1", 0.1):
            pass
        assert not manager.hears("WATCHDOG=1", WATCHDOG_S)
        house.kill()


def test_a_store_that_hangs_is_told_and_the_feeding_goes_on(tmp_path: Path, manager: Manager) -> None:
    with manager, House(tmp_path, ["-m", "tests.appliance.frozen_appliance", str(tmp_path / "never")]) as house:
        assert manager.hears("READY=1")
        marker = house.data / "store" / ".pyarchive"
        content = marker.read_bytes()
        marker.unlink()
        os.mkfifo(marker)  # whoever opens it waits, as for a share whose server is gone
        wait_for(lambda: "disks" in problems(house), what="the problem to be said")
        assert manager.hears("WATCHDOG=1", WATCHDOG_S)
        writing = os.open(marker, os.O_WRONLY)
        os.write(writing, content)
        os.close(writing)
        marker.unlink()
        marker.write_bytes(content)
        wait_for(lambda: not problems(house), what="the problem to be cleared")


def test_a_loop_that_ends_or_falls_silent_is_late_and_one_that_was_ended_is_not() -> None:
    liveness = Liveness()
    ended, silent = liveness.loop("ended", 60), Loop("silent", -1)
    liveness.watch(silent.late)
    thread = threading.Thread(target=ended.round)
    thread.start()
    thread.join()
    assert [words.partition(" for ")[0] for words in liveness.late()] == ["ended has ended", "silent has given no sign"]
    liveness.end()
    assert liveness.late() == []
