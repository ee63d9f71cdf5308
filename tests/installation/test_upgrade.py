"""An upgrade ends with the new version, or with the old one and all data: whatever the new one does, and whenever it is broken off."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from appliance.installation import keeping, trying, upgrade_journal
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import UNITS
from appliance.installation.upgrade_journal import Stage
from tests.installation.computer import NEW, OLD, OLDER, Computer, broken_off


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "_PAUSE_S", 0.01)


def test_a_good_version_is_taken_and_the_one_before_stays_beside_it(tmp_path: Path) -> None:
    computer = Computer(tmp_path)
    result = computer.upgrading(journal=computer.begin()).run()
    assert result.upgraded
    assert computer.in_use == NEW
    assert sorted(path.name for path in computer.layout.releases.iterdir()) == sorted([OLD, NEW])
    assert not (computer.layout.releases / OLDER).exists()
    computer.check()


@pytest.mark.parametrize(
    ("behaves", "words"), [("fails", "store: away"), ("crashes", "crashes again and again"), ("hangs", "is not online after")]
)
def test_a_bad_version_is_taken_back_with_its_last_lines(tmp_path: Path, behaves: str, words: str) -> None:
    computer = Computer(tmp_path, behaves)
    result = computer.upgrading(journal=computer.begin()).run()
    assert not result.upgraded
    assert words in result.words
    assert f"a traceback of releases/{NEW}" in result.words
    assert "with all data" in result.words
    assert computer.in_use == OLD
    assert upgrade_journal.result(computer.layout) == result
    computer.check()


@pytest.mark.parametrize(("behaves", "power", "first"), [("good", False, 2), ("good", True, 5), ("fails", True, 7), ("fails", False, 11)])
def test_killed_after_any_event_it_ends_with_one_of_the_two_and_everything_that_was_acknowledged(
    tmp_path: Path, behaves: str, power: bool, first: int
) -> None:
    """A sample; `./install.sh campaign upgrade` tries each."""
    ends = [broken_off(tmp_path / str(event), behaves, event, power=power) for event in range(first, first + 60, 13)]
    assert all(was_killed for was_killed, _ in ends[:3])
    assert behaves == "good" or {in_use for _, in_use in ends} == {OLD}


def test_going_back_can_be_broken_off_too_again_and_again(tmp_path: Path) -> None:
    computer = Computer(tmp_path, "fails")
    computer.begin()
    computer.run_until(40)
    for event in range(0, 1000, 3):
        computer.lose_power()
        if not computer.run_until(event, at_boot=True):
            break
    computer.boot()
    assert (event > 10, computer.in_use) == (True, OLD)
    computer.check()


def test_a_data_folder_whose_disk_is_away_decides_nothing(tmp_path: Path) -> None:
    computer = Computer(tmp_path)
    computer.begin().at(Stage.TESTING, computer.layout)
    keeping.keep(computer.layout, computer.data)
    computer.lose_power()
    computer.data.rename(computer.root / "away")
    with pytest.raises(CannotGoOn, match="is away"):
        computer.upgrading(at_boot=True).run()
    (computer.root / "away").rename(computer.data)
    assert computer.upgrading(at_boot=True).run().upgraded, "there was no marker any more: it had been accepted"


def test_no_process_of_a_version_is_left_when_the_other_starts(tmp_path: Path) -> None:
    computer = Computer(tmp_path)
    lock = computer.data / ".lock"
    lock.write_text("process 1")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = computer.upgrading(journal=computer.begin()).run()
    assert not result.upgraded
    assert "in use by an appliance" in result.words
    assert computer.in_use == OLD
    assert all((computer.root / "run/fake" / unit).read_text() == "active\n" for unit in UNITS)
