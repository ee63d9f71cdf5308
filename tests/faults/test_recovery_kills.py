"""A recovery that is killed again and again, also while the data gets another appliance's id, comes to the end that it would have had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance.recovery.intent import FILE_NAME
from mqtt.client import Broker, BrokerAddress
from mqtt.embedded import EmbeddedBroker
from mqtt.requests import NoAnswer, Requester
from mqtt.topics import Topics
from tests.appliance.recovery.places import BATCH, NAME, FolderPlace, connect, keep
from tests.inside import Inside
from tests.waiting import wait_for

KILLED_AFTER = (1, 2, 4, 7, 12, 20, 33, 54)


class Newcomer:
    """A process on an empty data folder, whose id is what it finds or makes."""

    def __init__(self, data: Path, broker: EmbeddedBroker, log: Path) -> None:
        self.data, self.broker, self.log = data, broker, log
        self.process: subprocess.Popen[bytes] | None = None
        self.address = BrokerAddress(host=broker.host, port=broker.port, username=broker.username, password=broker.password)

    def start(self, killed_after: int | None = None) -> subprocess.Popen[bytes]:
        command = ["-m", "tests.faults.killed_appliance", str(killed_after)] if killed_after else ["-m", "appliance"]
        given = {
            "data": self.data, "mqtt_port": self.broker.port, "mqtt_username": self.broker.username,
            "mqtt_password": self.broker.password, "reserve_mib": 0, "retry_cap_s": 1,
        }  # fmt: skip
        environment = os.environ | {f"PYARCHIVE_{name.upper()}": str(value) for name, value in given.items()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *command], env=environment, stderr=log)
        return self.process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def id(self) -> str:
        return (self.data / "appliance_id").read_text().strip()

    @contextmanager
    def asking(self) -> Iterator[Requester]:
        topics = Topics(self.id)
        client = Broker(self.address, topics, client_id="tests")
        requester = Requester(client, topics, "cli", resend_s=0.3)
        client.start()
        try:
            yield requester
        finally:
            client.stop(1.0)

    def ask(self, verb: str, timeout_s: float = 20.0, **parameters: Any) -> Any:
        with self.asking() as requester:
            return requester.request(verb, parameters, timeout_s)

    def retained(self) -> dict[str, bytes]:
        """What the broker holds of all appliances."""
        seen: dict[str, bytes] = {}
        client = Broker(self.address, Topics("test-looks"), client_id="looks")
        client.subscribe("pyarchive/#", lambda topic, payload, retained: seen.__setitem__(topic, payload) if retained else None)
        client.start()
        wait_for(lambda: any(topic.endswith("availability") for topic in seen), what="what is retained")
        client.stop(0.5)
        return seen


def test_a_recovery_killed_at_any_point_and_run_again_comes_to_the_same_end(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        contents, appliance_id = keep(old, 3 * BATCH, BATCH, 0, 5, 2 * BATCH), old.app.folder.appliance_id
        old.ask("archive/remove", archive=next(iter(contents)))
        assert old.app.copier.run_once()
    before = place.found(appliance_id)
    data = tmp_path / "data"
    with EmbeddedBroker.start() as broker, Newcomer(data, broker, tmp_path / "log") as newcomer:
        first_id = prepare(newcomer, place)
        for killed_after in KILLED_AFTER:
            process = newcomer.start(killed_after)
            if not (data / FILE_NAME).exists():
                try_to_begin(newcomer)
            assert process.wait(30) == -9, (tmp_path / "log").read_text()
        process = newcomer.start()
        wait_for(lambda: newcomer.id == appliance_id, what="the old id")
        state = wait_for(lambda: (s := newcomer.ask("recovery/state"))["state"] == "done" and s, 30, "the recovery to end")
        assert (state["adopted"], state["already_here"], state["skipped"], state["removed"]) == (5, 0, [], 1), state
        wait_for(lambda: not [t for t in newcomer.retained() if f"/{first_id}/" in t], what="the id that was given up to be forgotten")
        assert newcomer.ask("archive/list")["total"] == 4
        assert "catalog was gone" not in (tmp_path / "log").read_text()
        process.terminate()
        assert process.wait(10) == 0
    assert place.found(appliance_id) == before
    assert place.trashed() == 0
    with place.appliance(data) as inside:
        for archive_id, content in list(contents.items())[1:]:
            inside.ask("archive/restore", archive=archive_id)
            inside.wait_local(archive_id)
            assert inside.local_bytes(archive_id) == content
        assert again(inside) == (0, 5)


def prepare(newcomer: Newcomer, place: FolderPlace) -> str:
    """The connection is added and validated by a first run; the newcomer's own id."""
    process = newcomer.start()
    wait_for((newcomer.data / "appliance_id").exists, what="an id")
    newcomer.ask("connection/add", kind="folder", name=NAME, path=str(place.folder))
    newcomer.ask("connection/validate", connection=NAME)
    assert newcomer.ask("connection/show", connection=NAME)["adopting"]
    process.terminate()
    process.wait(10)
    return newcomer.id


def try_to_begin(newcomer: Newcomer) -> None:
    """It is killed before it answers, or soon after."""
    assert newcomer.process is not None
    while newcomer.process.poll() is None:
        try:
            newcomer.ask("recovery/start", 0.5, connection=NAME)
        except NoAnswer:
            continue
        return


def again(inside: Inside) -> tuple[int, int]:
    inside.ask("recovery/start", connection=NAME)
    state = wait_for(lambda: (s := inside.ask("recovery/state"))["state"] == "done" and s, what="the recovery to end")
    return state["adopted"], state["already_here"]
