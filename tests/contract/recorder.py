"""All that goes over the broker during a run, and what the published document says of it."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from mqtt.verbs import VERBS
from tests.contract.published import Published
from tests.mqtt.listening import Ear, settled


class Recorder:
    """``with Recorder(address, topics) as recorder``: hears everything of that appliance, from now on."""

    def __init__(self, address: BrokerAddress, topics: Topics) -> None:
        self._address = address
        self.topics = topics
        self.ear = Ear()
        self._filters = [topics("#"), f"homeassistant/device/{topics.appliance_id}/#", "homeassistant/status"]

    def __enter__(self) -> Self:
        self._broker = self._listen(self.ear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._broker.stop(1)

    def _listen(self, ear: Ear) -> Broker:
        broker = Broker(self._address, self.topics, f"ear-{secrets.token_hex(4)}")
        for topic_filter in self._filters:
            broker.subscribe(topic_filter, ear)
        broker.start()
        assert broker.wait_connected(10), broker.last_error
        settled(broker, self.topics)
        return broker

    def settle(self) -> None:
        """All that was under way has been heard."""
        settled(self._broker, self.topics)

    def retained_now(self) -> dict[str, bytes]:
        """What one who comes only now is told at once."""
        late = Ear()
        self._listen(late).stop(1)
        return {topic: payload for topic, payload, retained in late.heard if retained}

    def heard(self) -> list[tuple[str, bytes]]:
        """Without our own marks."""
        return [(topic, payload) for topic, payload, _ in self.ear.heard.copy() if not topic.startswith(self.topics("mark/"))]

    # Against the document

    def complaints(self, published: Published) -> list[str]:
        """Every message that is not as the document says."""
        found = []
        for topic, payload in self.heard():
            name = published.channel_of(topic)
            if name is None:
                found += [] if self._is_of_no_verb(topic) else [f"{topic} is not in the document"]
            elif not payload:
                found += [] if published.channel(name).get("x-cleared") else [f"{topic} was cleared, which the document does not say"]
            elif not name.endswith("_request"):  # some are wrong on purpose; what is answered ok was right
                found += [f"{topic}: {why}: {payload[:300]!r}" for why in published.complaints(name, payload)]
        return found

    def _is_of_no_verb(self, topic: str) -> bool:
        """A request that no document can have, and its answer."""
        parts = topic.split("/", 4)
        return parts[2] in {"request", "response"} and "/".join(parts[4:]) not in VERBS

    def channels(self, published: Published) -> dict[str, int]:
        """How many messages came on each."""
        count: dict[str, int] = defaultdict(int)
        for topic, payload in self.heard():
            name = published.channel_of(topic)
            if name and payload:
                count[name] += 1
        return count

    def events(self) -> set[str]:
        return {json.loads(payload)["event"] for topic, payload in self.heard() if topic == self.topics("event")}

    def answered(self) -> tuple[set[str], dict[str, set[str]]]:
        """Verbs that were answered ok, and the error codes of the others."""
        ok, errors = set(), defaultdict[str, set[str]](set)
        for topic, payload in self.heard():
            if topic.startswith(self.topics("response/")):
                verb, answer = topic.removeprefix(self.topics("response/")).split("/", 1)[1], _json(payload)
                if answer["status"] == "ok":
                    ok.add(verb)
                else:
                    errors[verb].add(answer["error"]["code"])
        return ok, errors


def _json(payload: bytes) -> Any:
    return json.loads(payload)
