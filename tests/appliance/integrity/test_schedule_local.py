"""Local copies are read by schedule: each batch once a period, in small steps, after everything else, and over restarts."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance import clock
from tests.appliance.integrity.id_remote import BATCH, Place, with_ids
from tests.appliance.integrity.scheduled import Days, count_local, only
from tests.inside import Inside
from tests.waiting import wait_for

SCRUB = only(scrub_days=30)


def fill(inside: Inside, archives: int = 4, batches: int = 3) -> list[str]:
    return [inside.put(random.Random(n).randbytes(batches * BATCH - 7), f"{n}.bin") for n in range(archives)]


def test_every_batch_is_read_once_a_period_and_spread_over_its_first_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_local(monkeypatch)
    with Inside(tmp_path / "data", batch_bytes=BATCH, **SCRUB) as inside:
        ids = fill(inside)
        days = Days(inside)
        days.wait_idle()
        days.live(7)
        assert 4 <= len(read) <= 7
        days.live(9)
        assert Counter(read) == Counter((archive_id, index) for archive_id in ids for index in range(3))
        days.live(13)
        assert len(read) == 12
        days.live(20)
        assert set(Counter(read).values()) == {2}
        its = days.rounds.of("local")
        assert its.ended_at
        assert inside.app.states.appliance().last_scrub_at == clock.from_iso(its.ended_at).replace(microsecond=0)


def test_a_restart_goes_on_where_it_was_and_a_kill_reads_little_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_local(monkeypatch)
    with Inside(tmp_path / "data", batch_bytes=BATCH, **SCRUB) as inside:
        fill(inside, archives=8)
        days = Days(inside)
        days.wait_idle()
        days.live(6)
        before = len(read)
        days.stop()
    with Inside(tmp_path / "data", batch_bytes=BATCH, **SCRUB) as inside:
        days = Days(inside)
        days.live(3)  # and then it is killed: what eight hours brought is done again
    with Inside(tmp_path / "data", batch_bytes=BATCH, **SCRUB) as inside:
        days = Days(inside)
        days.wait_idle()
        days.live(9)
    assert 0 < before < 24
    assert len(set(read)) == 24
    assert len(read) <= 24 + 1


def test_a_damaged_local_batch_is_found_said_and_mended(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, **SCRUB) as inside:
        inside.connect(tmp_path / "disk")
        (archive_id,) = fill(inside, archives=1)
        inside.wait_remote(archive_id)
        good = inside.local_bytes(archive_id)
        path = Path(inside.ask("archive/locate", archive=archive_id)["path"])
        path.write_bytes(good[: BATCH + 5] + b"?" + good[BATCH + 6 :])
        days = Days(inside)
        days.wait_idle()
        days.live(16)
        wait_for(lambda: path.read_bytes() == good, what="the batch to be mended")
        wait_for(lambda: inside.problems() == {})
        assert any(b"problem_raised" in event and b'"damaged"' in event for event in inside.outbox.events)


def test_it_gives_way_to_a_transfer_and_to_what_a_person_asked_for(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_local(monkeypatch)
    with with_ids(tmp_path, place, upload_limit_kb_per_s=20, **SCRUB) as inside:
        inside.connect(tmp_path / "ids", "ids")
        fill(inside)
        wait_for(lambda: inside.app.engine.moving)
        days = Days(inside)
        days.politeness.settle_s = 5.0
        days.live(30)
        assert inside.app.engine.moving
        assert read == []
        inside.ask("transfer/pause")
        wait_for(lambda: not inside.app.engine.moving)
        days.politeness.settle_s = 0.0
        assert inside.app.jobs.turn.acquire(timeout=1)  # as a check that a person started has it
        days.live(1)
        assert read == []
        inside.app.jobs.turn.release()
        days.live(16)
        assert len(read) == 12


def test_a_step_that_is_at_work_ends_at_its_next_piece_when_a_transfer_begins(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_ids(tmp_path, place, **only(drill_mib_per_day=64)) as inside:
        inside.connect(tmp_path / "ids", "ids")
        (archive_id,) = fill(inside, archives=1)
        inside.wait_remote(archive_id)
        days = Days(inside)
        days.wait_idle()
        place.calls.clear()
        place.before = lambda method: monkeypatch.setattr(inside.app.intake, "is_busy", True) if method == "get" else None
        days.tick()
        assert place.calls["get"] == 1
        assert inside.show(archive_id)["rung"] == "remote"
        monkeypatch.setattr(inside.app.intake, "is_busy", False)
        place.before = lambda _: None
        days.live(0.1)
        assert inside.show(archive_id)["rung"] == "proven"


def test_a_clock_that_is_not_right_or_steps_brings_no_check_and_puts_none_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, jump = count_local(monkeypatch), [timedelta()]
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + jump[0])
    with Inside(tmp_path / "data", batch_bytes=BATCH, **SCRUB) as inside:
        fill(inside)
        days = Days(inside)
        days.wait_idle()
        jump[0] = timedelta(days=-20_000)
        inside.app.household.ages._looked_s = float("-inf")  # its look is of every 30 s
        days.live(1)
        assert read == []
        jump[0] = timedelta(days=3650)
        inside.app.household.ages._looked_s = float("-inf")  # its look is of every 30 s
        days.live(16)
        assert len(read) == 12
        jump[0] = timedelta(days=3650 + 400)
        days.live(1)
        assert len(read) == 12
        jump[0] = timedelta()
        days.live(12)
        assert len(read) == 12
        days.live(18)
        assert len(read) == 24
        assert "check_overdue" not in inside.problems()


def test_a_check_by_hand_counts_and_an_overdue_one_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_local(monkeypatch)
    with Inside(tmp_path / "data", batch_bytes=BATCH, **SCRUB) as inside:
        fill(inside)
        days = Days(inside)
        days.wait_idle()
        inside.app.intake.is_busy = True
        days.live(59)
        assert "check_overdue" not in inside.problems()
        days.live(2)
        assert "every 30 days is set" in inside.problems()["check_overdue"]
        assert not any(problem.needs_you for problem in inside.app.problems.standing())
        inside.app.intake.is_busy = False
        assert inside.job("integrity/verify", local=True)["state"] == "done"
        by_hand = len(read)
        days.live(25)
        assert len(read) == by_hand == 12
        assert inside.problems() == {}
