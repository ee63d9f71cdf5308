"""An appliance and a runner at one broker, to run the scripts that ship as an admin runs them: by ``script/run``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest

import firmware_scripts
from appliance.app import Appliance, answer
from appliance.house import House
from appliance.logs import RecentLines
from mqtt.client import Broker, BrokerAddress
from mqtt.requests import Responder
from mqtt.script_messages import UNFINISHED
from mqtt.topics import Topics
from tests.brokers import Embedded
from tests.inside import Inside
from tests.runners import RunnerProcess
from tests.waiting import wait_for

FOLDER = Path(str(firmware_scripts.__file__)).parent
MANIFEST: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "shipped.toml").read_text())
BATCH = 100_000


class Ran(NamedTuple):
    """What came of a run: its exit status, its lines of both streams, and the values that it published."""

    status: int | None
    lines: list[str]
    values: dict[str, Any]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Place(NamedTuple):
    """A broker, and a runner that outlives the appliances of several tests."""

    address: BrokerAddress
    topics: Topics


@contextmanager
def placed(factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        broker = Embedded()
        stack.callback(broker.stop)
        topics = Topics("test-shipped")
        stack.enter_context(RunnerProcess(broker.address, topics, factory.mktemp("runner")))
        yield Place(broker.address, topics)


class Shipping(Inside):
    """``with Shipping(data, place) as inside``: an appliance at that broker; ``run`` runs a script by its id."""

    def __init__(self, data: Path, place: Place) -> None:
        given = {"data": data, "appliance_id": place.topics.appliance_id, "batch_size_mib": 1, "reserve_mib": 0, "retry_cap_s": 1}
        self.data = data
        self.app = Appliance({f"PYARCHIVE_{name.upper()}": str(value) for name, value in given.items()}, RecentLines())
        self.app.intake.batch_bytes = lambda: BATCH  # type: ignore[method-assign]  # smaller than the settings allow, for speed
        self._client = Broker(place.address, place.topics, client_id="appliance", retry_min_s=0.05, retry_max_s=0.2)
        self._house = House(self.app, self.app.attach(self._client, place.topics), self._client, place.topics)
        self._responder = Responder(self._client, place.topics, lambda login, verb, parameters: answer(self.app, login, verb, parameters))

    def __enter__(self) -> Self:
        self._house.start()
        self._responder.start()
        super().__enter__()
        self._client.start()
        wait_for(lambda: self.ask("script/list")["runner"] == "online", 30, "the runner to be online")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._house.stop(2.0)
        self._responder.stop()
        super().__exit__(kind, error, trace)
        self._client.stop(1.0)

    def run(self, script_id: str, *arguments: str, timeout_s: float = 60.0) -> Ran:
        run_id = self.ask("script/run", script=script_id, arguments=list(arguments))["run_id"]

        def ended() -> Any:
            page = self.ask("script/output", run_id=run_id)
            return page if page["run"]["state"] not in UNFINISHED else None

        page = wait_for(ended, timeout_s, "the run to end")
        lines = [line["text"] for line in page["lines"]]
        assert page["run"]["state"] == "ended", page["run"]
        return Ran(page["run"]["exit_status"], lines, self._values(script_id))

    def _values(self, script_id: str) -> dict[str, Any]:
        """What it has published, now or before."""
        known = self.app.scripts.values._all.get(script_id)
        return {name: each.value for name, each in known.values.items()} if known else {}
