"""What regular checks cost: a few milliseconds a tick with 10,000 archives, and a handful of writes a day."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.archive import Archive
from appliance.integrity.rounds import TABLE
from appliance.views import Standing, View
from mqtt.messages import Rung
from tests.appliance.integrity.id_remote import BATCH, Place, with_ids
from tests.appliance.integrity.scheduled import Days
from tests.inside import Inside
from tests.waiting import at_best

MANY = 10_000
TICK_S = 0.01


def many_views(inside: Inside, connection_id: str) -> None:
    """Released and proven just now: all have to be looked through, and none is to be read."""
    now = clock.now()
    there = Standing(Rung.PROVEN, 1, BATCH, manifest_stored=True, manifest_due=False, proven_at=now, read_back_at=now)
    with inside.app.library._lock:
        for n in range(MANY):
            archive = Archive(
                id=f"{n:016x}", title=f"Holiday {n}", file_name=f"{n}.tar", owner="anna", size_bytes=BATCH, sha256="0" * 64,
                batch_bytes=BATCH, created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n),
            )  # fmt: skip
            view = View(archive, 1, 0, local=False, wanted_local=False, standings={connection_id: there})
            inside.app.library._put_view(view)


def test_with_ten_thousand_archives_a_tick_takes_a_few_milliseconds(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place, listing_days=0) as inside:
        many_views(inside, inside.connect(tmp_path / "ids", "ids"))
        days = Days(inside)
        local = inside.put(b"x" * BATCH)
        inside.wait_remote(local)
        days.wait_idle()
        days.tick()

        def under_way() -> float:
            its = days.rounds.of("local")
            its.under_way, its.archive, its.index = True, "0000000000000100", 0
            begin = time.perf_counter()
            days.tick()
            return time.perf_counter() - begin

        def at_rest() -> float:
            begin = time.perf_counter()
            days.tick()
            return time.perf_counter() - begin

        assert at_best(under_way, TICK_S, tries=30) < TICK_S
        days.live(0.1)
        assert at_best(at_rest, TICK_S, tries=30) < TICK_S


def test_a_day_of_checks_is_written_down_in_a_handful_of_writes(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_ids(tmp_path, place, scrub_days=30, listing_days=7, drill_mib_per_day=1) as inside:
        inside.connect(tmp_path / "ids", "ids")
        for n in range(30):
            inside.wait_remote(inside.put(random.Random(n).randbytes(2 * BATCH), f"{n}.bin"))
        days = Days(inside)
        days.wait_idle()
        written: list[Any] = []
        real = inside.app.db.apply

        def noted(changes: Any) -> None:
            written.append(changes)
            real(changes)

        monkeypatch.setattr(inside.app.db, "apply", noted)
        before, a_day = 0, list[int]()
        for _ in range(16):
            days.live(1)
            a_day.append(sum(TABLE in changes for changes in written) - before)
            before += a_day[-1]
        assert days.rounds.of("local").ended_at
        assert max(a_day) <= 10
        assert sum(a_day[4:]) / len(a_day[4:]) <= 5
