"""What doctor learns from the appliance: each check on one that is well, one that is not, and one that is dead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import pytest

from mqtt.messages import ConnectionState
from tests.ui.doctor.conftest import DATA, DEAD, Computer, changed, found, levels, line, told, with_lamp, with_settings
from tests.ui.stand_in import NOW, problem
from ui.doctor.checks import appliance, archives, front_panel, log, remotes

OURS = version("pyarchive-appliance")


def connection(**changes: Any) -> ConnectionState:
    facts: dict[str, Any] = {
        "id": "c1",
        "kind": "drive",
        "name": "Drive",
        "active": True,
        "valid": True,
        "sign_in": "ok",
        "last_listing_at": NOW,
    }
    return ConnectionState(**facts | changes)


def test_an_appliance_that_is_online_is_good_and_a_dead_one_must_be_mended(computer: Computer) -> None:
    assert levels(appliance.online, computer, told()) == ["good"]
    assert levels(appliance.online, computer, changed(told(), online=False)) == ["mend"]
    assert levels(appliance.online, computer, changed(told(), why_not="no answer")) == ["mend"]
    assert levels(appliance.online, computer, DEAD) == ["skipped"]


def test_a_version_that_is_not_the_commands_must_be_mended(computer: Computer) -> None:
    assert levels(appliance.versions, computer, told(version=OURS)) == ["good"]
    assert line(appliance.versions, computer, told(version="0.0.9")).startswith(
        "mend: the appliance that runs is version 0.0.9, this command is"
    )


def test_a_runner_of_scripts_that_is_away_must_be_mended(computer: Computer) -> None:
    known = told(version=OURS)
    there = {"online": True, "version": OURS}
    for runner, level in ((there, "good"), ({**there, "online": False}, "mend"), ({**there, "version": "0.0.9"}, "mend")):
        assert levels(appliance.versions, computer, changed(known, messages={**known.messages, "runner/state": runner})) == ["good", level]


def test_a_release_that_is_not_there_must_be_mended(computer: Computer) -> None:
    computer.installed()
    assert levels(appliance.versions, computer, told(version=OURS)) == ["good", "mend"]
    computer.folder("/opt/pyarchive/current")
    assert levels(appliance.versions, computer, told(version=OURS)) == ["good", "good"]


def test_ids_that_differ_must_be_mended(computer: Computer) -> None:
    assert levels(appliance.identity, computer, told()) == ["look"]
    computer.put(f"{DATA}/appliance_id", "box-1234")
    assert levels(appliance.identity, computer, told()) == ["good"]
    assert levels(appliance.identity, computer, told(), appliance_id="box-9999") == ["mend"]
    computer.put(f"{DATA}/appliance_id", "box-5678")
    assert levels(appliance.identity, computer, told(), appliance_id="box-5678") == ["mend"]


def test_an_upgrade_that_is_not_done_must_be_mended(computer: Computer) -> None:
    assert levels(appliance.upgrade, computer) == ["good"]
    computer.put(f"{DATA}/upgrade-trial.json", "{}")
    assert levels(appliance.upgrade, computer) == ["mend"]
    computer.installed()
    computer.put("/var/lib/pyarchive-upgrade/journal.json", '{"old": "0.1.0-a", "new": "0.2.0-b"}')
    assert line(appliance.upgrade, computer).startswith("look: an upgrade from 0.1.0-a to 0.2.0-b is under way")


def test_an_upgrade_that_went_back_is_said_with_its_reason(computer: Computer) -> None:
    computer.installed()
    computer.put("/var/lib/pyarchive-upgrade/result.json", '{"upgraded": true, "words": "all is well"}')
    assert levels(appliance.upgrade, computer) == ["good"]
    computer.put("/var/lib/pyarchive-upgrade/result.json", '{"upgraded": false, "words": "it did not come online"}')
    assert levels(appliance.upgrade, computer) == ["good", "look"]
    assert "it did not come online" in found(appliance.upgrade, computer)[1].text


def test_a_store_without_its_marker_must_be_mended(computer: Computer) -> None:
    computer.put(f"{DATA}/appliance_id", "box-1234")
    assert levels(appliance.store, computer) == ["look"]
    computer.folder(f"{DATA}/store")
    assert levels(appliance.store, computer) == ["mend"]
    computer.put(f"{DATA}/store/.pyarchive", '{"appliance_id": "box-1234"}')
    assert levels(appliance.store, computer) == ["good"]
    computer.put(f"{DATA}/store/.pyarchive", '{"appliance_id": "box-9999"}')
    assert levels(appliance.store, computer) == ["mend"]


def test_problems_are_told_and_titles_of_archives_are_not(computer: Computer) -> None:
    assert levels(appliance.problems, computer, told()) == ["good"]
    assert levels(appliance.problems, computer) == ["skipped"]
    of_archive = problem("aaaa1111aaaa1111").model_copy(update={"owner": "anna", "message": "private-letter.pdf is damaged"})
    known = told(problems=[problem("disk"), problem("line", needs_you=False), of_archive])
    assert levels(appliance.problems, computer, known) == ["mend", "look", "mend"]
    assert "private-letter" not in str(found(appliance.problems, computer, known))


def test_without_a_remote_and_without_an_active_one_it_is_said(computer: Computer) -> None:
    assert levels(remotes.remotes, computer, told()) == ["look"]
    assert levels(remotes.remotes, computer, told(connection())) == ["good"]
    assert levels(remotes.remotes, computer, told(connection(active=False))) == ["mend", "good"]
    assert levels(remotes.remotes, computer) == ["skipped"]


@pytest.mark.parametrize(
    ("worse", "level", "step"),
    [
        ({"sign_in": "needed"}, "mend", "pyarchive connection sign-in Drive"),
        ({"valid": False}, "mend", "pyarchive connection validate Drive"),
        ({"adopting": "archives unknown here"}, "mend", "pyarchive recover Drive --dry-run"),
        ({"reachable": False}, "look", "pyarchive connection show Drive"),
    ],
)
def test_a_remote_that_is_not_well_is_said_with_the_command(computer: Computer, worse: dict[str, Any], level: str, step: str) -> None:
    said = line(remotes.remotes, computer, told(connection(**worse)))
    assert said.startswith(level)
    assert said.endswith(step)


@pytest.mark.parametrize(("free", "level"), [(50, "good"), (4, "look"), (0, "mend")])
def test_the_quota_of_a_remote_is_judged(computer: Computer, free: int, level: str) -> None:
    assert levels(remotes.remotes, computer, told(connection(free_bytes=free, limit_bytes=100))) == ["good", level]


def test_what_is_at_risk_damaged_or_paused_is_said(computer: Computer) -> None:
    assert levels(archives.safety, computer, told()) == ["good"]
    assert levels(archives.safety, computer) == ["skipped"]
    assert levels(archives.freshness, computer) == ["skipped"]
    assert levels(archives.safety, computer, told(bytes_at_risk=5, paused=True)) == ["look", "look"]
    counts = {"archives": 2, "received": 0, "partial": 0, "remote": 0, "proven": 0, "local": 2, "damaged": 1, "lost": 1, "removed": 0}
    assert levels(archives.safety, computer, told(counts=counts)) == ["mend", "mend", "good"]
    assert ", as it said last" in line(archives.safety, computer, changed(told(), online=False))


def test_checks_that_are_late_or_switched_off_are_said(computer: Computer) -> None:
    set_to = {"scrub_days": 30, "listing_days": 7, "drill_mib_per_day": 256}
    now = datetime.now(UTC)
    fresh = told(last_scrub_at=now, last_listing_at=now, last_proof_at=now)
    assert levels(archives.freshness, computer, with_settings(fresh, **set_to)) == ["good"] * 3
    late = told(last_scrub_at=now - timedelta(days=70), last_listing_at=now - timedelta(days=15))
    assert levels(archives.freshness, computer, with_settings(late, **set_to)) == ["look", "look", "good"]
    assert levels(archives.freshness, computer, with_settings(fresh, scrub_days=0, listing_days=0, drill_mib_per_day=0)) == ["look"] * 3


def test_checks_that_are_not_due_yet_are_no_fault(computer: Computer) -> None:
    set_to = {"scrub_days": 30, "listing_days": 7, "drill_mib_per_day": 256}
    assert levels(archives.freshness, computer, with_settings(told(), **set_to)) == ["good"] * 3
    assert levels(archives.freshness, computer, with_settings(told(oldest_proof_at=NOW), **set_to)) == ["good"] * 3
    none = {"archives": 0, "received": 0, "partial": 0, "remote": 0, "proven": 0, "local": 0, "damaged": 0, "lost": 0, "removed": 0}
    assert levels(archives.freshness, computer, told(counts=none)) == ["good"]


def test_pins_that_cannot_be_used_must_be_mended(computer: Computer) -> None:
    assert "are simulated" in line(front_panel.pins, computer, with_lamp(told(), simulated=True))
    assert "open, and real" in line(front_panel.pins, computer, with_settings(with_lamp(told()), lamp_pin=17, button_pin=27))
    assert levels(front_panel.pins, computer, with_lamp(told(), simulated=True, error="the package lgpio is missing")) == ["mend"]
    assert levels(front_panel.pins, computer) == ["skipped"]


def test_a_shutdown_that_no_rule_allows_must_be_mended(computer: Computer) -> None:
    computer.installed()
    known = with_settings(with_lamp(told()), shutdown_enabled=True)
    assert levels(front_panel.pins, computer, known) == ["good", "mend"]
    computer.put("/etc/polkit-1/rules.d/50-pyarchive-power-off.rules")
    assert levels(front_panel.pins, computer, known) == ["good", "good"]


def test_errors_of_the_last_day_are_counted_and_not_shown(computer: Computer) -> None:
    assert levels(log.log, computer, told()) == ["good"]
    lines = [{"level": level, "source": "appliance", "message": "private"} for level in ("error", "error", "warning")]
    said = line(log.log, computer, changed(told(), lines=lines))
    assert said.startswith("look: 2 errors in the log of the last day (2 appliance), 1 warning")
    assert "private" not in said
    assert levels(log.log, computer) == ["skipped"]


def test_the_journal_stands_in_for_the_log_of_a_dead_appliance(computer: Computer) -> None:
    computer.installed()
    computer.prints("journalctl", "an error\nfine\n")
    said = line(log.log, computer)
    assert said.startswith("look")
    assert "1 line of the last day with the word error" in said
    computer.program("journalctl", "exit 1")
    assert levels(log.log, computer) == ["skipped"]
