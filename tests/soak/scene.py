"""The house that is soaked: broker, appliance, panel, runner of scripts, two remotes; and what is known to be in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import secrets
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance import installation
from mqtt.client import Broker
from mqtt.requests import RequestFailed
from mqtt.topics import Topics
from tests.brokers import MOSQUITTO
from tests.fakes.drive import DriveProcess
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.runners import RunnerProcess
from tests.waiting import wait_for

MIB = 1 << 20
BATCH_MIB = 4
_DAY_S = 86_400.0
_AGE_S = 45.0
"""Undo time and grace: so short that what is removed is gone for good within a few minutes."""
_SETTINGS: dict[str, Any] = {
    "batch_size_mib": BATCH_MIB, "undo_days": _AGE_S / _DAY_S, "grace_days": _AGE_S / _DAY_S, "unfinished_days": 150 / _DAY_S,
    "catalog_copy_minutes": 1, "inbox_settle_s": 0.2, "stall_timeout_s": 5, "scrub_days": 0.02, "listing_days": 0.02,
    "drill_mib_per_day": 20_000,
}  # fmt: skip
EXPECTED = frozenset({"conflict", "not_found", "too_many_tries", "wrong_login", "not_local", "busy"})
"""What may be answered to who asks for something that somebody else has just changed."""


@dataclass(slots=True)
class Item:
    """An archive that was acknowledged; ``is_removed``: for good."""

    sha256: str
    size_bytes: int
    owner: str
    is_removed: bool = False


@dataclass(slots=True)
class Kept:
    """Thread-safe where one call is made."""

    items: dict[str, Item] = field(default_factory=dict)
    created: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    in_hand: set[str] = field(default_factory=set)

    def add(self, archive_id: str, content: bytes, owner: str, way: str) -> None:
        with self.lock:
            self.items[archive_id] = Item(hashlib.sha256(content).hexdigest(), len(content), owner)
            self.created[way] += 1

    def did(self, what: str) -> None:
        with self.lock:
            self.done[what] += 1

    def there(self) -> list[str]:
        with self.lock:
            return [archive_id for archive_id, item in self.items.items() if not item.is_removed]

    @contextlib.contextmanager
    def one(self, chance: random.Random, *, oldest: bool = False) -> Iterator[str | None]:
        """An archive that nobody else does something with meanwhile; None: there is none."""
        with self.lock:
            free = [each for each, item in self.items.items() if not item.is_removed and each not in self.in_hand]
            found = (free[0] if oldest else chance.choice(free)) if free else None
            if found:
                self.in_hand.add(found)
        try:
            yield found
        finally:
            with self.lock:
                self.in_hand.discard(found or "")


class Scene:
    """``with Scene(folder, seed, archives) as scene``: all runs, and so many archives are there."""

    def __init__(self, folder: Path, seed: int, archives: int, minutes: float) -> None:
        self.folder, self.seed, self.archives, self.minutes = folder, seed, archives, minutes
        self.topics = Topics("soak-house")
        self.kept = Kept()
        self.counted = folder / "counted"
        self.temporary = folder / "tmp"
        self.temporary.mkdir(mode=0o777)
        self.stack = ExitStack()
        self.names = iter(range(1_000_000))
        self.stopping = threading.Event()
        self.calm_from_s = 0.0

    def disturb(self, for_s: float = 25.0) -> None:
        """Something is restarted on purpose: what fails until then is no complaint."""
        self.calm_from_s = time.monotonic() + for_s

    def __enter__(self) -> Self:
        os.environ |= {"TMPDIR": str(self.temporary)} | _memory_of_units()
        with ExitStack() as stack:
            self.drive = stack.enter_context(DriveProcess(self.folder / "drive"))
            kind = "mosquitto" if MOSQUITTO else "embedded"
            settings = _SETTINGS | {"drive_endpoint": self.drive.root}
            command = ["-m", "tests.soak.counted_appliance", str(self.counted)]
            self.house = stack.enter_context(House(self.folder, command, broker=kind, topics=self.topics, **settings))
            self.panel = stack.enter_context(PanelProcess(self.house, self.folder))
            self.runner = stack.enter_context(RunnerProcess(self.house.address_of("scripts"), self.topics, self.folder))
            self._connect()
            self.home = self._home_assistant(stack)
            self.ada = self.panel.claim("ada")
            for name, role in (("ben", "member"), ("eve", "admin")):
                self.house.ask("user/add", name=name, role=role, password=PASSWORD)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stack.close()

    def _connect(self) -> None:
        """Drive is active; the folder is added and validated."""
        ask = self.house.ask
        self.disk = ask("connection/add", kind="folder", name="disk", path=str(self.house.remote))["id"]
        credentials = json.dumps(self.drive.account(client_id="soak"))
        self.cloud = ask("connection/add", kind="drive", name="Drive", credentials=credentials)["id"]
        for each in (self.disk, self.cloud):
            ask("connection/validate", connection=each)
        ask("connection/activate", connection=self.cloud)

    def _home_assistant(self, stack: ExitStack) -> Broker:
        client = Broker(self.house.address_of("homeassistant"), self.topics, client_id=f"home-{secrets.token_hex(4)}")
        for name in ("appliance/#", "archive/#", "event"):
            client.subscribe(self.topics(name), lambda *_: None)
        client.start()
        stack.callback(client.stop, 1.0)
        return client

    def name(self, way: str) -> str:
        return f"{way}-{next(self.names):05}.bin"

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that is typed in this house."""
        address = self.house.address_of("cli")
        return os.environ | {
            "PYARCHIVE_DATA": str(self.house.data), "PYARCHIVE_APPLIANCE_ID": self.topics.appliance_id,
            "PYARCHIVE_MQTT_HOST": address.host, "PYARCHIVE_MQTT_PORT": str(address.port),
            "PYARCHIVE_MQTT_USERNAME": str(address.username), "PYARCHIVE_MQTT_PASSWORD": str(address.password),
        }  # fmt: skip

    def pids(self) -> dict[str, int]:
        running = {"appliance": self.house.process, "panel": self.panel.process, "runner": self.runner.process}
        return {name: each.pid for name, each in running.items() if each} | {"broker": self.house.broker.pid}  # type: ignore[attr-defined]  # both kinds have one

    def retained(self) -> dict[str, int]:
        """Topics by their first word, as somebody hears them who has just come."""
        found: dict[str, bytes] = {}
        client = Broker(self.house.address_of("cli"), self.topics, client_id=f"looks-{secrets.token_hex(4)}")
        client.subscribe(self.topics("#"), lambda topic, payload, kept: found.__setitem__(topic, payload) if kept else None)
        client.start()
        try:
            wait_for(lambda: self.topics.availability in found or self.stopping.is_set(), 10, "what is retained")
            _until_quiet(found)
        except AssertionError:  # a broker that is just restarting
            return {}
        finally:
            client.stop(1.0)
        return dict(Counter((self.topics.below(topic) or "").split("/")[0] for topic, payload in list(found.items()) if payload))


