"""Requests and their answers, on each broker; restarts in the middle; hostile payloads."""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from mqtt.client import Broker, BrokerAddress
from mqtt.requests import QUEUE_LIMIT, NoAnswer, Requester, RequestFailed, Responder
from mqtt.topics import Topics
from tests.brokers import HOST, BrokerProcess, free_port
from tests.conftest import MakeBroker
from tests.mqtt.listening import Ear, settled
from tests.waiting import wait_for

LIMIT_BYTES = 256 * 1024


class Missing(Exception):
    code = "not_found"


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int
    kind: Literal["a", "b"] = "a"


@dataclass
class Appliance:
    """Executes verbs and remembers each execution."""

    executed: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    verbs: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)

    def __call__(self, login: str, verb: str, parameters: dict[str, Any]) -> Any:
        self.executed.append((login, verb, parameters))
        return self.verbs.get(verb, dict)(parameters)


Serve = Callable[..., Responder]


@pytest.fixture
def appliance() -> Appliance:
    return Appliance()


@pytest.fixture
def serve(topics: Topics, appliance: Appliance) -> Iterator[Serve]:
    """``serve(broker)``: the appliance answers there; stopped at the end."""
    with ExitStack() as stack:

        def make(broker: Broker, **more: Any) -> Responder:
            responder = Responder(broker, topics, appliance, **more)
            stack.callback(responder.stop)
            responder.start()
            if broker.connected:
                settled(broker, topics)
            return responder

        yield make


@pytest.fixture
def ask(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, serve: Serve) -> Requester:
    """A requester whose requests the appliance answers."""
    broker = make_broker(broker_address)
    serve(broker)
    return requester(broker_address, topics, make_broker)


def requester(address: BrokerAddress, topics: Topics, make_broker: MakeBroker, **more: Any) -> Requester:
    broker = make_broker(address, start=False)
    made = Requester(broker, topics, "cli", **more)
    broker.start()
    return made


@dataclass
class Wire:
    """Raw requests of the login ``cli``, and the raw answers."""

    broker: Broker
    topics: Topics
    answers: Ear = field(default_factory=Ear)

    def send(self, payload: bytes, verb: str = "archive/list", *, retain: bool = False) -> None:
        self.broker.publish(self.topics.request("cli", verb), payload, retain=retain)

    def answer(self, transaction: str) -> dict[str, Any]:
        return wait_for(lambda: next(iter(self.all_answers(transaction)), None), what=f"the answer to {transaction}") or {}

    def all_answers(self, transaction: str) -> list[dict[str, Any]]:
        return [answer for answer in map(json.loads, self.answers.payloads) if answer["transaction"] == transaction]

    def round_trip(self) -> None:
        """Everything sent before has been handled, as far as one worker and one connection keep order."""
        transaction = secrets.token_hex(8)
        self.send(json.dumps({"transaction": transaction}).encode())
        self.answer(transaction)


@pytest.fixture
def wire(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, serve: Serve) -> Wire:
    """One worker, so that requests are handled in order."""
    broker = make_broker(broker_address)
    made = Wire(broker, topics)
    broker.subscribe(topics.response("cli", "#"), made.answers)
    serve(broker, workers=1)
    return made


def test_a_request_gets_the_data_that_the_verb_answers(ask: Requester, appliance: Appliance) -> None:
    given = {"title": "Füße \U0001f9a6 \ud800", "size_bytes": 2**60, "deep": [{"a": None}], "ratio": 0.5}
    assert ask.request("archive/show", given, 10) == given
    assert appliance.executed == [("cli", "archive/show", given)]


def test_an_error_with_a_code_is_raised_with_code_and_text(ask: Requester, appliance: Appliance) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise Missing("there is no archive 'x'; see `pyarchive list`")

    appliance.verbs["archive/show"] = fail
    with pytest.raises(RequestFailed, match="there is no archive 'x'") as caught:
        ask.request("archive/show", {}, 10)
    assert caught.value.code == "not_found"
    assert caught.value.message == str(caught.value)


