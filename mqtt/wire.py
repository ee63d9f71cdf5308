"""MQTT 3.1.1 as bytes: what a broker reads and writes. Pure; section numbers are those of the OASIS standard."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

_WORD = struct.Struct("!H")
_LONGEST_LENGTH_BYTES = 4


class Kind(IntEnum):
    """The packets of section 2.2.1 that travel to a broker or from it."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class Refusal(IntEnum):
    """Return codes of CONNACK (3.2.2.3)."""

    PROTOCOL = 1
    CLIENT_ID = 2
    LOGIN = 4


class ProtocolError(Exception):
    """The peer does not speak MQTT 3.1.1; its connection has to be closed."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. ``oversized``: the payload was longer than the limit and was left out."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int = 0
    oversized: bool = False


@dataclass(frozen=True, slots=True)
class Connect:
    """``protocol_level`` 4 is 3.1.1; anything else is to be refused."""

    protocol_level: int
    client_id: str
    clean_session: bool
    keep_alive_s: int
    will: Message | None
    username: str | None
    password: bytes | None


class Cursor:
    """Reads the fields of one packet in order. Raises ProtocolError past its end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, size_bytes: int) -> bytes:
        end = self._at + size_bytes
        if end > len(self._body):
            raise ProtocolError("a packet is shorter than its fields")
        part = self._body[self._at : end]
        self._at = end
        return part

    def byte(self) -> int:
        return self.take(1)[0]

    def word(self) -> int:
        return int(_WORD.unpack(self.take(2))[0])

    def binary(self) -> bytes:
        return self.take(self.word())

    def text(self) -> str:
        try:
            return self.binary().decode()
        except UnicodeDecodeError as error:
            raise ProtocolError("a string is not UTF-8") from error

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    @property
    def done(self) -> bool:
        return self._at >= len(self._body)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it came. ``cut``: only its beginning, because it was longer than the limit."""

    kind: int
    flags: int
    body: bytes
    cut: bool = False


class PacketReader:
    """Cuts a stream of bytes into packets.

    Of a PUBLISH longer than ``limit_bytes`` only the first ``limit_bytes`` are kept, and yielded marked ``cut`` when its end has come;
    any other packet of that length raises ProtocolError. So memory is bounded whatever a peer announces.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._skip_bytes = 0
        self._cut: Packet | None = None

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete now. Raises ProtocolError; the connection is of no use after that."""
        self._buffer += data
        at = 0
        while True:
            if self._cut:
                at = self._skip(at)
                if self._skip_bytes:
                    break
                yield self._cut
                self._cut = None
            header = self._header(at)
            if header is None:
                break
            start, size_bytes = header
            self._check(self._buffer[at], size_bytes)
            kept_bytes = min(size_bytes, self._limit_bytes)
            if len(self._buffer) < start + kept_bytes:
                break
            first = self._buffer[at]
            at = start + kept_bytes
            packet = Packet(first >> 4, first & 15, bytes(self._buffer[start:at]), cut=kept_bytes < size_bytes)
            if packet.cut:
                self._cut, self._skip_bytes = packet, size_bytes - kept_bytes
            else:
                yield packet
        del self._buffer[:at]

    def _skip(self, at: int) -> int:
        skipped = min(self._skip_bytes, len(self._buffer) - at)
        self._skip_bytes -= skipped
        return at + skipped

    def _header(self, at: int) -> tuple[int, int] | None:
        """Where the body begins, and its length; None while the header is incomplete."""
        size_bytes = 0
        for index in range(_LONGEST_LENGTH_BYTES):
            position = at + 1 + index
            if position >= len(self._buffer):
                return None
            size_bytes |= (self._buffer[position] & 127) << (7 * index)
            if self._buffer[position] < 128:  # noqa: PLR2004 - the bit that says "another byte follows" (2.2.3)
                return position + 1, size_bytes
        raise ProtocolError("a length has more than four bytes")

    def _check(self, first: int, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes and first >> 4 != Kind.PUBLISH:
            raise ProtocolError(f"a packet of {size_bytes} bytes that carries no message")


def read_connect(body: bytes) -> Connect:
    """3.1. Raises ProtocolError."""
    cursor = Cursor(body)
    if cursor.text() not in {"MQTT", "MQIsdp"}:
        raise ProtocolError("not MQTT")
    level, flags, keep_alive_s = cursor.byte(), cursor.byte(), cursor.word()
    if level != 4:  # noqa: PLR2004 - 3.1.1; the fields of others stand elsewhere
        return Connect(level, "", clean_session=True, keep_alive_s=0, will=None, username=None, password=None)
    if flags & 1 or (flags >> 3 & 3) > 2:  # noqa: PLR2004 - QoS 3 does not exist
        raise ProtocolError("reserved flags in CONNECT")
    client_id = cursor.text()
    will = _read_will(cursor, flags) if flags & 4 else None
    username = cursor.text() if flags & 128 else None
    password = cursor.binary() if flags & 64 else None
    return Connect(level, client_id, bool(flags & 2), keep_alive_s, will, username, password)


def _read_will(cursor: Cursor, flags: int) -> Message:
    topic = cursor.text()
    return Message(topic, cursor.binary(), qos=flags >> 3 & 3, retain=bool(flags & 32))


def read_publish(packet: Packet) -> Message:
    """3.3. Raises ProtocolError."""
    cursor = Cursor(packet.body)
    qos = packet.flags >> 1 & 3
    if qos > 2:  # noqa: PLR2004 - QoS 3 does not exist
        raise ProtocolError("QoS 3")
    topic = cursor.text()
    packet_id = _packet_id(cursor) if qos else 0
    payload = b"" if packet.cut else cursor.rest()
    return Message(topic, payload, qos, bool(packet.flags & 1), packet_id, packet.cut)


def read_packet_id(body: bytes) -> int:
    """Of PUBACK, PUBREC, PUBREL, PUBCOMP. Raises ProtocolError."""
    return _packet_id(Cursor(body))


def _packet_id(cursor: Cursor) -> int:
    packet_id = cursor.word()
    if not packet_id:
        raise ProtocolError("packet id 0")
    return packet_id


def read_subscribe(body: bytes) -> tuple[int, list[tuple[str, int]]]:
    """3.8: the packet id, and filters with the QoS asked for. Raises ProtocolError."""
    cursor = Cursor(body)
    packet_id = _packet_id(cursor)
    filters = []
    while not cursor.done:
        filters.append((cursor.text(), cursor.byte() & 3))
    return packet_id, filters


def read_unsubscribe(body: bytes) -> tuple[int, list[str]]:
    """3.10. Raises ProtocolError."""
    cursor = Cursor(body)
    packet_id = _packet_id(cursor)
    filters = []
    while not cursor.done:
        filters.append(cursor.text())
    return packet_id, filters


def _length(size_bytes: int) -> bytes:
    encoded = bytearray()
    while True:
        size_bytes, digit = divmod(size_bytes, 128)
        encoded.append(digit | (128 if size_bytes else 0))
        if not size_bytes:
            return bytes(encoded)


def connack(return_code: int) -> bytes:
    """3.2; 0 is accepted. Never with a session: there are only clean ones."""
    return bytes((Kind.CONNACK << 4, 2, 0, return_code))


def publish(topic: bytes, payload: bytes, qos: int, packet_id: int, *, retain: bool) -> bytes:
    """3.3; ``topic`` encoded already, since it goes to many."""
    ident = _WORD.pack(packet_id) if qos else b""
    first = Kind.PUBLISH << 4 | qos << 1 | retain
    return b"".join((bytes((first,)), _length(2 + len(topic) + len(ident) + len(payload)), _WORD.pack(len(topic)), topic, ident, payload))


def answer(kind: Kind, packet_id: int) -> bytes:
    """PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK."""
    flags = 2 if kind is Kind.PUBREL else 0
    return bytes((kind << 4 | flags, 2)) + _WORD.pack(packet_id)


def suback(packet_id: int, granted: list[int]) -> bytes:
    """3.9; 0x80 for a filter that is refused."""
    return bytes((Kind.SUBACK << 4,)) + _length(2 + len(granted)) + _WORD.pack(packet_id) + bytes(granted)


PINGRESP = bytes((Kind.PINGRESP << 4, 0))