def _memory_of_units() -> dict[str, str]:
    """What the units tell the C library of memory holds here too."""
    unit = (Path(installation.__file__).parent / "units" / "pyarchive-appliance.service").read_text()
    return dict(re.findall(r"(MALLOC_\w+)=(\d+)", unit))


def _until_quiet(found: dict[str, bytes]) -> None:
    before = -1
    while before != len(found):
        before = len(found)
        time.sleep(0.1)


class Actor(threading.Thread):
    """Does ``act`` so many times a minute, at moments that its seed gives, until the scene stops."""

    per_minute = 60.0

    def __init__(self, scene: Scene, number: int = 0) -> None:
        super().__init__(name=f"{type(self).__name__}-{number}", daemon=True)
        self.scene, self.kept = scene, scene.kept
        self.random = random.Random(f"{scene.seed} {self.name}")

    def run(self) -> None:
        due_s = time.monotonic()
        while True:
            due_s = max(due_s + self.random.expovariate(self.per_minute / 60), time.monotonic() - 5)
            if self.scene.stopping.wait(max(0.0, due_s - time.monotonic())):
                return
            self._tried()

    def _tried(self) -> None:
        began_s = time.monotonic()
        try:
            self.act()
        except RequestFailed as error:
            if error.code not in EXPECTED:
                self.complain(f"{error.code}: {error}")
        except Exception:  # noqa: BLE001 (whatever it is, it is told at the end)
            if began_s < self.scene.calm_from_s:
                self.kept.did("acts that met a restart")
            else:
                self.complain(traceback.format_exc())

    def complain(self, words: str) -> None:
        self.kept.complaints.append(f"{self.name}: {words}")

    def ask(self, verb: str, **parameters: Any) -> Any:
        self.kept.did("requests")
        return self.scene.house.ask(verb, **parameters)

    def act(self) -> None:
        raise NotImplementedError
