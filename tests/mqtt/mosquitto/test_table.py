"""The table of rights agrees with the contract: whoever is to read or write may, and nobody else may read."""

from __future__ import annotations

import re

import pytest

from mqtt.contract import ASKING, TOPICS, Login, Topic
from mqtt.matching import levels, matches
from mqtt.mosquitto.logins import LOGINS, bridged_in, bridged_out, of
from mqtt.topics import Topics

TABLE = Topics("house-1")


def covered(filters: tuple[str, ...], topic: str) -> bool:
    return any(matches(levels(each) or [], topic.split("/")) for each in filters)


def reads(login: Login, topic: str) -> bool:
    rights = of(login, TABLE)
    return covered(rights.reads, topic) and not covered(rights.denied, topic)


def writes(login: Login, topic: str) -> bool:
    rights = of(login, TABLE)
    return covered(rights.writes, topic) and not covered(rights.denied, topic)


def example(topic: Topic) -> str:
    return re.sub(r"\{\w+\}", "x", topic.address.replace("{appliance_id}", TABLE.appliance_id))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: str(topic.name))
def test_who_is_to_read_a_topic_may_and_nobody_else(topic: Topic) -> None:
    assert {login for login in LOGINS if reads(login, example(topic))} == topic.readers


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: str(topic.name))
def test_who_is_to_write_a_topic_may_and_nobody_else_but_the_appliance(topic: Topic) -> None:
    may = {login for login in LOGINS if writes(login, example(topic))}
    assert topic.writers <= may <= topic.writers | {Login.APPLIANCE}


@pytest.mark.parametrize("login", ASKING)
def test_who_may_ask_asks_under_its_own_name_alone(login: Login) -> None:
    for other in LOGINS:
        asked, answered = TABLE.request(other, "archive/list"), TABLE.response(other, "archive/list")
        assert (writes(login, asked), reads(login, answered), writes(login, answered)) == (login == other, login == other, False)


def test_a_bridge_carries_what_home_assistant_reads_and_writes_and_nothing_both_ways() -> None:
    for topic in TOPICS:
        name = example(topic)
        assert covered(bridged_in(TABLE), name) is (Login.HOMEASSISTANT in topic.writers), name
        assert covered(bridged_out(TABLE), name) is (Login.HOMEASSISTANT in topic.readers - topic.writers), name
