"""Bytes of MQTT, however they are cut on the way."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt import wire
from mqtt.matching import levels, matches
from mqtt.wire import Kind, PacketReader, ProtocolError

LIMIT_BYTES = 1000
messages = st.lists(st.tuples(st.text(min_size=1, max_size=20), st.binary(max_size=300), st.integers(0, 1), st.booleans()), max_size=12)


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(place % (len(stream) + 1) for place in cuts)})
    return [stream[start:end] for start, end in itertools.pairwise(places)]


@given(said=messages, cuts=st.lists(st.integers(0, 10_000), max_size=30))
def test_what_is_published_is_read_back_however_the_stream_is_cut(said: list[tuple[str, bytes, int, bool]], cuts: list[int]) -> None:
    stream = b"".join(wire.publish(topic.encode(), payload, qos, 7, retain=retain) for topic, payload, qos, retain in said)
    reader = PacketReader(LIMIT_BYTES)
    read = [wire.read_publish(packet) for piece in cut(stream, cuts) for packet in reader.feed(piece)]
    assert [(one.topic, one.payload, one.qos, one.retain) for one in read] == said


@given(size=st.integers(LIMIT_BYTES - 10, 3 * LIMIT_BYTES), cuts=st.lists(st.integers(0, 10_000), max_size=30))
def test_a_message_over_the_limit_is_cut_and_the_next_one_is_whole(size: int, cuts: list[int]) -> None:
    stream = wire.publish(b"a", bytes(size), 1, 7, retain=False) + wire.publish(b"b", b"next", 1, 8, retain=False)
    reader = PacketReader(LIMIT_BYTES)
    first, second = [wire.read_publish(packet) for piece in cut(stream, cuts) for packet in reader.feed(piece)]
    assert first.oversized == (size + 5 > LIMIT_BYTES)
    assert (first.packet_id, len(first.payload)) == (7, 0 if first.oversized else size)
    assert (second.topic, second.payload, second.packet_id) == ("b", b"next", 8)


@given(noise=st.lists(st.binary(max_size=200), max_size=10))
def test_noise_is_packets_or_a_protocol_error_and_nothing_else(noise: list[bytes]) -> None:
    reader = PacketReader(LIMIT_BYTES)
    try:
        packets = [packet for piece in noise for packet in reader.feed(piece)]
    except ProtocolError:
        return
    for packet in packets:
        for read in (wire.read_connect, wire.read_subscribe, wire.read_unsubscribe, wire.read_packet_id):
            try:
                read(packet.body)
            except ProtocolError:
                continue


def test_only_messages_may_be_longer_than_the_limit() -> None:
    with pytest.raises(ProtocolError):
        list(PacketReader(LIMIT_BYTES).feed(bytes((Kind.SUBSCRIBE << 4 | 2,)) + b"\xff\xff\x03"))


def test_a_topic_that_is_not_utf_8_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        wire.read_publish(wire.Packet(Kind.PUBLISH, 0, b"\x00\x02\xff\xfe"))


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True), ("a/b", "a/b/c", False), ("a/b/c", "a/b", False), ("a/+", "a/b", True), ("a/+", "a", False),
        ("a/+", "a/", True),
        ("+", "a", True), ("+", "/a", False), ("+/+", "/a", True), ("a/#", "a", True), ("a/#", "a/b/c", True), ("a/#", "ab", False),
        ("#", "a/b", True), ("#", "$SYS/a", False), ("+/a", "$SYS/a", False), ("$SYS/#", "$SYS/a", True), ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/d", False), ("a/+/#", "a/b", True), ("a/+/#", "a", False),
    ],
)  # fmt: skip
def test_a_filter_means_the_topics_that_the_standard_says(topic_filter: str, topic: str, expected: bool) -> None:
    parts = levels(topic_filter)
    assert parts is not None
    assert matches(parts, topic.split("/")) is expected


@pytest.mark.parametrize("topic_filter", ["", "a#", "a/#/b", "#a", "a+/b", "+a", "a/b#", "a\0"])
def test_what_is_no_filter_is_refused(topic_filter: str) -> None:
    assert levels(topic_filter) is None