def test_an_unexpected_error_is_logged_and_answered_without_its_text(
    ask: Requester, appliance: Appliance, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise KeyError("token-of-somebody")

    appliance.verbs["archive/show"] = fail
    with caplog.at_level(logging.ERROR), pytest.raises(RequestFailed) as caught:
        ask.request("archive/show", {}, 10)
    assert caught.value.code == "internal"
    assert "token-of-somebody" not in str(caught.value)
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("parameters", "said"), [({"count": "many"}, "count:"), ({"count": 1, "kind": "c"}, "kind:"), ({"count": 1, "colour": 1}, "colour:")]
)
def test_a_parameter_that_is_wrong_is_named(ask: Requester, appliance: Appliance, parameters: dict[str, Any], said: str) -> None:
    appliance.verbs["archive/list"] = lambda given: Parameters.model_validate(given).model_dump()
    with pytest.raises(RequestFailed, match=said) as caught:
        ask.request("archive/list", parameters, 10)
    assert caught.value.code == "bad_request"


def test_an_answer_that_is_too_large_or_not_json_is_an_error(ask: Requester, appliance: Appliance) -> None:
    appliance.verbs["large"] = lambda _: "x" * LIMIT_BYTES
    appliance.verbs["strange"] = lambda _: float("nan")
    with pytest.raises(RequestFailed) as caught:
        ask.request("large", {}, 10)
    assert caught.value.code == "too_large"
    with pytest.raises(RequestFailed) as caught:
        ask.request("strange", {}, 10)
    assert caught.value.code == "internal"


def test_many_threads_get_their_own_answers(ask: Requester) -> None:
    answers: dict[int, Any] = {}

    def one(number: int) -> None:
        answers[number] = ask.request("echo", {"number": number}, 20)["number"]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {number: number for number in range(40)}


def test_a_repeated_transaction_is_executed_once_and_gets_the_first_answer(wire: Wire, appliance: Appliance) -> None:
    counter = iter(range(100))
    appliance.verbs["count"] = lambda _: next(counter)
    for _ in range(5):
        wire.send(b'{"transaction": "again"}', "count")
    wait_for(lambda: len(wire.all_answers("again")) == 5)
    assert [answer["data"] for answer in wire.all_answers("again")] == [0] * 5
    assert len(appliance.executed) == 1


def test_a_transaction_repeated_while_it_is_executed_waits_for_the_same_answer(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, appliance: Appliance, serve: Serve
) -> None:
    free = threading.Event()
    appliance.verbs["slow"] = lambda _: free.wait(20)
    serve(make_broker(broker_address))
    ask = requester(broker_address, topics, make_broker, resend_s=0.05)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(ask.request("slow", {}, 20)))
    asking.start()
    wait_for(lambda: appliance.executed)
    asking.join(0.5)  # ten more of the same come meanwhile
    free.set()
    asking.join(20)
    assert answers == [True]
    assert len(appliance.executed) == 1


def test_the_same_transaction_of_another_login_is_another_one(wire: Wire, appliance: Appliance) -> None:
    wire.send(b'{"transaction": "same"}', "count")
    wire.broker.publish(wire.topics.request("panel", "count"), b'{"transaction": "same"}', retain=False)
    wait_for(lambda: len(appliance.executed) == 2)
    assert {login for login, _, _ in appliance.executed} == {"cli", "panel"}


def test_a_request_survives_a_restart_of_the_broker_and_is_executed_once(
    mortal_broker: BrokerProcess, topics: Topics, make_broker: MakeBroker, appliance: Appliance, serve: Serve
) -> None:
    free = threading.Event()
    appliance.verbs["slow"] = lambda given: free.wait(20) and given
    serve(make_broker(mortal_broker.address))
    ask = requester(mortal_broker.address, topics, make_broker)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(ask.request("slow", {"n": 1}, 30)))
    asking.start()
    wait_for(lambda: appliance.executed)
    mortal_broker.stop()
    free.set()
    mortal_broker.start()
    asking.join(30)
    assert answers == [{"n": 1}]
    assert len(appliance.executed) == 1


