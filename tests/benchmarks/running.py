"""An appliance as users run it: a process of its own, a broker, a client that asks."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, time
from typing import IO, Any, NamedTuple, Self

from mqtt.client import Broker
from mqtt.requests import Requester
from mqtt.topics import Topics
from tests.benchmarks import content
from tests.brokers import BrokerProcess, end_broker, start_broker
from tests.waiting import wait_for

APPLIANCE_ID = "benchmark"
_STATES = ("appliance/#", "archive/#", "transfer/#", "connection/#", "event", "log", "availability")
_START_S, _ANSWER_S, _STOP_S, _WORK_S = 60.0, 60.0, 10.0, 1800.0


@dataclass(slots=True)
class Heard:
    """The last payload of ``appliance/state``, and when ``availability`` said online (perf_counter; 0 before)."""

    state: bytes = b""
    online_s: float = 0.0
    state_when_online: bytes = b""


class Message(NamedTuple):
    """``name`` is below the base; ``at_s`` of perf_counter, ``at`` of the wall clock."""

    at_s: float
    at: float
    name: str
    payload: bytes
    retained: bool


class Hearing:
    """What came, in its order."""

    def __init__(self, topics: Topics) -> None:
        self.messages: list[Message] = []
        self._topics = topics

    def take(self, topic: str, payload: bytes, retained: bool) -> None:
        self.messages.append(Message(perf_counter(), time(), self._topics.below(topic) or "", payload, retained))


class Running:
    """``with Running(folder, transfers=1) as appliance``: online; ended afterwards. Settings by name; the others as a user has them.

    Its files are in ``folder`` (data, log), which must exist. ``start_s`` is how long the process took to be online. ``broker`` is one
    of ``tests.brokers.KINDS``.
    """

    def __init__(self, folder: Path, *, sync_delay_ms: int = 0, broker: str = "embedded", **settings: object) -> None:
        self.data = folder / "data"
        self.start_s = 0.0
        self.heard = Heard()
        self._folder = folder
        self._broker_kind = broker
        self._topics = Topics(APPLIANCE_ID)
        self._settings = {"PYARCHIVE_TEST_SYNC_DELAY_MS": str(sync_delay_ms)} | {
            f"PYARCHIVE_{name.upper()}": str(value) for name, value in settings.items()
        }
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            log = stack.enter_context((self._folder / "log").open("ab"))
            self.broker: BrokerProcess = start_broker(self._broker_kind)
            stack.callback(end_broker, self.broker)
            self._connect(stack)
            self._start(stack, log)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _connect(self, stack: ExitStack) -> None:
        client = self._client()
        client.subscribe(self._topics("appliance/state"), self._hear_state)
        client.subscribe(self._topics.availability, self._hear_availability)
        self._requester = Requester(client, self._topics, "cli")
        self._begin(client, stack)

    def _client(self) -> Broker:
        return Broker(self.broker.address, self._topics, client_id=f"benchmark-{secrets.token_hex(4)}", retry_max_s=0.5)

    def _begin(self, client: Broker, stack: ExitStack) -> None:
        client.start()
        stack.callback(client.stop, 1.0)
        assert client.wait_connected(_START_S), client.last_error

    def _hear_state(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.heard.state = payload

    def _hear_availability(self, _topic: str, payload: bytes, _retained: bool) -> None:
        if payload == b"online" and not self.heard.online_s:
            self.heard.state_when_online, self.heard.online_s = self.heard.state, perf_counter()

    @property
    def environment(self) -> dict[str, str]:
        """Of the appliance, and of a command that asks it."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("PYARCHIVE_")}
        return others | self._settings | {
            "PYARCHIVE_CONFIG": os.devnull, "PYARCHIVE_DATA": str(self.data), "PYARCHIVE_APPLIANCE_ID": APPLIANCE_ID,
            "PYARCHIVE_MQTT_HOST": self.broker.address.host, "PYARCHIVE_MQTT_PORT": str(self.broker.address.port),
            "PYARCHIVE_MQTT_USERNAME": str(self.broker.address.username), "PYARCHIVE_MQTT_PASSWORD": str(self.broker.address.password),
        }  # fmt: skip

    def _start(self, stack: ExitStack, log: IO[bytes]) -> None:
        environment = self.environment
        started_s = perf_counter()
        self._process = subprocess.Popen([sys.executable, "-m", "appliance"], env=environment, stdout=log, stderr=log)
        stack.callback(self._end)
        wait_for(lambda: self.heard.online_s or self._process.poll() is not None or perf_counter() - started_s > _START_S, 2 * _START_S)
        assert self.heard.online_s, f"the appliance is not online; the end of its log: {self._end_of_log()}"
        self.start_s = self.heard.online_s - started_s

    def _end_of_log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-2000:]

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def listen(self, kinds: tuple[str, ...] = _STATES) -> Hearing:
        """From here on all that it publishes below those names is kept, with the time of its arrival. A subscriber of its own."""
        hearing = Hearing(self._topics)
        client = self._client()
        for kind in kinds:
            client.subscribe(self._topics(kind), hearing.take)
        self._begin(client, self._stack)
        return hearing

    # What is asked of it

    def ask(self, verb: str, **parameters: Any) -> Any:
        return self._requester.request(verb, parameters, _ANSWER_S)

    def hand_in(self, size_bytes: int, name: str = "film.mkv") -> str:
        """A file of that many bytes (whole MiB), filled in the place that the appliance made for it, as `put` does, and committed."""
        begun = self.ask("archive/begin", file_name=name, size_bytes=size_bytes)
        sha256 = content.fill(Path(begun["path"]), size_bytes)
        self.ask("archive/commit", archive_id=begun["archive_id"], sha256=sha256)
        return str(begun["archive_id"])

    def wait_received(self, archive_id: str) -> None:
        wait_for(lambda: self._is_received(archive_id), _WORK_S, "the file to be received")

    def _is_received(self, archive_id: str) -> bool:
        upload = self.ask("archive/upload", archive_id=archive_id)
        assert upload["state"] != "failed", upload
        return bool(upload["state"] == "received")

    def connect(self, folder: Path) -> str:
        """A folder as remote: added, validated, active. What was stored elsewhere is carried there too."""
        folder.mkdir()
        connection_id = str(self.ask("connection/add", kind="folder", name=folder.name, path=str(folder))["id"])
        self.ask("connection/validate", connection=connection_id)
        self.ask("connection/activate", connection=connection_id)
        return connection_id

    def disconnect(self, connection_id: str) -> None:
        self.ask("connection/remove", connection=connection_id)

    def wait_remote(self, archive_id: str, connection_id: str) -> None:
        """Until it is remote on that connection."""
        wait_for(lambda: self._is_remote(archive_id, connection_id), _WORK_S, "the archive to be remote")

    def _is_remote(self, archive_id: str, connection_id: str) -> bool:
        placements = self.ask("archive/show", archive=archive_id)["placements"]
        return any(each["connection_id"] == connection_id and each["rung"] in {"remote", "proven"} for each in placements)

    def store_file(self, archive_id: str) -> Path:
        return Path(self.ask("archive/locate", archive=archive_id)["path"])

    def peak_rss_mb(self) -> float:
        """Of the appliance's process since its start, in MB (VmHWM)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6
