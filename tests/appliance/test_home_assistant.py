"""When Home Assistant is told of the appliance, and when that is taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.home_assistant import _QUOTA
from appliance.remotes.remote import Usage
from appliance.settings import SettingsError, SettingsStore
from mqtt import discovery
from mqtt.client import Broker, BrokerAddress
from mqtt.discovery import Facts
from mqtt.discovery_entities import Thing
from mqtt.topics import Topics
from tests.appliance.in_house import InHouse
from tests.conftest import MakeBroker
from tests.mqtt.listening import Ear, settled
from tests.waiting import wait_for

Join = Callable[..., InHouse]
NOTHING: frozenset[Thing] = frozenset()


@pytest.fixture
def prefix(topics: Topics) -> str:
    """Of the test's own: brokers are shared."""
    return f"{topics.appliance_id}/ha"


@pytest.fixture
def topic(prefix: str, topics: Topics) -> str:
    return discovery.config_topic(prefix, topics.appliance_id)


@pytest.fixture
def ear(someone: Broker, topic: str) -> Ear:
    """What is said on the topic of discovery."""
    ear = Ear()
    someone.subscribe(topic, ear)
    return ear


@pytest.fixture
def join(
    someone: Broker, make_broker: MakeBroker, broker_address: BrokerAddress, topics: Topics, heard: dict[str, bytes], tmp_path: Path,
    prefix: str,
) -> Join:  # fmt: skip
    def join(**settings: object) -> InHouse:
        client = make_broker(broker_address, name="appliance", start=False)
        return InHouse(tmp_path / "data", client, topics, heard, home_assistant_prefix=prefix, **settings)

    return join


def present(ear: Ear, topic: str) -> set[str]:
    return discovery.components(ear.last(topic) or b"")


def test_it_is_told_at_the_connect_and_retained(
    join: Join, ear: Ear, topic: str, make_broker: MakeBroker, broker_address: BrokerAddress
) -> None:
    with join():
        wait_for(lambda: "status" in present(ear, topic), what="discovery")
    later, late = make_broker(broker_address, name="late"), Ear()
    later.subscribe(topic, late)
    wait_for(lambda: late.heard, what="what is retained")
    assert late.heard[0][2]


def test_its_device_links_to_the_panel_once_that_is_known(join: Join, ear: Ear, topic: str) -> None:
    with join() as appliance:
        wait_for(lambda: present(ear, topic), what="discovery")
        assert "cu" not in json.loads(ear.last(topic) or b"")["dev"]
        appliance.ask("settings/set", name="panel_url", value="http://pyarchive.local:8080")
        wait_for(lambda: json.loads(ear.last(topic) or b"")["dev"].get("cu") == "http://pyarchive.local:8080", what="the link")


def test_what_the_active_connection_has_comes_and_goes_with_it(join: Join, ear: Ear, topic: str, tmp_path: Path) -> None:
    with join() as appliance:
        wait_for(lambda: present(ear, topic), what="discovery")
        assert not {"remote_connectivity", "remote_quota", "sign_in_needed"} & present(ear, topic)
        connection_id = appliance.connect(tmp_path / "remote")
        wait_for(lambda: {"remote_connectivity", "remote_quota"} <= present(ear, topic), what="the remote's entities")
        appliance.ask("connection/remove", connection=connection_id)
        wait_for(lambda: "remote_connectivity" not in present(ear, topic), what="their removal")
        assert json.loads(ear.last(topic) or b"")["cmps"]["remote_connectivity"] == {"p": "binary_sensor"}


