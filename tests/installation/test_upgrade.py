"""An upgrade ends with the new version, or with the old one and all data: whatever the new one does, and whenever it is broken off."""

from __future__ import annotations

import argparse
import fcntl
import threading
from pathlib import Path

import pytest

from appliance.installation import disks, keeping, releases, trying, upgrade_journal
from appliance.installation import upgrade as upgrade_module
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import UNITS
from appliance.installation.upgrade import resume, upgrade
from appliance.installation.upgrade_journal import Stage
from tests.installation.computer import NEW, OLD, OLDER, Computer, broken_off, write
from tests.waiting import wait_for


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "_PAUSE_S", 0.01)
    monkeypatch.setattr(upgrade_module, "_DISK_PAUSE_S", 0.05)


def test_a_good_version_is_taken_and_the_one_before_stays_beside_it(tmp_path: Path) -> None:
    computer = Computer(tmp_path)
    result = computer.upgrading(journal=computer.begin()).run()
    assert result.upgraded
    assert computer.in_use == NEW
    assert sorted(path.name for path in computer.layout.releases.iterdir()) == sorted([OLD, NEW])
    assert not (computer.layout.releases / OLDER).exists()
    computer.check()


@pytest.mark.parametrize(
    ("behaves", "words"),
    [("fails", "store: away"), ("crashes", "again and again"), ("dies", "does not stay so"), ("hangs", "it is not online")],
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


def test_a_version_does_not_answer_for_the_crashes_of_another(tmp_path: Path) -> None:
    computer = Computer(tmp_path, "crashes")
    write(computer.root / "run/pyarchive-appliance/starts", "5")
    assert not computer.upgrading(journal=computer.begin()).run().upgraded
    assert not (computer.root / "run/pyarchive-appliance").exists()


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


@pytest.mark.parametrize("stage", [Stage.SWITCHING, Stage.GOING_BACK])
def test_a_missing_marker_says_that_it_was_accepted_of_a_version_alone_that_was_being_tested(tmp_path: Path, stage: Stage) -> None:
    computer = Computer(tmp_path)
    computer.begin().at(stage, computer.layout)
    keeping.keep(computer.layout, computer.data)
    assert not computer.upgrading(at_boot=True).run().upgraded
    assert computer.in_use == OLD


def test_a_data_folder_whose_disk_is_away_decides_nothing(tmp_path: Path) -> None:
    computer = Computer(tmp_path)
    computer.begin().at(Stage.TESTING, computer.layout)
    keeping.keep(computer.layout, computer.data)
    computer.lose_power()
    computer.data.rename(computer.root / "away")
    with pytest.raises(CannotGoOn, match="is away"):
        computer.upgrading(at_boot=True).run()
    boot = threading.Thread(target=resume, args=(computer.layout, tmp_path, lambda _: None, computer.programs))
    boot.start()
    wait_for((computer.layout.upgrade / "lock").exists)
    (computer.root / "away").rename(computer.data)
    boot.join(20)
    result = upgrade_journal.result(computer.layout)
    assert result is not None
    assert result.upgraded, "there was no marker any more: it had been accepted"


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


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Of another version than the one in use."""
    folder = tmp_path / "clone"
    for name in ("README.md", "requirements/appliance.txt", "requirements/npm.txt", "requirements/web.txt", "requirements/web.py"):
        write(folder / name, "")
    write(folder / "pyproject.toml", 'version = "0.1.0"\n')
    return folder


def asked(computer: Computer, clone: Path, *, dry_run: bool = False) -> list[str]:
    """What was said; the exit status was 0."""
    said: list[str] = []
    given = argparse.Namespace(dry_run=dry_run, yes=True)
    assert upgrade(given, computer.layout, clone, said.append, computer.programs) == 0
    return said


def test_the_version_in_use_is_no_upgrade_and_a_dry_run_changes_nothing(tmp_path: Path, clone: Path) -> None:
    computer = Computer(tmp_path / "computer")
    assert any(f"would go back to {OLD}" in line for line in asked(computer, clone, dry_run=True))
    same = releases.release_of(clone, computer.layout.releases)
    (computer.layout.releases / OLD).rename(same.path)
    computer.layout.current.unlink()
    computer.layout.current.symlink_to(f"releases/{same.name}")
    assert asked(computer, clone) == [f"{same.name} is installed already; nothing was done."]
    assert upgrade_journal.read(computer.layout) is None


@pytest.mark.parametrize("why", ["older", "recovery", "away", "nothing installed", "not whole", "full"])
def test_what_cannot_go_well_is_refused_before_anything_is_changed(
    tmp_path: Path, clone: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer = Computer(tmp_path / "computer")
    words = {
        "older": "older than", "recovery": "a recovery is under way", "away": "is away", "nothing installed": "nothing is installed",
        "not whole": "not whole", "full": "MiB free",
    }[why]  # fmt: skip
    match why:
        case "older":
            write(clone / "pyproject.toml", 'version = "0.0.9"\n')
        case "recovery":
            write(computer.data / "recovery.json", '{"stage": "running"}')
        case "away":
            (computer.data / "appliance_id").unlink()
        case "nothing installed":
            computer.layout.choices_file.unlink()
        case "not whole":
            (computer.layout.releases / OLD / ".finished").unlink()
        case "full":
            monkeypatch.setattr(disks, "free_bytes", lambda _layout, place: 0 if place == "/var/lib" else 1 << 40)
    with pytest.raises(CannotGoOn, match=words):
        asked(computer, clone)
    assert computer.in_use == OLD
    assert upgrade_journal.read(computer.layout) is None