def test_a_request_made_before_the_connection_is_up_is_sent_when_it_is(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, serve: Serve
) -> None:
    serve(make_broker(broker_address))
    broker = make_broker(broker_address, start=False)
    ask = Requester(broker, topics, "cli", resend_s=1000)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(ask.request("echo", {"n": 1}, 20)))
    asking.start()
    wait_for(lambda: ask._asked)
    broker.start()
    asking.join(20)
    assert answers == [{"n": 1}]


def test_a_request_survives_that_the_appliance_starts_only_later(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, serve: Serve
) -> None:
    ask = requester(broker_address, topics, make_broker, resend_s=0.1)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(ask.request("echo", {"n": 1}, 20)))
    asking.start()
    serve(make_broker(broker_address))
    asking.join(20)
    assert answers == [{"n": 1}]


def test_no_answer_says_that_the_appliance_is_offline(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    ask = requester(broker_address, topics, make_broker)
    with pytest.raises(NoAnswer, match=r"archive/list was not answered within 0\.3 s: the appliance is offline; start it"):
        ask.request("archive/list", {}, 0.3)


def test_no_answer_of_an_appliance_that_is_online_says_so(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    make_broker(broker_address).publish(topics.availability, b"online", retain=True)
    ask = requester(broker_address, topics, make_broker)
    wait_for(lambda: ask.appliance_online)
    with pytest.raises(NoAnswer, match="which is online"):
        ask.request("archive/list", {}, 0.3)


def test_no_answer_says_why_the_broker_cannot_be_reached(topics: Topics, make_broker: MakeBroker) -> None:
    address = BrokerAddress(host=HOST, port=free_port())
    broker = make_broker(address, start=False)
    ask = Requester(broker, topics, "cli")
    broker.start()
    with pytest.raises(NoAnswer, match=f"{address} cannot be reached: nothing listens there"):
        ask.request("archive/list", {}, 0.5)


def test_a_retained_request_is_not_executed_by_an_appliance_that_starts_later(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, appliance: Appliance, serve: Serve
) -> None:
    broker = make_broker(broker_address)
    broker.publish(topics.request("cli", "archive/remove"), b'{"transaction": "stale"}', retain=True)
    settled(broker, topics)
    late = make_broker(broker_address)
    serve(late)
    ask = requester(broker_address, topics, make_broker)
    assert ask.request("echo", {"n": 1}, 10) == {"n": 1}
    assert [verb for _, verb, _ in appliance.executed] == ["echo"]


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(b'{"transaction": "bad", "a": ', "bad_request", id="cut off"),
        pytest.param(b'{"transaction": "bad", "a": NaN}', "bad_request", id="NaN"),
        pytest.param(b'{"transaction": "bad", "a": 1e999}', "bad_request", id="infinite"),
        pytest.param(b'{"transaction": "bad", "a": ' + b"9" * 10_000 + b"}", "bad_request", id="endless number"),
        pytest.param(b'{"transaction": "bad", "a": "\xff\xfe"}', "bad_request", id="not UTF-8"),
        pytest.param(b'{"transaction": "bad", "a": ' + DEEP + b"}", "bad_request", id="nested too deeply for the parser"),
        pytest.param(b'{"transaction": "bad", "a": ' + b'{"b":' * 60 + b"1" + b"}" * 61, "bad_request", id="nested too deeply for us"),
        pytest.param(b'{"transaction": "bad", "a": "' + b"x" * LIMIT_BYTES + b'"}', "too_large", id="oversized"),
        pytest.param(b'{"a": "' + b"x" * LIMIT_BYTES + b'", "transaction": "bad"}', "too_large", id="oversized, transaction last"),
    ],
)
def test_a_bad_message_with_a_transaction_is_answered_and_changes_nothing(
    wire: Wire, appliance: Appliance, payload: bytes, code: str
) -> None:
    wire.send(payload)
    answer = wire.answer("bad")
    assert answer["status"] == "error"
    assert answer["error"]["code"] == code
    assert not appliance.executed


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"{}", b'"text"', b"\x00\xff", DEEP, b'{"transaction": 1}', b'{"transaction": ""}', b'{"transaction": null}',
     b'{"transaction": "' + b"x" * 129 + b'"}', b"x" * 2_000_000],
    ids=repr,
)  # fmt: skip
def test_a_bad_message_without_a_transaction_is_only_logged(
    wire: Wire, appliance: Appliance, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        wire.send(payload)
        wire.round_trip()
    assert len(wire.answers.payloads) == len(appliance.executed) == 1
    assert "a bad request from cli" in caplog.text or len(payload) > 1_000_000  # the embedded broker drops those itself


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10) | st.just("transaction"), inner, max_size=4),
    max_leaves=15,
)
payloads = st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.lists(payloads, min_size=1, max_size=20))
def test_no_garbage_keeps_a_good_request_from_being_answered(wire: Wire, garbage: list[bytes]) -> None:
    for payload in garbage:
        wire.send(payload, "garbage")
    wire.round_trip()


