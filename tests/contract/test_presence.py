"""Two appliances at one broker: of different ids they do not disturb each other; of one id both say so, and one goes on."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from appliance import presence as module
from appliance.presence import Presence
from appliance.problems import Problems
from mqtt.client import Broker, BrokerAddress
from mqtt.messages import Instance
from mqtt.topics import Topics
from tests.brokers import BrokerProcess
from tests.mqtt.listening import Ear, settled
from tests.processes import House
from tests.waiting import wait_for

MakeHouse = Callable[..., House]


@pytest.fixture
def make_house(tmp_path: Path, broker_address: BrokerAddress) -> Iterator[MakeHouse]:
    with ExitStack() as stack:

        def make(name: str, topics: Topics) -> House:
            (tmp_path / name).mkdir()
            return stack.enter_context(House(tmp_path / name, at=broker_address, topics=topics))

        yield make


def state(house: House) -> Any:
    return json.loads(house.seen.get(house.topics("appliance/state"), b"{}"))


def problems(house: House) -> list[str]:
    return [problem["code"] for problem in state(house).get("problems", [])]


def online(house: House) -> bool:
    return house.seen.get(house.topics.availability) == b"online"


def test_two_appliances_of_different_ids_do_not_disturb_each_other(make_house: MakeHouse) -> None:
    one, other = (make_house(name, Topics(f"test-{name}-{secrets.token_hex(4)}")) for name in ("one", "other"))
    wait_for(lambda: online(one) and online(other))
    archive_id = one.put(b"x" * 1000)
    assert other.ask("archive/list")["total"] == 0
    other.kill()
    wait_for(lambda: other.seen.get(other.topics.availability) == b"offline")
    assert one.show(archive_id)["title"] == "file.bin"
    assert online(one)
    assert (problems(one), problems(other)) == ([], [])
    for house in (one, other):
        assert all(topic.startswith(f"pyarchive/{house.topics.appliance_id}/") for topic in house.seen)


def test_of_two_with_one_id_the_first_goes_on_and_both_say_so(make_house: MakeHouse, topics: Topics) -> None:
    first = make_house("first", topics)
    archive_id = first.put(b"x" * 1000)
    wait_for(lambda: online(first))
    started_at = state(first)["started_at"]
    second = make_house("second", topics)
    wait_for(lambda: "duplicate_id" in problems(first))
    problem = next(problem for problem in state(first)["problems"] if problem["code"] == "duplicate_id")
    assert topics.appliance_id in problem["message"]
    assert "empty data folder" in problem["next_step"]
    wait_for(lambda: "keeps silent on MQTT" in second.log.read_text())
    assert [first.ask("archive/list")["total"] for _ in range(5)] == [1] * 5
    # A first one that was too busy to answer at once says everything again, within ten seconds.
    wait_for(lambda: (state(first)["started_at"], state(first)["status"]) == (started_at, "needs_you"))
    assert first.show(archive_id)["local"]
    second.kill()
    wait_for(lambda: online(first) and "duplicate_id" in problems(first))


def test_two_with_one_id_do_not_flood_the_broker(make_house: MakeHouse, topics: Topics, broker_address: BrokerAddress) -> None:
    first = make_house("first", topics)
    wait_for(lambda: online(first))
    make_house("second", topics)
    wait_for(lambda: "duplicate_id" in problems(first))
    ear, listener = Ear(), Broker(broker_address, topics, f"ear-{secrets.token_hex(4)}")
    listener.subscribe(topics("#"), ear)
    listener.start()
    try:
        assert listener.wait_connected(10)
        settled(listener, topics)
        before = len(ear.heard)
        time.sleep(3)  # what is measured is how much comes in this time
        assert len(ear.heard) - before <= 12, ear.topics
    finally:
        listener.stop(1)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_start_right_after_an_end_is_no_duplicate(make_house: MakeHouse, topics: Topics, end: str) -> None:
    house = make_house("one", topics)
    for _ in range(3):
        wait_for(lambda: online(house))
        getattr(house, end)()
        house.start()
    wait_for(lambda: online(house) and state(house))
    house.ask("archive/list")
    assert problems(house) == []
    assert "duplicate" not in house.log.read_text()


def test_the_last_will_of_a_lost_session_that_comes_late_is_corrected(make_house: MakeHouse, topics: Topics) -> None:
    house = make_house("one", topics)
    wait_for(lambda: online(house))
    ear = Ear()
    house.client.subscribe(topics.availability, ear)
    for times in range(1, 4):
        house.client.publish(topics.availability, b"offline", retain=True)
        wait_for(lambda times=times: ear.payloads.count(b"offline") == times and ear.payloads[-1] == b"online")  # type: ignore[misc]  # a bound loop variable
    assert problems(house) == []


# The parts alone, where the waits can be shortened


@pytest.fixture
def shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TELL_S": 0.2, "FORGET_S": 1.0, "_CALM_S": 0.05, "_ALL_AGAIN_S": 0.1}.items():
        monkeypatch.setattr(module, name, value)


class Life:
    """A process's presence, and what it said."""

    def __init__(self, address: BrokerAddress, topics: Topics) -> None:
        self.broker = Broker(address, topics, f"life-{secrets.token_hex(4)}", retry_min_s=0.05, retry_max_s=0.1)
        self.problems = Problems()
        self.said_all = 0
        self.heard = Ear()
        self.presence = Presence(self.broker, topics, self.problems, self._say_all)
        self.broker.subscribe(topics("request/#"), self.heard)
        self._topics = topics
        self.presence.start()
        self.broker.start()

    def _say_all(self) -> None:
        self.said_all += 1
        self.broker.publish(self._topics.availability, b"online", retain=True)

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems.standing()]

    def end(self) -> None:
        self.presence.stop()
        self.broker.stop(0.5)


