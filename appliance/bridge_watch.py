"""Our word on ``bridge``: so that who listens behind a Mosquitto bridge knows whether what it sees is of now."""

from __future__ import annotations

from mqtt.client import Broker
from mqtt.messages import ONLINE
from mqtt.topics import Topics


class BridgeWatch:
    """Says ``online`` on ``bridge`` after each ``online`` on ``availability``, and again when Mosquitto has written over it.

    Mosquitto writes 1 there when a bridge comes up, and 0 when it is gone; the other broker writes 0 when this computer vanishes with all
    that runs on it. At the other broker an old ``online`` on ``availability`` may outlive that: so there it counts only while ``bridge``
    says ``online`` too, which nobody says but an appliance that is there.
    """

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker = broker
        self._topics = topics
        self._online = False
        broker.subscribe(topics.availability, self._on_availability)
        broker.subscribe(topics.bridge, self._on_bridge)

    def _on_availability(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self._online = payload == ONLINE.encode()
        self._say()

    def _on_bridge(self, _topic: str, payload: bytes, _retained: bool) -> None:
        if payload != ONLINE.encode():
            self._say()

    def _say(self) -> None:
        if self._online:
            self._broker.publish(self._topics.bridge, ONLINE.encode(), retain=True)
