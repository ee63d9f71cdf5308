"""Two clients of one fake Drive: the appliance, and an unmodified rclone. Both take it for Google, by proxy and private CA."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Self

from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from tests.benchmarks.running import APPLIANCE_ID, Running
from tests.fakes.drive import DriveProcess
from tests.fakes.rclone import Rclone
from tests.waiting import wait_for

SLOTS = 4
_WORK_S = 1800.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one piece of work took: time on the clock, and CPU of the client alone (user and system, its children included)."""

    seconds: float
    cpu_s: float


@contextlib.contextmanager
def led_to(fake: DriveProcess) -> Iterator[None]:
    """Processes that are started now take the fake for Google."""
    before = {name: os.environ.get(name) for name in fake.environment}
    os.environ.update(fake.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Ours:
    """The whole appliance with its archives; each upload goes to a connection of its own, for an OAuth client of its own."""

    def __init__(self, fake: DriveProcess, folder: Path) -> None:
        self._fake, self._folder = fake, folder
        self._connection = ""
        self._heard: set[tuple[str, str]] = set()
        self._archives: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._folder.mkdir()
            stack.enter_context(led_to(self._fake))
            self._appliance = stack.enter_context(Running(self._folder, transfers=SLOTS))
            self._listen(stack)
            self._appliance.ask("transfer/pause")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _listen(self, stack: ExitStack) -> None:
        """Events tell when it is done; asking again and again would cost the appliance what is measured."""
        said = self._appliance.environment
        address = BrokerAddress(
            host=said["PYARCHIVE_MQTT_HOST"], port=int(said["PYARCHIVE_MQTT_PORT"]),
            username=said["PYARCHIVE_MQTT_USERNAME"], password=said["PYARCHIVE_MQTT_PASSWORD"],
        )  # fmt: skip
        topics = Topics(APPLIANCE_ID)
        client = Broker(address, topics, client_id=f"listening-{secrets.token_hex(4)}")
        client.subscribe(topics("event"), self._hear)
        client.start()
        stack.callback(client.stop, 1.0)
        assert client.wait_connected(_WORK_S), client.last_error

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        event = json.loads(payload)
        self._heard.add((event["event"], event.get("archive_id") or ""))

    def take_in(self, archives: int, size_bytes: int) -> None:
        """Instead of those that it had."""
        for archive_id in self._archives:
            self._appliance.ask("archive/remove", archive=archive_id)
        self._archives = [self._appliance.hand_in(size_bytes, f"film-{number}.mkv") for number in range(archives)]
        for archive_id in self._archives:
            self._appliance.wait_received(archive_id)

    def upload(self) -> Cost:
        """From the end of a pause until the manifest of each archive is stored, on a connection where nothing is yet."""
        self._connect()
        self._heard.clear()
        return self._cost_of("transfer/resume", "archive_remote")

    def _connect(self) -> None:
        account = self._fake.account(f"{secrets.token_hex(6)}.apps.googleusercontent.com")
        added = self._appliance.ask("connection/add", kind="drive", name=f"drive-{secrets.token_hex(3)}", credentials=json.dumps(account))
        self._connection = str(added["id"])
        self._appliance.ask("connection/validate", connection=self._connection)
        self._appliance.ask("connection/activate", connection=self._connection)

    def download(self) -> Cost:
        """From the wish to have the only archive back until it is in the store, synced and checked."""
        (archive_id,) = self._archives
        job_id = self._appliance.ask("archive/release", archive=archive_id)["job_id"]
        wait_for(lambda: self._appliance.ask("integrity/job", job_id=job_id)["state"] == "done", _WORK_S, "the release")
        self._heard.clear()
        return self._cost_of("archive/restore", "archive_restored", archive=archive_id)

    def _cost_of(self, verb: str, event: str, **parameters: str) -> Cost:
        wanted = {(event, archive_id) for archive_id in self._archives}
        cpu_s, start_s = self._cpu_s(), perf_counter()
        self._appliance.ask(verb, **parameters)
        wait_for(lambda: wanted <= self._heard, _WORK_S, event)
        return Cost(perf_counter() - start_s, self._cpu_s() - cpu_s)

    def forget(self) -> None:
        """The connection, and everything on the fake."""
        self._appliance.ask("transfer/pause")
        self._appliance.disconnect(self._connection)
        empty(self._fake)

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self._appliance._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS_PER_S

    def peak_rss_mb(self) -> float:
        return self._appliance.peak_rss_mb()


class Theirs:
    """rclone with as many streams, without its pacing; started anew for each piece of work, as people do."""

    def __init__(self, fake: DriveProcess, folder: Path, source: Path, chunk: str) -> None:
        folder.mkdir()
        self._fake, self._source, self._target = fake, source, folder / "down"
        options = ["--transfers", str(SLOTS), "--checkers", str(SLOTS), "--drive-chunk-size", chunk, "--drive-pacer-burst", "10000"]
        self._rclone = Rclone(fake, folder, None, *options)

    def upload(self) -> Cost:
        return self._cost_of("copy", str(self._source), "drive:films")

    def download(self) -> Cost:
        """To files that are not synced; checked on the way."""
        try:
            return self._cost_of("copy", "drive:films", str(self._target))
        finally:
            shutil.rmtree(self._target)

    def forget(self) -> None:
        empty(self._fake)

    def _cost_of(self, *arguments: str) -> Cost:
        before, start_s = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
        self._rclone(*arguments)
        took_s, after = perf_counter() - start_s, resource.getrusage(resource.RUSAGE_CHILDREN)
        return Cost(took_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def empty(fake: DriveProcess) -> None:
    """Delete everything on the fake; its contents take room."""
    files = fake.files
    for each in files.values():
        if not any(parent in files for parent in each.parents):
            fake.delete(each.id)