def test_a_quota_that_is_not_known_yet_keeps_its_entity(
    join: Join, ear: Ear, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with join() as appliance:
        appliance.connect(tmp_path / "remote")
        wait_for(lambda: "remote_quota" in present(ear, topic), what="the quota")
    usage: list[Usage] = [Usage(None, None, None)]
    monkeypatch.setattr("appliance.remotes.folder.FolderRemote.usage", lambda _: usage[0])
    ear.heard.clear()
    with join() as appliance:
        wait_for(lambda: ear.heard, what="discovery after the restart")
        assert "remote_quota" in present(ear, topic)
        usage[0] = Usage(limit_bytes=None, used_bytes=5, free_bytes=None)  # now it says that there is no limit
        appliance.app.connections.look()
        wait_for(lambda: "remote_quota" not in present(ear, topic), what="its removal")


def test_it_is_told_again_with_everything_when_home_assistant_has_started(
    join: Join, ear: Ear, topic: str, prefix: str, someone: Broker, topics: Topics
) -> None:
    with join():
        wait_for(lambda: ear.heard, what="discovery")
        said = Ear()
        someone.subscribe(topics.availability, said)
        wait_for(lambda: said.heard, what="what is retained")
        ear.heard.clear()
        said.heard.clear()
        someone.publish(f"{prefix}/status", b"online", retain=False)
        wait_for(lambda: "status" in present(ear, topic), what="discovery once more")
        wait_for(lambda: b"online" in said.payloads, what="everything once more, online last")


def test_other_words_of_home_assistant_and_old_ones_change_nothing(
    join: Join, ear: Ear, topic: str, prefix: str, someone: Broker, topics: Topics
) -> None:
    said = Ear()
    someone.subscribe(topics.availability, said)
    someone.publish(f"{prefix}/status", b"online", retain=True)
    with join() as appliance:
        wait_for(lambda: ear.heard, what="discovery")
        someone.publish(f"{prefix}/status", b"offline", retain=False)
        someone.publish(f"{prefix}/status", b"\xff" * 1000, retain=False)
        appliance.app.settings.set("home_assistant_name", "Attic")
        wait_for(lambda: b"attic_status" in (ear.last(topic) or b""), what="the next discovery")
        assert len(ear.heard) == 2
        assert appliance.house._home_assistant._due_s is None
        assert said.payloads.count(b"online") == 1
    someone.clear(f"{prefix}/status")


def test_switched_off_it_is_taken_back_and_switched_on_it_comes_again(join: Join, ear: Ear, topic: str) -> None:
    with join() as appliance:
        wait_for(lambda: present(ear, topic), what="discovery")
        appliance.app.settings.set("home_assistant_discovery", "false")
        wait_for(lambda: ear.last(topic) == b"", what="its removal")
        appliance.app.settings.set("home_assistant_discovery", "true")
        wait_for(lambda: present(ear, topic), what="discovery")


def test_switched_off_at_the_start_only_what_is_retained_is_taken_back_and_once(
    join: Join, ear: Ear, topic: str, someone: Broker, topics: Topics, prefix: str
) -> None:
    someone.publish(topic, discovery.config(Facts(appliance_id=topics.appliance_id, version="0")), retain=True)
    wait_for(lambda: ear.heard, what="what an earlier start left")
    with join(home_assistant_discovery="false"):
        wait_for(lambda: ear.last(topic) == b"", what="its removal")
        someone.publish(f"{prefix}/status", b"online", retain=False)
    ear.heard.clear()
    with join(home_assistant_discovery="false") as appliance:
        wait_for(lambda: appliance.house._home_assistant._told, what="what the broker retains to be looked at")
        appliance.app.settings.set("home_assistant_name", "Attic")
    settled(someone, topics)
    assert ear.heard == []


def test_a_prefix_that_is_no_topic_is_refused() -> None:
    with pytest.raises(SettingsError, match="home_assistant_prefix"):
        SettingsStore({"PYARCHIVE_HOME_ASSISTANT_PREFIX": "ho/+/me"})


def test_the_entity_of_the_quota_is_the_one_that_discovery_makes() -> None:
    with_it, without = (
        discovery.components(discovery.config(Facts(appliance_id="attic-1", version="0", has=has)))
        for has in (frozenset({Thing.QUOTA}), NOTHING)
    )
    assert with_it - without == {_QUOTA}
