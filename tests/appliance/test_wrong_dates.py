"""What was dated while the clock was wrong is not over when it is right, nor kept for decades."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance import clock, time_source
from appliance.catalog.journal import CatalogDB
from appliance.time_source import TimeSource
from tests.appliance.moved_clock import a_pi, set_time
from tests.inside import Inside

YEARS = timedelta(days=20 * 365)


class World:
    """A Pi, whose date is off until it is told the time; and months for which it ran before."""

    def __init__(self, root: Path) -> None:
        self.root = a_pi(root)
        self.off = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off

    def gets_right(self) -> None:
        self.off = timedelta()
        set_time(self.root)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path / "pi")
    monkeypatch.setattr(clock, "now", world.now)
    monkeypatch.setattr(time_source, "told", TimeSource(world.root))
    return world


def ran_for_months(data: Path) -> None:
    """Notes of the days before, in the catalog of an appliance that was there already."""
    with Inside(data):
        pass
    db = CatalogDB.open(data / "catalog")
    notes = {f"{day * 86400}": {"at": clock.iso(clock.now() - timedelta(days=200 - day)), "ran_s": day * 86400.0} for day in range(200)}
    db.apply({"clock": {**notes, "total": {"ran_s": 200 * 86400.0}}})
    db.close()


@pytest.mark.parametrize("off", [YEARS, -YEARS], ids=["ahead", "behind"])
@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a restart in between"])
def test_a_removal_of_a_wrong_date_can_be_undone_for_its_time_from_when_the_date_is_right(
    tmp_path: Path, world: World, off: timedelta, *, restarts: bool
) -> None:
    data = tmp_path / "data"
    ran_for_months(data)
    world.off = off
    with Inside(data) as inside:
        archive_id = inside.put(b"x")
        inside.ask("archive/remove", archive=archive_id)
        code, _ = inside.app.household.codes.new_setup()
        inside.app.housekeeper._keeping.expire()
        if not restarts:
            is_mended(inside, world, archive_id, code)
    if restarts:
        with Inside(data) as inside:
            is_mended(inside, world, archive_id, code)


def is_mended(inside: Inside, world: World, archive_id: str, code: str) -> None:
    world.gets_right()
    inside.app.housekeeper._keeping.expire()
    removed_at = inside.app.library.archive(archive_id).removed_at
    assert removed_at
    assert abs(removed_at - clock.now()) < timedelta(minutes=1)
    assert inside.app.household.codes.is_setup(code)
    assert list(inside.app.db.table("doubted_dates").ids()) == []
    inside.ask("archive/undo", archive=archive_id)


def test_dates_of_before_are_left_as_they_are(tmp_path: Path, world: World) -> None:
    with Inside(tmp_path / "data") as inside:
        archive_id = inside.put(b"x")
        inside.ask("archive/remove", archive=archive_id)
        before = clock.now() - timedelta(days=3)
        inside.app.library.mark_removed(archive_id, before)
        world.off = -YEARS
        inside.app.housekeeper._keeping.expire()
        world.gets_right()
        inside.app.housekeeper._keeping.expire()
        assert inside.app.library.archive(archive_id).removed_at == before