@pytest.fixture
def live(broker_address: BrokerAddress, topics: Topics, shortened: None) -> Iterator[Callable[[], Life]]:
    with ExitStack() as stack:

        def make() -> Life:
            life = Life(broker_address, topics)
            stack.callback(life.end)
            return life

        yield make


def test_the_second_takes_over_when_the_first_is_gone_and_keeps_silent_before(
    live: Callable[[], Life], broker_address: BrokerAddress, topics: Topics
) -> None:
    first = live()
    wait_for(lambda: first.said_all)
    second = live()
    wait_for(lambda: first.codes and second.codes)
    assert second.said_all == 0
    asking = Broker(broker_address, topics, "asking", retry_min_s=0.05)
    ear = Ear()
    asking.subscribe(topics("event"), ear)
    asking.start()
    try:
        assert asking.wait_connected(10)
        second.broker.publish(topics("event"), b"held back", retain=False)
        settle_life(second, topics)
        asking.publish(topics("request/cli/archive/list"), b"{}", retain=False)
        wait_for(lambda: first.heard.heard)
        settled(asking, topics)
        assert second.heard.heard == []
        assert ear.heard == []
        first.end()
        wait_for(lambda: second.said_all)
        ear.wait_for(b"held back")
        wait_for(lambda: not second.codes)
        asking.publish(topics("request/cli/archive/list"), b"{}", retain=False)
        wait_for(lambda: second.heard.heard)
    finally:
        asking.stop(1)


def settle_life(life: Life, topics: Topics) -> None:
    """What it could send, it has sent: another word of its presence was heard since."""
    ear = Ear()
    life.broker.subscribe(topics("instance"), ear)
    life.presence._tell()
    wait_for(lambda: any(life.presence._instance.encode() in payload for payload in ear.payloads))


def test_the_first_forgets_the_second_when_it_is_gone(live: Callable[[], Life]) -> None:
    first = live()
    wait_for(lambda: first.said_all)
    second = live()
    wait_for(lambda: first.codes and second.codes)
    second.end()
    wait_for(lambda: not first.codes)


def test_of_two_that_start_together_one_goes_on(live: Callable[[], Life]) -> None:
    lives = [live(), live(), live()]
    wait_for(lambda: all(life.codes for life in lives))
    wait_for(lambda: sum(life.presence._served for life in lives) == 1)
    time.sleep(1.5)  # longer than anybody is remembered
    assert sum(life.presence._served for life in lives) == 1


def test_a_first_one_that_is_slow_to_answer_goes_on_all_the_same(live: Callable[[], Life], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ANSWER_S", 0.0)  # whoever comes serves before it could hear anything
    first = live()
    wait_for(lambda: first.said_all)
    others = [live(), live(), live()]
    wait_for(lambda: all(life.codes for life in [first, *others]))
    wait_for(lambda: not any(life.presence._served for life in others))
    assert first.presence._served


def test_after_a_restart_of_the_broker_the_same_one_goes_on(mortal_broker: BrokerProcess, topics: Topics, shortened: None) -> None:
    first = Life(mortal_broker.address, topics)
    second = None
    try:
        wait_for(lambda: first.said_all)
        second = Life(mortal_broker.address, topics)
        wait_for(lambda: first.codes and second.codes)
        mortal_broker.stop()
        mortal_broker.start()
        said = first.said_all
        wait_for(lambda: first.said_all > said and first.codes and second.codes)
        assert (first.presence._served, second.presence._served, second.said_all) == (True, False, 0)
    finally:
        first.end()
        if second:
            second.end()


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"\xff", b"[" * 100_000, b'{"instance": 5}', b'{"instance": "' + b"9" * 5000 + b'"}', b"9" * 5000, b"null", b"NaN"],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_presence_changes_nothing(live: Callable[[], Life], topics: Topics, payload: bytes) -> None:
    life = live()
    wait_for(lambda: life.said_all)
    life.broker.publish(topics("instance"), payload, retain=False)
    settled(life.broker, topics)
    assert life.presence._others == {}


def test_a_retained_presence_is_nobody(live: Callable[[], Life], make_broker: Any, broker_address: BrokerAddress, topics: Topics) -> None:
    ghost = Instance(instance="0" * 16, host="ghost", serving=True, started_at="2026-11-22T10:00:00Z")  # type: ignore[arg-type]  # pydantic reads it
    other = make_broker(broker_address)
    other.publish(topics("instance"), ghost.payload(), retain=True)
    settled(other, topics)
    life = live()
    wait_for(lambda: life.said_all)
    assert life.problems.last is None
    other.clear(topics("instance"))
