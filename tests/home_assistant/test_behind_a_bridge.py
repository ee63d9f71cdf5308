"""Home Assistant at a broker of its own, which our Mosquitto joins by its bridge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import HOST
from tests.conftest import MakeBroker
from tests.home_assistant.parts import bench, home_assistant
from tests.home_assistant.test_home_assistant import all_available, all_unavailable
from tests.installed import Installed, need_mosquitto
from tests.mqtt.listening import Ear
from tests.mqtt.mosquitto.test_bridge import BRIDGE_S, Other
from tests.processes import House
from tests.waiting import wait_for

_NOTHING_HAPPENS_S = 2.0


@pytest.fixture
def theirs() -> Iterator[Other]:
    bench()  # skips before anything is started
    need_mosquitto()
    broker = Other()
    yield broker
    broker.stop()
    broker.remove()


@pytest.fixture
def house(theirs: Other, tmp_path: Path) -> Iterator[House]:
    (tmp_path / "house").mkdir()
    with House(tmp_path / "house", broker="mosquitto") as house:
        house.connect()
        ours(house).stop()
        ours(house).bridge = theirs.login
        ours(house).configure(bridge_host=HOST, bridge_port=theirs.address.port)
        ours(house).start()
        yield house


def ours(house: House) -> Installed:
    assert isinstance(house.broker, Installed)
    return house.broker


def acts(ha: Any) -> None:
    """Commands arrive, and what they did comes back."""
    for service, state in (("turn_on", "on"), ("turn_off", "off")):
        ha.call_service("switch", service, entity_id="switch.pyarchive_pause")
        ha.wait_for_state("switch.pyarchive_pause", state)


def test_home_assistant_sees_commands_and_loses_the_appliance_as_if_it_had_no_bridge_in_between(
    theirs: Other, house: House, tmp_path: Path, make_broker: MakeBroker
) -> None:
    ear = Ear()
    make_broker(theirs.address).subscribe(house.topics("+"), ear)
    with home_assistant(theirs.address, tmp_path / "home-assistant") as ha:
        ha.wait_for(lambda: ha.devices() and all_available(ha), 60)
        acts(ha)
        ours(house).kill()  # first, so that it cannot tell what becomes of the appliance
        house.kill()
        ha.wait_for(lambda: all_unavailable(ha), BRIDGE_S)
        assert ear.last(house.topics.availability) == b"online"
        ours(house).start()
        wait_for(lambda: ear.last(house.topics.bridge) == b"1", BRIDGE_S)
        with pytest.raises(AssertionError):  # Mosquitto is back, nobody else
            wait_for(lambda: not all_unavailable(ha), _NOTHING_HAPPENS_S)
        house.start()
        ha.wait_for(lambda: all_available(ha), BRIDGE_S)
        acts(ha)
        assert ha.problems() == []
