"""The embedded broker: MQTT 3.1.1 over asyncio, for one login, on one computer.

It keeps to the standard, with these limits, all allowed or harmless on one machine: it grants QoS 1 at most (3.9.3), every session is
clean, and retained messages live in memory. A payload over ``MAX_PAYLOAD_BYTES`` is acknowledged and dropped, with a log line: closing the
connection instead would make its sender try again for ever. A subscriber that does not read is dropped when ``MAX_BACKLOG_BYTES`` of
new messages wait for it; nobody else notices.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections import deque
from collections.abc import Callable
from typing import ClassVar, cast

from mqtt import wire
from mqtt.matching import is_topic, levels, matches
from mqtt.wire import Kind, Message, ProtocolError, Refusal

log = logging.getLogger("mqtt.serving")

MAX_PAYLOAD_BYTES = 1024 * 1024
MAX_BACKLOG_BYTES = 32 * 1024 * 1024
_LIMIT_BYTES = MAX_PAYLOAD_BYTES + 2 + 65_535 + 2
_WINDOW = 200
_BURST_BYTES = 128 * 1024
_LOGIN_TIMEOUT_S = 3.0
_REFUSED_FILTER = 0x80


class Exchange:
    """What all connections share: the login, who is connected, what is retained."""

    def __init__(self, username: str, password: str) -> None:
        self._login = (username.encode(), password.encode())
        self.clients: dict[str, Connection] = {}
        self.retained: dict[str, Message] = {}

    def admits(self, username: str | None, password: bytes | None) -> bool:
        """Compared in constant time."""
        right_name = hmac.compare_digest((username or "").encode(), self._login[0])
        return hmac.compare_digest(password or b"", self._login[1]) and right_name

    def publish(self, message: Message) -> None:
        """To all that subscribed to its topic; kept, replaced or (empty) forgotten where it is retained."""
        if message.retain:
            self._retain(message)
        parts = message.topic.split("/")
        for client in list(self.clients.values()):
            client.offer(message, parts)

    def kept(self, parts: list[str]) -> list[Message]:
        """What is retained for a filter. One without wildcards costs the same however much is retained."""
        if not {"+", "#"} & set(parts):
            found = self.retained.get("/".join(parts))
            return [found] if found else []
        return [message for topic, message in self.retained.items() if matches(parts, topic.split("/"))]

    def _retain(self, message: Message) -> None:
        if message.payload:
            self.retained[message.topic] = message
        else:
            self.retained.pop(message.topic, None)


class Outgoing:
    """Messages on their way to one client: a window of unacknowledged ones, the rest waits in order."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: deque[tuple[Message, int, bool]] = deque()
        self._unacknowledged: set[int] = set()
        self._last_id = 0
        self.backlog_bytes = 0
        self.paused = False

    def add(self, message: Message, qos: int, *, retain: bool) -> None:
        """``retain``: it is sent because it was retained; it then costs no memory of its own, and is not counted."""
        self._waiting.append((message, qos, retain))
        if not retain:
            self.backlog_bytes += len(message.payload)

    def acknowledged(self, packet_id: int) -> None:
        self._unacknowledged.discard(packet_id)

    def pump(self) -> None:
        """Write what window and connection take."""
        burst: list[bytes] = []
        burst_bytes = 0
        while self._waiting and not self.paused and len(self._unacknowledged) < _WINDOW:
            burst.append(self._next())
            burst_bytes += len(burst[-1])
            if burst_bytes >= _BURST_BYTES:
                self._transport.write(b"".join(burst))
                burst, burst_bytes = [], 0
        if burst:
            self._transport.write(b"".join(burst))

    def _next(self) -> bytes:
        message, qos, retain = self._waiting.popleft()
        if not retain:
            self.backlog_bytes -= len(message.payload)
        packet_id = self._free_id() if qos else 0
        return wire.publish(message.topic.encode(), message.payload, qos, packet_id, retain=retain)

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._unacknowledged:
                self._unacknowledged.add(self._last_id)
                return self._last_id


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._reader = wire.PacketReader(_LIMIT_BYTES)
        self._client_id: str | None = None
        self._will: Message | None = None
        self._filters: dict[str, tuple[list[str], int]] = {}
        self._received: set[int] = set()
        self._keep_alive_s = 0.0
        self._heard_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # Life

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=4 * _BURST_BYTES)
        self._out = Outgoing(self._transport)
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_LOGIN_TIMEOUT_S, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        if self._timer:
            self._timer.cancel()
        if self._client_id is not None and self._exchange.clients.get(self._client_id) is self:
            del self._exchange.clients[self._client_id]
        will, self._will = self._will, None
        if will:
            self._exchange.publish(will)

    def pause_writing(self) -> None:
        self._out.paused = True

    def resume_writing(self) -> None:
        self._out.paused = False
        self._out.pump()

    def _watch(self) -> None:
        """A client that said nothing for one and a half keep-alives is gone (3.1.2.10)."""
        left_s = self._heard_s + 1.5 * self._keep_alive_s - self._loop.time()
        if left_s <= 0:
            log.info("%s was not heard of for %.0f s", self._client_id, 1.5 * self._keep_alive_s)
            self._transport.abort()
        else:
            self._timer = self._loop.call_later(left_s, self._watch)

    # Packets in

    def data_received(self, data: bytes) -> None:
        try:
            self._read(data)
        except ProtocolError as error:
            log.warning("closing the connection of %s: %s", self._client_id or "a stranger", error)
            self._transport.abort()

    def _read(self, data: bytes) -> None:
        if not self._heard_s and data[0] >> 4 != Kind.CONNECT:
            raise ProtocolError("not MQTT")
        self._heard_s = self._loop.time()
        for packet in self._reader.feed(data):
            if self._transport.is_closing():
                return
            self._take(packet)

    def _take(self, packet: wire.Packet) -> None:
        if (self._client_id is None) != (packet.kind == Kind.CONNECT):
            raise ProtocolError("CONNECT has to come first, and once")
        handler = self._HANDLERS.get(packet.kind)
        if handler is None:
            raise ProtocolError(f"packet of kind {packet.kind}")
        handler(self, packet)

    def _connect(self, packet: wire.Packet) -> None:
        asked = wire.read_connect(packet.body)
        refusal = self._refusal(asked)
        if refusal:
            self._transport.write(wire.connack(refusal))
            self._transport.close()
            return
        self._client_id = asked.client_id or secrets.token_hex(8)
        self._take_over(self._client_id)
        self._will = asked.will
        self._exchange.clients[self._client_id] = self
        self._transport.write(wire.connack(0))
        self._keep(asked.keep_alive_s)

    def _refusal(self, asked: wire.Connect) -> int:
        if asked.protocol_level != 4:  # noqa: PLR2004 - 3.1.1
            return Refusal.PROTOCOL
        if not self._exchange.admits(asked.username, asked.password):
            log.warning("a login was refused")
            return Refusal.LOGIN
        if not asked.client_id and not asked.clean_session:
            return Refusal.CLIENT_ID
        if asked.will and not is_topic(asked.will.topic):
            raise ProtocolError("a last will for no topic")
        return 0

    def _take_over(self, client_id: str) -> None:
        """The older connection of that name ends first, so that its will cannot overwrite what the new one says (3.1.4)."""
        older = self._exchange.clients.pop(client_id, None)
        if older:
            log.info("%s connected again; its older connection is closed", client_id)
            will, older._will = older._will, None  # noqa: SLF001 - the same class
            older._transport.abort()  # noqa: SLF001 - the same class
            if will:
                self._exchange.publish(will)

    def _keep(self, keep_alive_s: int) -> None:
        if self._timer:
            self._timer.cancel()
        self._keep_alive_s = keep_alive_s
        if keep_alive_s:
            self._watch()

    def _publish(self, packet: wire.Packet) -> None:
        message = wire.read_publish(packet)
        if not is_topic(message.topic):
            raise ProtocolError("a message for no topic")
        if message.oversized:
            log.warning("a message for %s was dropped: over %d bytes", message.topic[:200], MAX_PAYLOAD_BYTES)
        elif message.packet_id not in self._received:
            self._exchange.publish(message)
        if message.qos == 1:
            self._transport.write(wire.answer(Kind.PUBACK, message.packet_id))
        elif message.qos:
            self._received.add(message.packet_id)
            self._transport.write(wire.answer(Kind.PUBREC, message.packet_id))

    def _release(self, packet: wire.Packet) -> None:
        packet_id = wire.read_packet_id(packet.body)
        self._received.discard(packet_id)
        self._transport.write(wire.answer(Kind.PUBCOMP, packet_id))

    def _acknowledged(self, packet: wire.Packet) -> None:
        self._out.acknowledged(wire.read_packet_id(packet.body))
        self._out.pump()

    def _subscribe(self, packet: wire.Packet) -> None:
        packet_id, asked = wire.read_subscribe(packet.body)
        if not asked:
            raise ProtocolError("SUBSCRIBE without a filter")
        granted = [self._grant(topic_filter, qos) for topic_filter, qos in asked]
        self._transport.write(wire.suback(packet_id, granted))
        for (topic_filter, _), qos in zip(asked, granted, strict=True):
            if qos != _REFUSED_FILTER:
                self._offer_retained(*self._filters[topic_filter])
        self._out.pump()

    def _grant(self, topic_filter: str, qos: int) -> int:
        parts = levels(topic_filter)
        if parts is None:
            return _REFUSED_FILTER
        self._filters[topic_filter] = (parts, min(qos, 1))
        return min(qos, 1)

    def _unsubscribe(self, packet: wire.Packet) -> None:
        packet_id, filters = wire.read_unsubscribe(packet.body)
        for topic_filter in filters:
            self._filters.pop(topic_filter, None)
        self._transport.write(wire.answer(Kind.UNSUBACK, packet_id))

    def _ping(self, _: wire.Packet) -> None:
        self._transport.write(wire.PINGRESP)

    def _disconnect(self, _: wire.Packet) -> None:
        self._will = None
        self._transport.close()

    _HANDLERS: ClassVar[dict[int, Callable[[Connection, wire.Packet], None]]] = {
        Kind.CONNECT: _connect,
        Kind.PUBLISH: _publish,
        Kind.PUBREL: _release,
        Kind.PUBACK: _acknowledged,
        Kind.SUBSCRIBE: _subscribe,
        Kind.UNSUBSCRIBE: _unsubscribe,
        Kind.PINGREQ: _ping,
        Kind.DISCONNECT: _disconnect,
    }

    # Messages out

    def offer(self, message: Message, topic_levels: list[str]) -> None:
        """Once, at the best QoS of its filters that match (3.3.5)."""
        granted = [qos for parts, qos in self._filters.values() if matches(parts, topic_levels)]
        if not granted:
            return
        if self._out.backlog_bytes > MAX_BACKLOG_BYTES:
            log.warning("%s does not read what it subscribed to; its connection is closed", self._client_id)
            self._transport.abort()
            return
        self._out.add(message, min(message.qos, max(granted)), retain=False)
        self._out.pump()

    def _offer_retained(self, parts: list[str], qos: int) -> None:
        for message in self._exchange.kept(parts):
            self._out.add(message, min(message.qos, qos), retain=True)


async def serve(host: str, port: int, username: str, password: str) -> tuple[asyncio.Server, int]:
    """The listening broker and its port (a free one for 0). Raises OSError where it cannot listen."""
    exchange = Exchange(username, password)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(exchange), host, port)
    return server, int(server.sockets[0].getsockname()[1])
