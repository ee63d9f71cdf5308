"""Timetable and metered mode of a real appliance, looked at from outside: the bytes that arrive in the remote's folder."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.limit import Sample, arrived_bytes, windows_bytes
from tests.processes import House
from tests.waiting import wait_for

MB = 1_000_000
RATE = 2 * MB


def watched(folder: Path, seconds: float, act: Callable[[], object] = lambda: None) -> list[Sample]:
    """What has arrived, every 20 ms of that time; ``act`` is done meanwhile, at the beginning."""
    samples: list[Sample] = []
    actor = threading.Thread(target=act)
    actor.start()
    began_s = time.time()
    while (at_s := time.time()) < began_s + seconds:
        samples.append(Sample(at_s, max(arrived_bytes(folder), samples[-1].arrived_bytes if samples else 0)))
        time.sleep(0.02)
    actor.join()
    return samples


def last_growth_s(samples: list[Sample]) -> float:
    """The time at which the last byte arrived."""
    return next(each.at_s for each in samples if each.arrived_bytes == samples[-1].arrived_bytes)


def hand_in(house: House, size_bytes: int) -> Path:
    """A file, and a remote for it; nothing moves yet. The folder in which it will arrive."""
    house.ask("transfer/pause")
    archive_id = house.put(random.Random(1).randbytes(size_bytes))
    house.connect()
    return house.remote / house.topics.appliance_id / archive_id


def test_the_limit_of_the_timetable_is_kept_and_metered_mode_stops_what_moves_within_a_second(tmp_path: Path) -> None:
    with House(tmp_path, timetable=f"daily 00:00-24:00 {RATE // 1000}", upload_limit_kb_per_s=5000, batch_size_mib=4) as house:
        folder = hand_in(house, 40 * MB)
        house.ask("transfer/resume")
        wait_for(lambda: arrived_bytes(folder))
        over_10_s = windows_bytes(watched(folder, 11.0))
        assert max(over_10_s) < 1.05 * 10 * RATE
        assert min(over_10_s) > 0.95 * 10 * RATE
        asked_s = time.time()
        samples = watched(folder, 2.5, lambda: house.ask("settings/set", name="metered", value=True))
        assert last_growth_s(samples) - asked_s < 1.0
        asked_s = time.time()
        samples = watched(folder, 1.5, lambda: house.ask("settings/set", name="metered", value=False))
        assert next(each.at_s for each in samples if each.arrived_bytes > samples[0].arrived_bytes) - asked_s < 1.0


def test_a_pause_of_the_timetable_begins_on_time_in_the_middle_of_a_batch_and_is_told_to_everyone(tmp_path: Path) -> None:
    begins = datetime(2027, 3, 2, 8, tzinfo=UTC)
    offset = begins - timedelta(seconds=8) - datetime.now(UTC)
    settings: dict[str, Any] = {
        "time_zone": "UTC",
        "timetable": "tue 08:00-18:00 pause",
        "upload_limit_kb_per_s": 1000,
        "batch_size_mib": 64,
    }
    with House(tmp_path, ["-m", "tests.appliance.moved_clock"], test_clock_offset_s=offset.total_seconds(), **settings) as house:
        folder = hand_in(house, 50 * MB)
        house.ask("transfer/resume")
        pause_s = (begins - offset).timestamp()
        samples = watched(folder, pause_s + 2.5 - time.time())
        assert pause_s - 0.5 < last_growth_s(samples) < pause_s + 1.0
        words = "the timetable pauses uploads until 18:00"
        wait_for(lambda: words in house.seen.get(house.topics("appliance/state"), b"").decode(), 2.0)
        wait_for(lambda: words in house.seen.get(house.topics(f"archive/{folder.name}/state"), b"").decode(), 2.0)
        house.kill()
        house.start()
        assert house.show(folder.name)["waiting_for"] == words
