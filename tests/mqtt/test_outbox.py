"""What waits for the broker, in any order of events."""

from __future__ import annotations

import json
import os

from hypothesis import given
from hypothesis import strategies as st

from mqtt import answers as answers_module
from mqtt.answers import Answers, Place
from mqtt.outbox import LIMIT_AWAY, LIMIT_BYTES, LIMIT_CONNECTED, Outbox, Outgoing

messages = st.builds(Outgoing, st.sampled_from("abc"), st.binary(max_size=3), st.booleans())


def drained(outbox: Outbox) -> list[Outgoing]:
    taken = []
    while message := outbox.take():
        taken.append(message)
    return taken


@given(said=st.lists(messages, max_size=40))
def test_the_last_retained_values_and_all_others_come_in_the_order_they_were_put(said: list[Outgoing]) -> None:
    outbox = Outbox()
    for message in said:
        outbox.put(message)
    last = {message.topic: place for place, message in enumerate(said) if message.retain}
    expected = [message for place, message in enumerate(said) if not message.retain or last[message.topic] == place]
    assert drained(outbox) == expected


@given(said=st.lists(messages, max_size=40), taken=st.integers(0, 40), more=st.lists(messages, max_size=20))
def test_a_lost_connection_loses_nothing_that_was_not_acknowledged(said: list[Outgoing], taken: int, more: list[Outgoing]) -> None:
    one, other = Outbox(), Outbox()
    for message in said:
        one.put(message)
    under_way = [one.take() for _ in range(taken)]
    for message in more:
        one.put(message)
    unacknowledged = [message for message in under_way if message]
    one.away(unacknowledged)
    for message in [*said, *more]:
        other.put(message)
    assert drained(one)[-len(more) :] == drained(other)[-len(more) :]
    one.away(unacknowledged)
    assert {message.topic for message in unacknowledged} <= {message.topic for message in drained(one)}


def test_the_oldest_that_are_not_retained_are_dropped_and_counted() -> None:
    outbox = Outbox()
    outbox.put(Outgoing("state", b"kept", retain=True))
    for number in range(LIMIT_AWAY + 5):
        outbox.put(Outgoing("event", b"%d" % number, retain=False))
    assert outbox.connected() == 5
    assert outbox.connected() == 0
    assert [message.payload for message in drained(outbox)][:2] == [b"kept", b"5"]


def test_a_slow_broker_gets_more_than_an_absent_one_and_less_when_it_goes() -> None:
    outbox = Outbox()
    outbox.connected()
    for number in range(LIMIT_CONNECTED + 5):
        outbox.put(Outgoing("event", b"%d" % number, retain=False))
    assert len(outbox) == LIMIT_CONNECTED
    outbox.away([])
    assert len(outbox) == LIMIT_AWAY


def test_large_messages_that_are_not_retained_are_bounded_by_their_bytes() -> None:
    outbox = Outbox()
    for _ in range(100):
        outbox.put(Outgoing("response", bytes(256 * 1024), retain=False))
    assert len(outbox) == LIMIT_BYTES // (256 * 1024)


def test_answers_are_forgotten_by_number_and_by_bytes_oldest_first() -> None:
    answers = Answers()
    for number in range(answers_module.LIMIT_ANSWERS + 1):
        assert answers.claim(("cli", str(number))) == (Place.NEW, None)
        answers.keep(("cli", str(number)), b"answer")
    assert answers.claim(("cli", "1")) == (Place.ANSWERED, b"answer")
    assert answers.claim(("cli", "0")) == (Place.NEW, None)
    assert answers.claim(("cli", "0")) == (Place.EXECUTING, None)


def test_large_answers_are_forgotten_by_their_bytes() -> None:
    answers, large = Answers(), os.urandom(256 * 1024)
    for number in range(answers_module.LIMIT_BYTES // len(large) + 1):
        answers.claim(("cli", str(number)))
        answers.keep(("cli", str(number)), large)
    assert answers.claim(("cli", "2")) == (Place.ANSWERED, large)
    assert answers.claim(("cli", "0")) == (Place.NEW, None)


def test_what_is_remembered_of_long_lists_takes_little_memory() -> None:
    """The longest page that people and programs look at all day: 200 archives."""
    archive = {"id": "0123456789abcdef", "title": "Holiday", "sha256": "", "rung": "remote", "health": "ok", "owner": "ada"}
    listed = json.dumps([archive | {"sha256": os.urandom(32).hex(), "size_bytes": number * 4711} for number in range(200)]).encode()
    answers = Answers()
    for number in range(answers_module.LIMIT_ANSWERS):
        answers.claim(("cli", str(number)))
        answers.keep(("cli", str(number)), listed)
    assert answers._bytes <= answers_module.LIMIT_BYTES == 4 << 20
    assert answers.claim(("cli", "950")) == (Place.ANSWERED, listed)
    assert len(answers._given) > 200, "many more than are asked within the time in which one is asked again"
