"""Connections are looked through and read back by schedule: what is found is mended, budgets are kept, and nobody's line is taken."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import RemoteAway
from appliance.integrity import schedule
from appliance.integrity.report import why_not_clean
from tests.appliance.integrity.id_remote import BATCH, Place, with_ids
from tests.appliance.integrity.on_drive import BATCH as BIG
from tests.appliance.integrity.on_drive import connect_drive
from tests.appliance.integrity.scheduled import DAY_S, Days, count_local, only
from tests.fakes.drive import FakeDrive
from tests.inside import Inside
from tests.waiting import wait_for

LISTING = only(listing_days=7)


def put_many(inside: Inside, count: int, batches: int = 1) -> list[str]:
    ids = [inside.put(random.Random(n).randbytes(batches * BATCH), f"{n}.bin") for n in range(count)]
    for archive_id in ids:
        inside.wait_remote(archive_id)
    return ids


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        yield drive
        assert drive.violations == []


@pytest.fixture
def on_drive(tmp_path: Path, fake: FakeDrive) -> Iterator[Inside]:
    with Inside(tmp_path / "data", batch_bytes=BIG, drive_endpoint=fake.root, **LISTING) as inside:
        connect_drive(inside, fake)
        yield inside


def test_drive_is_listed_once_a_period_without_a_download_and_what_is_missing_is_sent_again(on_drive: Inside, fake: FakeDrive) -> None:
    content = random.Random(5).randbytes(3 * BIG)
    archive_id = on_drive.put(content)
    on_drive.wait_remote(archive_id)
    days = Days(on_drive)
    days.wait_idle()
    before = dict(fake.requests)
    days.live(6)
    assert fake.requests["list"] - before["list"] == 1
    assert fake.requests["download"] == before.get("download", 0)
    (bad,) = [record for record in fake.files.values() if record.name == "00000001"]
    fake.delete(bad.id)
    days.live(0.9)
    assert fake.requests["list"] - before["list"] == 1
    days.live(0.5)
    assert "missing on the remote" in on_drive.problems().get("damaged", "") or on_drive.show(archive_id)["rung"] == "remote"
    assert any(b"problem_raised" in event and b"missing on the remote" in event for event in on_drive.outbox.events)
    on_drive.wait_remote(archive_id)
    (again,) = [record for record in fake.files.values() if record.name == "00000001"]
    assert fake.content(again.id) == content[BIG : 2 * BIG]
    days.wait_idle()
    listings = fake.requests["list"]
    days.live(1.5)  # what was found is looked at again within a day
    assert fake.requests["list"] == listings + 1
    connection_id = on_drive.app.connections.find("Drive").id
    assert why_not_clean(on_drive.app.db, connection_id) is None
    assert on_drive.app.states.connection(connection_id).last_listing_at  # type: ignore[union-attr]  # it is there
    assert on_drive.app.states.appliance().last_listing_at
    days.live(6)
    assert fake.requests["list"] == listings + 1


def test_a_listing_that_was_cut_off_goes_on_after_a_restart_and_what_was_absent_is_not_forgotten(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, **LISTING) as inside:
        inside.connect(tmp_path / "ids", "ids")
        ids = sorted(put_many(inside, 6))
        days = Days(inside)
        days.wait_idle()
        lost = place.named(ids[1], "00000000")[0]
        del place.objects[lost]

        def third(archive_id: str) -> None:
            if archive_id == ids[3]:
                inside.app.intake.is_busy = True

        inside.app.library.on_change(third)
        days.tick()
        its = days.rounds.of("list-" + inside.app.connections.find("ids").id)
        assert its.under_way
        assert (its.archive, its.index) == (ids[1], 0)  # not beyond what was absent and has to be looked at again
        assert inside.problems() == {}
        days.stop()
    with with_ids(tmp_path, place, **LISTING) as inside:
        days = Days(inside)
        days.wait_idle()
        days.live(0.2)
        assert not days.rounds.of("list-" + inside.app.connections.find("ids").id).under_way
        wait_for(lambda: place.named(ids[1], "00000000"), what="the batch to be sent again")
        assert inside.wait_remote(ids[1])


def test_a_disk_is_read_batch_by_batch_and_a_damaged_one_is_mended(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, **LISTING) as inside:
        inside.connect(tmp_path / "disk")
        first, second = put_many(inside, 2, batches=4)
        days = Days(inside)
        days.wait_idle()
        file = inside.remote_folder(tmp_path / "disk", second) / "00000002"
        good = file.read_bytes()
        file.write_bytes(b"?" + good[1:])
        days.live(4, step_s=1800)
        wait_for(lambda: file.exists() and file.read_bytes() == good, what="the batch to be mended")
        inside.wait_remote(second)
        assert inside.show(first)["rung"] == "remote"
        assert any(b"problem_raised" in event and b"different on the remote" in event for event in inside.outbox.events)
        days.wait_idle()
        days.live(4, step_s=1800)
        assert why_not_clean(inside.app.db, inside.app.connections.find("disk").id) is None


def test_a_disk_that_is_away_is_unknown_and_no_damage(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, **only(listing_days=7, drill_mib_per_day=64)) as inside:
        inside.connect(tmp_path / "disk")
        (archive_id,) = put_many(inside, 1, batches=4)
        days = Days(inside)
        days.wait_idle()
        (tmp_path / "disk").rename(tmp_path / "away")
        days.live(3)
        assert inside.show(archive_id)["batches_stored"] == 4
        assert "damaged" not in inside.problems()
        assert days.rounds.of("list-" + inside.app.connections.find("disk").id).ended_at is None
        days.live(13)
        assert "not checked to the end" in inside.problems()["check_overdue"]


def test_a_remote_that_does_not_answer_is_left_alone_for_a_while(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, **LISTING) as inside:
        inside.connect(tmp_path / "ids", "ids")
        (archive_id,) = put_many(inside, 1)
        days = Days(inside)
        days.wait_idle()
        place.calls.clear()
        place.raises["list_all"] = [RemoteAway("the network is away") for _ in range(100)]
        days.live(3)
        assert place.calls["list_all"] == 1
        assert inside.show(archive_id)["health"] == "ok"
        assert not days.rounds.of("list-" + inside.app.connections.find("ids").id).ended_at


def test_what_has_become_remote_is_read_back_soon_within_the_budget_of_each_day(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, **only(drill_mib_per_day=1)) as inside:
        inside.connect(tmp_path / "ids", "ids")
        ids = put_many(inside, 5, batches=6)  # 1.9 MB; a day's budget is 16 batches
        days = Days(inside)
        days.wait_idle()
        place.calls.clear()
        days.live(0.9)
        assert place.calls["get"] == 16
        assert [inside.show(archive_id)["rung"] for archive_id in ids].count("proven") == 2
        days.stop()
    with with_ids(tmp_path, place, **only(drill_mib_per_day=1)) as inside:
        days = Days(inside)
        days.live(0.05)
        assert place.calls["get"] == 16
        days.live(1)
        assert place.calls["get"] == 30
        assert {inside.show(archive_id)["rung"] for archive_id in ids} == {"proven"}
        (fresh,) = put_many(inside, 1)
        days.wait_idle()
        days.live(0.1)
        assert inside.show(fresh)["rung"] == "proven"
        days.live(3)
        assert place.calls["get"] == 31


def test_an_appliance_that_is_left_alone_proves_what_is_remote_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_FIRST_S", 0.5)
    monkeypatch.setattr(schedule, "_LOOK_S", 0.1)
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.app.schedule._politeness.settle_s = 0.1
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(random.Random(1).randbytes(3 * BATCH))
        wait_for(lambda: inside.show(archive_id)["rung"] == "proven", what="the archive to be proven")
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        assert inside.app.rounds.of("local").last_at


def test_a_damaged_batch_that_is_read_back_is_sent_again(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, **only(drill_mib_per_day=64)) as inside:
        inside.connect(tmp_path / "ids", "ids")
        (archive_id,) = put_many(inside, 1, batches=3)
        days = Days(inside)
        days.wait_idle()
        place.flip(place.named(archive_id, "00000001")[0])
        days.live(0.1)
        assert any(b"problem_raised" in event and b"different" in event for event in inside.outbox.events)
        inside.wait_remote(archive_id)
        days.wait_idle()
        days.live(0.1)
        assert inside.show(archive_id)["rung"] == "proven"


def test_damage_on_a_connection_that_is_not_active_stands_until_it_is_mended(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, **LISTING) as inside:
        inside.connect(tmp_path / "ids", "ids")
        (archive_id,) = put_many(inside, 1, batches=2)
        inside.connect(tmp_path / "disk")
        wait_for(lambda: all(p["rung"] == "remote" for p in inside.show(archive_id)["placements"]))
        days = Days(inside)
        days.wait_idle()
        place.flip(place.named(archive_id, "00000001")[0])
        days.live(0.2)
        (problem,) = inside.app.problems.standing()
        assert (problem.code, problem.needs_you) == ("damaged", False)
        assert "once that connection is active" in problem.next_step
        place.flip(place.named(archive_id, "00000001")[0])  # as somebody may have put it back
        days.live(1.5)
        assert inside.problems() == {}


def test_a_listing_that_was_put_off_for_long_goes_on_beside_transfers_and_gives_way_to_a_person(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, **only(listing_days=7, scrub_days=1, drill_mib_per_day=64)) as inside:
        inside.connect(tmp_path / "ids", "ids")
        put_many(inside, 2)
        days = Days(inside)
        days.wait_idle()
        inside.app.intake.is_busy = True
        place.calls.clear()
        days.live(10)
        assert not place.calls["list_all"]
        jobs: list[Any] = []
        listings = place.calls.__getitem__
        place.before = lambda method: jobs.append(inside.ask("integrity/verify", local=True)) if method == "listed" and not jobs else None
        days.passed_s += DAY_S
        days.tick()
        wait_for(lambda: inside.ask("integrity/job", job_id=jobs[0]["job_id"])["state"] == "done")
        assert listings("list_all") == 1
        assert not days.rounds.of("list-" + inside.app.connections.find("ids").id).ended_at
        days.live(1)
        assert days.rounds.of("list-" + inside.app.connections.find("ids").id).ended_at
        assert place.calls["get"] == 0


def test_a_pause_holds_the_looks_at_a_disk_too(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, **only(listing_days=7, drill_mib_per_day=64)) as inside:
        inside.connect(tmp_path / "disk")
        (archive_id,) = put_many(inside, 1)
        days = Days(inside)
        days.wait_idle()
        inside.ask("transfer/pause")
        days.live(4)
        assert inside.show(archive_id)["rung"] == "remote"
        assert not days.rounds.of("list-" + inside.app.connections.find("disk").id).under_way
        inside.ask("transfer/resume")
        days.live(4)
        assert inside.show(archive_id)["rung"] == "proven"


def test_a_batch_that_is_larger_than_the_budget_uses_up_that_of_several_days(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        days = Days(inside)
        allowance = days.schedule.allowance
        assert [allowance.take(40, 100) for _ in range(3)] == [True, True, False]
        days.passed_s += DAY_S + 1
        assert allowance.take(250, 100)
        for expected in (False, False, True):
            days.passed_s += DAY_S + 1  # not on the edge of a day, where the last digit of a float would decide
            assert allowance.take(60, 100) is expected
        allowance.give_back(1000)
        assert allowance.take(100, 100)


@pytest.mark.parametrize("quiet", ["paused", "metered", "timetable", "adopting", "recovering"])
def test_a_line_that_is_to_be_quiet_and_a_place_that_is_not_settled_are_left_alone(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch, quiet: str
) -> None:
    read = count_local(monkeypatch)
    with with_ids(tmp_path, place) as inside:
        inside.connect(tmp_path / "ids", "ids")
        put_many(inside, 2)
        days = Days(inside)
        days.wait_idle()
        make_quiet(inside, days, quiet)
        place.calls.clear()
        days.live(8)
        assert not place.calls["get"] + place.calls["list_all"] + place.calls["stat"], quiet
        assert bool(read) is (quiet != "recovering")  # the appliance's own disk is no line


def make_quiet(inside: Inside, days: Days, how: str) -> None:
    settings: dict[str, tuple[str, Any]] = {"metered": ("metered", True), "timetable": ("timetable", "daily 00:00-24:00 pause")}
    if how in settings:
        inside.ask("settings/set", name=settings[how][0], value=settings[how][1])
    elif how == "paused":
        inside.ask("transfer/pause")
    elif how == "adopting":
        inside.app.connections.adopt(inside.app.connections.find("ids").id, "the catalog is younger")
    else:
        days.politeness.is_recovering = lambda _: True
