"""An appliance inside the test's process, with a client at a real broker: as the daemon joins them."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance.app import Appliance
from appliance.house import House
from appliance.logs import RecentLines
from mqtt.client import Broker
from mqtt.messages import ApplianceState
from mqtt.topics import Topics
from tests.waiting import wait_for


class InHouse:
    """``with InHouse(…) as appliance``. ``broker``: a client that is not started yet; ``heard``: what a subscriber has of its topics."""

    def __init__(self, data: Path, broker: Broker, topics: Topics, heard: dict[str, bytes], **settings: object) -> None:
        given = {"batch_size_mib": 1, "reserve_mib": 0, "inbox_settle_s": 0, "retry_cap_s": 1, "appliance_id": topics.appliance_id}
        environment = {f"PYARCHIVE_{name.upper()}": str(value) for name, value in (given | settings | {"data": data}).items()}
        self.app = Appliance(environment, RecentLines())
        self.reporter = self.app.attach(broker, topics)
        self.broker = broker
        self.house = House(self.app, self.reporter, broker, topics)
        self._heard, self._topics = heard, topics

    def __enter__(self) -> Self:
        self.broker.on_connected(self.house.publish_all)
        self.house.start()
        self.app.start()
        self.broker.start()
        wait_for(lambda: self._heard.get(self._topics.availability) == b"online", what="the appliance to be online")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.house.stop(2.0)
        self.app.stop()
        self.broker.stop(1.0)

    @property
    def state(self) -> ApplianceState:
        """As a subscriber has it."""
        return ApplianceState.model_validate_json(self._heard[self._topics("appliance/state")])

    def ask(self, verb: str, **parameters: Any) -> Any:
        return self.app.handlers.execute("cli", verb, parameters)

    def connect(self, folder: Path) -> str:
        """A folder remote, active."""
        folder.mkdir()
        connection_id = str(self.ask("connection/add", kind="folder", name="disk", path=str(folder))["id"])
        self.ask("connection/validate", connection=connection_id)
        self.ask("connection/activate", connection=connection_id)
        return connection_id
