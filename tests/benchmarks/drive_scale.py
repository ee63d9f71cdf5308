"""Many archives on Drive: how many questions and how long it takes to check them all, and to bring them all back to a new appliance."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from appliance.remotes.layout import Manifest, batch_name
from tests.benchmarks.drive_clients import led_to
from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import Running
from tests.fakes.drive import CLIENT_ID, DriveProcess, Seed
from tests.waiting import wait_for

_BATCH_BYTES = 16 << 20
_TAKEN_IN_AT = datetime(2026, 11, 1, tzinfo=UTC)
_WORK_S = 600.0


@dataclass(frozen=True, slots=True)
class _Facts:
    """Of an archive that was never here: nothing of it is read, all of it is listed."""

    archive_id: str
    file_name: str
    size_bytes: int
    sha256: bytes
    batch_bytes: int
    created_at: datetime


def measure(order: Order) -> list[Figure]:
    """A process of the appliance with an empty data folder, before a Drive where another one of the same id has stored all."""
    archives, batches = (100, 8_192) if order.small else (1_000, 65_536)
    (order.folder / "drive").mkdir()
    with DriveProcess(order.folder / "drive", tls=True) as fake, led_to(fake):
        credentials = json.dumps(fake.account())
        _prepare(order, credentials)
        _fill(fake, archives, batches)
        (order.folder / "new").mkdir()
        with Running(order.folder / "new") as appliance:
            connection = _connected(appliance, credentials)
            recovered = _recovered(appliance, fake, connection, archives, batches)
            return [*recovered, *_checked(appliance, fake, archives, batches), _memory(appliance, archives, batches)]


def _prepare(order: Order, credentials: str) -> None:
    """The folders are made by an appliance, as ever."""
    (order.folder / "old").mkdir()
    with Running(order.folder / "old") as appliance:
        _connected(appliance, credentials)


def _connected(appliance: Running, credentials: str) -> str:
    connection = str(appliance.ask("connection/add", kind="drive", name="Drive", credentials=credentials)["id"])
    appliance.ask("connection/validate", connection=connection)
    return connection


def _fill(fake: DriveProcess, archives: int, batches: int) -> None:
    """Their content is not there: only a manifest is ever read."""
    place = next(each for each in fake.files.values() if each.app_properties.get("pyarchive_role") == "owner").app_properties
    chance = random.Random(5)
    for number in range(archives):
        marks = {**place, "pyarchive_archive": f"archive-{number:05d}"}
        count = batches // archives + (number < batches % archives)
        fake.seed(list(_objects(fake, marks, chance.randbytes(32 * count))))


def _objects(fake: DriveProcess, marks: dict[str, str], table: bytes) -> Iterator[Seed]:
    (folder,) = fake.seed(
        [Seed(name=marks["pyarchive_archive"], is_folder=True, app_properties={**marks, "pyarchive_role": "archive"}, client_id=CLIENT_ID)]
    )
    count = len(table) // 32
    batches = [
        Seed(
            name=batch_name(index), parent=folder, size_bytes=_BATCH_BYTES, checksums={"sha256": table[32 * index : 32 * index + 32].hex()},
            app_properties={**marks, "pyarchive_role": "batch"},
        )
        for index in range(count)
    ]  # fmt: skip
    ids = fake.seed(batches)
    facts = _Facts(
        marks["pyarchive_archive"], "film.mkv", count * _BATCH_BYTES, table[:32], _BATCH_BYTES, datetime(2026, 11, 1, tzinfo=UTC)
    )
    content = Manifest.of(facts, "film.mkv", "home", table, ids).to_bytes()
    yield Seed(
        name="manifest.json", parent=folder, content=content, checksums={"sha256": hashlib.sha256(content).hexdigest()},
        app_properties={**marks, "pyarchive_role": "manifest"},
    )  # fmt: skip


def _recovered(appliance: Running, fake: DriveProcess, connection: str, archives: int, batches: int) -> list[Figure]:
    before, start_s = sum(fake.requests.values()), perf_counter()
    appliance.ask("recovery/start", connection=connection)
    state = wait_for(lambda: _ended(appliance.ask("recovery/state")), _WORK_S, "the recovery")
    took_s, calls = perf_counter() - start_s, sum(fake.requests.values()) - before
    assert (state["state"], state["adopted"], state["skipped"]) == ("done", archives, []), state
    what = f"recovery of {archives:,} archives with {batches:,} batches"
    return [
        Figure(name=f"{what}: calls", value=calls, unit="", at_most=1.2 * archives),
        Figure(name=f"{what}: time", value=took_s, unit="s", at_most=120),
    ]


def _ended(state: dict[str, Any]) -> Any:
    return None if state["state"] == "running" else state


def _checked(appliance: Running, fake: DriveProcess, archives: int, batches: int) -> list[Figure]:
    before, start_s = Counter(fake.requests), perf_counter()
    job_id = appliance.ask("integrity/verify", remote=True)["job_id"]
    job = wait_for(lambda: _ended(appliance.ask("integrity/job", job_id=job_id)), _WORK_S, "the check")
    took_s, calls = perf_counter() - start_s, Counter(fake.requests) - before
    result = job["result"]
    assert (result["batches_checked"], result["findings"], result["unknown"]) == (batches, [], []), job
    what = f"check of {archives:,} archives with {batches:,} batches"
    return [
        Figure(name=f"{what}: list calls", value=calls["list"], unit="", at_most=70, note=f"{calls.total()} calls in all"),
        Figure(name=f"{what}: time", value=took_s, unit="s", at_most=60),
    ]


def _memory(appliance: Running, archives: int, batches: int) -> Figure:
    name = f"peak RSS of the appliance after both, {archives:,} archives with {batches:,} batches"
    return Figure(name=name, value=appliance.peak_rss_mb(), unit="MB")
