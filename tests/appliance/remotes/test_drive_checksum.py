"""The checksum of what is sent is the same, and as strict, whether a thread of its own computes it or the sender."""

from __future__ import annotations

import os
import threading

import pytest

from appliance.errors import LocalDamaged, Stopped
from appliance.remotes import drive_bytes
from appliance.remotes.drive_bytes import Bytes
from appliance.remotes.drive_checksum import Checksum
from appliance.remotes.drive_web import Web
from appliance.remotes.remote import PIECE_BYTES
from tests.appliance.remotes.rigs import CountingGate, Reader, StopAfterCalls

CONTENT = os.urandom(3 * PIECE_BYTES + 17)
WHERE = pytest.mark.parametrize("beside", [True, False], ids=["beside", "in between"])


class NoTokens:
    """Nothing is asked."""

    def access_token(self) -> str:
        raise AssertionError

    def refused(self, token: str) -> None:
        raise AssertionError(token)


def added(checksum: Checksum, offset: int, end: int) -> None:
    for at in range(offset, end, PIECE_BYTES):
        checksum.add(at, CONTENT[at : min(at + PIECE_BYTES, end)])


def check(content: Reader, beside: bool, *, from_offset: int) -> None:
    with Checksum(content, CountingGate(), beside=beside) as checksum:
        added(checksum, from_offset, len(CONTENT))
        checksum.require_right()


@WHERE
@pytest.mark.parametrize("first", [0, 1, PIECE_BYTES, len(CONTENT) - 1])
def test_what_another_process_sent_is_read_and_belongs_to_it(beside: bool, first: int) -> None:
    gate = CountingGate()
    with Checksum(Reader(CONTENT), gate, beside=beside) as checksum:
        added(checksum, first, len(CONTENT))
        checksum.require_right()
        checksum.require_right()
    assert sum(gate.passed) == 0, "what is read to be hashed goes through no limit"


@WHERE
def test_what_is_sent_again_counts_once(beside: bool) -> None:
    with Checksum(Reader(CONTENT), CountingGate(), beside=beside) as checksum:
        added(checksum, 0, 2 * PIECE_BYTES)
        added(checksum, PIECE_BYTES - 5, len(CONTENT))
        checksum.require_right()


@WHERE
def test_what_is_not_as_it_was_taken_in_is_said(beside: bool) -> None:
    with pytest.raises(LocalDamaged):
        check(Reader(CONTENT, claimed=b"other"), beside, from_offset=0)


@WHERE
def test_a_local_copy_that_has_become_short_is_said(beside: bool) -> None:
    content = Reader(CONTENT[:PIECE_BYTES], claimed=CONTENT)
    with pytest.raises(LocalDamaged):
        check(content, beside, from_offset=2 * PIECE_BYTES)


def test_the_reading_of_what_was_sent_before_ends_when_it_is_told_to() -> None:
    with Checksum(Reader(CONTENT), StopAfterCalls(1), beside=False) as checksum, pytest.raises(Stopped):
        added(checksum, 3 * PIECE_BYTES, len(CONTENT))


def test_no_more_threads_hash_than_cores_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive_bytes, "_CORES", 3)
    line = Bytes(Web(), NoTokens())
    with line._free_core() as first, line._free_core() as second, line._free_core() as third:
        assert (first, second, third) == (True, True, False)
    with line._free_core() as again:
        assert again


def test_without_a_free_core_no_thread_is_started() -> None:
    before = threading.active_count()
    with Checksum(Reader(CONTENT), CountingGate(), beside=False) as checksum:
        added(checksum, 0, len(CONTENT))
        assert threading.active_count() == before
        checksum.require_right()
