"""The table of rights agrees with the contract: whoever is to read or write may, and nobody else may read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mqtt.contract import ASKING, TOPICS, Login, Topic
from mqtt.matching import levels, matches
from mqtt.mosquitto.logins import LOGINS, bridged_in, bridged_out, of
from mqtt.topics import Topics

TABLE = Topics("house-1")
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/broker.md"


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


@pytest.mark.parametrize("login", LOGINS)
def test_the_document_has_the_same_table(login: Login) -> None:
    rights = of(login, TABLE)
    expected = [", ".join(f"`{below(each)}`" for each in filters) for filters in (rights.reads, rights.writes)]
    (row,) = [line.split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| `{login}` |")]
    assert row[1:3] == expected
    assert ("others" in row[3]) is bool(rights.denied)


def below(topic_filter: str) -> str:
    """As the document writes it."""
    return (TABLE.below(topic_filter) or topic_filter).replace(TABLE.appliance_id, "<id>")