def test_a_flood_is_dropped_where_the_queue_is_full_and_the_next_request_is_answered(
    wire: Wire, appliance: Appliance, caplog: pytest.LogCaptureFixture
) -> None:
    free = threading.Event()
    appliance.verbs["slow"] = lambda _: free.wait(20)
    with caplog.at_level(logging.WARNING):
        wire.send(b'{"transaction": "first"}', "slow")
        wait_for(lambda: appliance.executed)
        for number in range(QUEUE_LIMIT + 50):
            wire.send(b'{"transaction": "flood-%d"}' % number, "flood")
        settled(wire.broker, wire.topics)
        free.set()
        wire.answer(f"flood-{QUEUE_LIMIT - 1}")
    wire.round_trip()
    assert len(appliance.executed) == 1 + QUEUE_LIMIT + 1
    assert caplog.text.count("more than 128 requests wait") == 1


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b'{"transaction": "%s"}', b'{"transaction": "%s", "status": "error"}',
     b'{"transaction": "%s", "status": "error", "error": 1}', b'{"transaction": "%s", "status": "done", "data": 1}', b"\xff", DEEP],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_is_none_is_ignored_for_the_one_that_follows(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, answer: bytes
) -> None:
    broker = make_broker(broker_address)

    def respond(topic: str, payload: bytes, retained: bool) -> None:
        transaction = json.loads(payload)["transaction"].encode()
        broker.publish(topics.response("cli", "echo"), answer.replace(b"%s", transaction), retain=False)
        broker.publish(topics.response("cli", "echo"), b'{"transaction": "%s", "status": "ok", "data": 7}' % transaction, retain=False)

    broker.subscribe(topics.request("cli", "#"), respond)
    settled(broker, topics)
    assert requester(broker_address, topics, make_broker).request("echo", {}, 10) == 7


def test_a_responder_that_stops_finishes_what_it_executes_and_takes_no_more(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker, appliance: Appliance, serve: Serve
) -> None:
    free = threading.Event()
    appliance.verbs["slow"] = lambda _: free.wait(20)
    responder = serve(make_broker(broker_address))
    ask = requester(broker_address, topics, make_broker)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(ask.request("slow", {}, 20)))
    asking.start()
    wait_for(lambda: appliance.executed)
    threading.Timer(0.1, free.set).start()
    responder.stop(10.0)
    asking.join(20)
    assert answers == [True]
    with pytest.raises(NoAnswer):
        ask.request("echo", {}, 0.3)
