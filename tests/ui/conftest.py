"""A broker, a stand-in for the appliance, and the command run against both."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mqtt.client import BrokerAddress
from mqtt.embedded import EmbeddedBroker
from tests.ui.stand_in import StandIn
from ui.cli import main


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker.start() as broker:
        yield broker


@pytest.fixture
def client_data(embedded_broker: EmbeddedBroker, tmp_path: Path) -> Path:
    """A data folder whose client.toml leads to the broker; the appliance's id is fresh."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "client.toml").write_text(
        f'appliance_id = "stand-in-{secrets.token_hex(4)}"\n[mqtt]\nhost = "127.0.0.1"\nport = {embedded_broker.port}\n'
        f'username = "{embedded_broker.username}"\npassword = "{embedded_broker.password}"\n'
    )
    return folder


@pytest.fixture
def appliance(embedded_broker: EmbeddedBroker, client_data: Path, tmp_path: Path) -> Iterator[StandIn]:
    appliance_id = (client_data / "client.toml").read_text().split('"')[1]
    address = BrokerAddress(
        host="127.0.0.1", port=embedded_broker.port, username=embedded_broker.username, password=embedded_broker.password
    )
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    stand_in = StandIn(address, appliance_id, uploads)
    yield stand_in
    stand_in.stop()


@dataclass(frozen=True)
class Done:
    """What the command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(client_data: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("put", file)``: the command in this process, without a terminal."""
    for name in ("PYARCHIVE_DATA", "PYARCHIVE_CONFIG", "PYARCHIVE_APPLIANCE_ID", "PYARCHIVE_MQTT_HOST", "PYARCHIVE_MQTT_PORT"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Done:
        capfd.readouterr()
        try:
            status = main(["--data", str(client_data), *map(str, arguments)])
        except SystemExit as error:
            status = int(error.code or 0)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return run
