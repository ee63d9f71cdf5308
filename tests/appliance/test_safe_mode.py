"""After repeated crashes the appliance is held back, says so, and a person ends it. The kills are real ones."""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from appliance.starts import MOST, MOST_IN_SAFE_MODE, WITHIN_S, Mode, Starts
from mqtt.requests import RequestFailed
from tests.processes import House
from tests.waiting import wait_for


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the manager lets starts be counted."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    return folder / "starts.json"


def crashed(file: Path, times: int, mode: Mode = Mode.FULL, ago_s: float = 1.0) -> None:
    starts = [time.monotonic() - ago_s] * times
    file.write_text(json.dumps({"version": version("pyarchive-appliance"), "starts": starts, "mode": mode}))


def problems(house: House) -> list[str]:
    state = json.loads(house.seen.get(house.topics("appliance/state"), b"{}"))
    return [problem["code"] for problem in state.get("problems", [])]


def refused(house: House, verb: str, **parameters: Any) -> str:
    with pytest.raises(RequestFailed) as error:
        house.ask(verb, **parameters)
    return error.value.code


def test_five_kills_in_a_row_lead_to_safe_mode_which_a_person_ends(tmp_path: Path, counted: Path) -> None:
    with House(tmp_path, upload_limit_kb_per_s=1) as house:
        house.connect()
        archive_id = house.put(b"x" * 100_000)
        house.kill()
        crashed(counted, MOST - 2)
        for start in range(2):
            house.start()
            wait_for(lambda: len(json.loads(counted.read_text())["starts"]) == MOST - 1 + start, what="the start to be counted")  # noqa: B023 - waited for within the turn
            house.kill()
        house.start()
        wait_for(lambda: "safe_mode" in problems(house), what="safe mode to be said")
        state = json.loads(house.seen[house.topics("appliance/state")])
        assert (state["status"], state["counts"]["archives"]) == ("needs_you", 1)
        assert "pyarchive safe-mode --end" in state["status_reason"]
        wait_for(lambda: b'"needs_you"' in house.seen.get(house.topics("frontpanel/state"), b""), what="the lamp")
        assert refused(house, "archive/begin", file_name="a", size_bytes=1) == "safe_mode"
        assert refused(house, "archive/remove", archive=archive_id) == "safe_mode"
        assert refused(house, "integrity/verify") == "safe_mode"
        house.ask("settings/set", name="undo_days", value=31)
        assert house.show(archive_id)["waiting_for"] == "the appliance is in safe mode"
        house.ask("safe-mode/end")
        wait_for(lambda: house.ask("safe-mode/show")["mode"] == "full", what="safe mode to be over")
        house.begin(b"y", "b")
        house.stop()
        assert not counted.exists(), "a clean stop forgives"


def test_where_not_even_the_catalog_can_be_read_the_cause_is_answered(tmp_path: Path, counted: Path) -> None:
    with House(tmp_path) as house:
        wait_for(lambda: house.seen.get(house.topics.availability) == b"online")
        house.kill()
        crashed(counted, MOST_IN_SAFE_MODE, Mode.SAFE)
        house.start()
        state = house.ask("safe-mode/show")
        assert state["mode"] == "minimal"
        assert "ended 8 times" in state["reason"]
        assert refused(house, "archive/list") == "safe_mode"
        assert house.seen[house.topics.availability] == b"offline"
        house.ask("safe-mode/end")
        wait_for(lambda: house.seen[house.topics.availability] == b"online", what="the appliance to be whole again")


def test_what_counts_as_a_crash(tmp_path: Path, counted: Path) -> None:
    def begun(of: str = "1") -> Mode:
        return Starts({"RUNTIME_DIRECTORY": str(tmp_path / "run")}, of).begin()

    assert [begun() for _ in range(MOST + 1)] == [Mode.FULL] * MOST + [Mode.SAFE]
    assert [begun() for _ in range(MOST_IN_SAFE_MODE)] == [Mode.SAFE] * (MOST_IN_SAFE_MODE - 1) + [Mode.MINIMAL]
    assert begun("2") is Mode.FULL, "another version begins anew"
    crashed(counted, MOST, ago_s=WITHIN_S + 1)
    assert Starts({"RUNTIME_DIRECTORY": str(tmp_path / "run")}, version("pyarchive-appliance")).begin() is Mode.FULL
    counted.write_text("{broken")
    assert begun() is Mode.FULL
    assert [Starts({}, "1").begin() for _ in range(MOST + 1)] == [Mode.FULL] * (MOST + 1), "without a manager nothing is counted"
