"""The bytes of a ledger: a header, a table of batches, then records. Nothing here knows what a record means.

::

    magic 8 · version u32 · crc u32                          the same in every version, so that a newer one is told from damage
    size of facts u32 · crc of facts u32 · crc of table u32 · crc u32 of these
    facts (JSON) · table (32 bytes a batch)
    records: crc u32 · mark u8 · kind and flags u8 · size of payload u16 · time u32 (seconds) · payload

A record's checksum starts from its place in the file, so a record that was moved, repeated or left over from an earlier
life of its place is none. SETTLED says that everything before the record was synced when it was written: a bad record
before one of those is damage, because a power cut cannot have made it; a bad end is torn, and dropped.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Protocol
from zlib import crc32

from appliance import clock
from appliance.batches import SHA256_BYTES, batch_count
from appliance.errors import LedgerDamaged, NewerFormat

MAGIC = b"PyALedgr"
VERSION = 1
NO_INDEX = 0xFFFFFFFF  # in the place of a batch's index: the manifest

SETTLED, PAST, BASE, KIND = 0x80, 0x40, 0x20, 0x1F
"""Flags beside the kind: see above · only history, its effect is in other records · only state, written by a compaction."""

_MARK = 0xA5
_MARK_BYTE = bytes([_MARK])
_PREAMBLE = struct.Struct("<8sII")
_SIZES = struct.Struct("<IIII")
_HEAD = struct.Struct("<IBBHI")
_SHORT_CHECK = struct.Struct("<I18s")
_READ_BYTES = 1 << 20
MAX_PAYLOAD_BYTES = 0xFFFF
_MAX_RECORD_BYTES = _HEAD.size + MAX_PAYLOAD_BYTES

SHORT = struct.Struct("<HII")
"""Payload of the records that there are most of (kind below FIRST_LONG): connection, index, value. All are equally long."""
_SHORT_BYTES = _HEAD.size + SHORT.size
SHORT_FIELDS = struct.Struct("<5xB2xIHII")
"""A whole short record: kind and flags, time, connection, index, value."""
FIRST_LONG = 3


class Kind(IntEnum):
    """What a record says. The numbers are on disk: never reuse one."""

    STORED = 1
    CONFIRMED = 2
    CONNECTION = 3
    FORGOTTEN = 4
    PLAN = 5
    SESSION = 6
    UNSTORED = 7
    MANIFEST = 8
    READ_BACK = 9
    CACHED = 10
    UNCACHED = 11
    RELEASED = 12
    WANTED = 13
    RESTORED = 14
    RETITLED = 15
    GIVEN = 16
    FAILED = 17
    REMOVED = 18
    UNDONE = 19
    COLUMN = 20
    COMPLETE = 21


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveFacts:
    """What is fixed at ingest. ``sha256`` is the digest itself (32 bytes); ``created_at`` has its zone."""

    archive_id: str
    title: str
    file_name: str
    owner: str
    size_bytes: int
    sha256: bytes
    batch_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Header:
    """Written once. ``table`` holds 32 bytes a batch; ``raw`` is all of it as on disk; ``local``: the file was here at the beginning."""

    facts: ArchiveFacts
    table: bytes
    local: bool
    raw_start: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.raw_start) + len(self.table)


def new_header(facts: ArchiveFacts, table: bytes, *, local: bool) -> Header:
    """Raises ValueError where the table is not that of such a file."""
    if len(table) != SHA256_BYTES * batch_count(facts.size_bytes, facts.batch_bytes) or len(facts.sha256) != SHA256_BYTES:
        raise ValueError("the table of batches does not fit the size of the file")
    document = {**asdict(facts), "sha256": facts.sha256.hex(), "created_at": clock.iso(facts.created_at), "local": local}
    content = json.dumps(document, separators=(",", ":")).encode()
    return Header(facts, table, local, _preamble(VERSION) + _sizes(len(content), crc32(content), crc32(table)) + content)


def _preamble(version: int) -> bytes:
    start = MAGIC + version.to_bytes(4, "little")
    return start + crc32(start).to_bytes(4, "little")


def _sizes(*numbers: int) -> bytes:
    start = struct.pack("<III", *numbers)
    return start + crc32(start).to_bytes(4, "little")


def oldest_version(folder: Path) -> int | None:
    """The lowest in the ledgers there; None where none tells. Raises OSError."""
    found = []
    for path in folder.iterdir():
        with path.open("rb") as file:
            start = file.read(_PREAMBLE.size)
        if len(start) == _PREAMBLE.size and start[:8] == MAGIC and crc32(start[:12]) == _PREAMBLE.unpack(start)[2]:
            found.append(int(_PREAMBLE.unpack(start)[1]))
    return min(found, default=None)


def read_header(fd: int, name: str) -> Header:
    """Raises NewerFormat, LedgerDamaged, OSError."""
    start = os.pread(fd, 4096, 0)
    facts_at = _PREAMBLE.size + _SIZES.size
    if len(start) < facts_at or start[:8] != MAGIC or crc32(start[:12]) != _PREAMBLE.unpack_from(start)[2]:
        raise damaged(name, 0, "it does not begin as a ledger")
    if (version := _PREAMBLE.unpack_from(start)[1]) != VERSION:
        raise NewerFormat(
            f"ledger {name} was written by a newer version (format {version}, known is {VERSION}); upgrade, nothing was changed"
        )
    facts_size, facts_crc, table_crc, crc = _SIZES.unpack_from(start, _PREAMBLE.size)
    if crc32(start[_PREAMBLE.size : facts_at - 4]) != crc:
        raise damaged(name, _PREAMBLE.size, "the header's checksum is wrong")
    start = start if len(start) >= facts_at + facts_size else os.pread(fd, facts_at + facts_size, 0)
    facts, local = _facts(start[facts_at : facts_at + facts_size], facts_crc, name)
    table_at = facts_at + facts_size
    table_size = SHA256_BYTES * batch_count(facts.size_bytes, facts.batch_bytes)
    table = start[table_at : table_at + table_size] if len(start) >= table_at + table_size else os.pread(fd, table_size, table_at)
    if len(table) != table_size or crc32(table) != table_crc:
        raise damaged(name, table_at, "the table of batches has a wrong checksum")
    return Header(facts, table, local, start[:table_at])


def _facts(content: bytes, crc: int, name: str) -> tuple[ArchiveFacts, bool]:
    if crc32(content) != crc:
        raise damaged(name, _PREAMBLE.size + _SIZES.size, "the archive's facts have a wrong checksum")
    document = json.loads(content)
    local = document.pop("local")
    document["sha256"] = bytes.fromhex(document["sha256"])
    document["created_at"] = clock.from_iso(document["created_at"])
    return ArchiveFacts(**document), local


def damaged(name: str, offset_bytes: int, what: str) -> LedgerDamaged:
    return LedgerDamaged(f"ledger {name} is damaged at byte {offset_bytes}: {what}")


def encode(kind: int, payload: bytes, offset_bytes: int, at_s: int) -> bytes:
    """One record for that place in the file. Raises struct.error where the payload is too long."""
    rest = struct.pack("<BBHI", _MARK, kind, len(payload), at_s) + payload
    return crc32(rest, offset_bytes & 0xFFFFFFFF).to_bytes(4, "little") + rest


@dataclass(frozen=True, slots=True)
class Record:
    """``kind`` is without the flags; ``at_s`` is UTC in seconds since 1970."""

    kind: int
    flags: int
    at_s: int
    payload: bytes
    offset_bytes: int


class Sink(Protocol):
    """Where records go, in their order."""

    def shorts(self, records: memoryview) -> None:
        """Any number of short records, to be unpacked with SHORT_FIELDS."""
        ...

    def long(self, record: Record) -> None: ...


def replay(fd: int, start: int, end: int, sink: Sink, marks: list[int] | None = None) -> int:
    """Give all records between these offsets to the sink, up to the first that is not right; where that is (or ``end``).

    ``marks`` gets an offset at which a record begins about once a MiB. Raises OSError.
    """
    at, rest = start, b""
    while piece := os.pread(fd, min(_READ_BYTES, end - at - len(rest)), at + len(rest)):
        if marks is not None:
            marks.append(at)
        rest = rest + piece if rest else piece
        used = feed(rest, at, sink)
        at, rest = at + used, rest[used:]
        if len(rest) > _MAX_RECORD_BYTES:
            break
    return at


def feed(content: bytes, offset_bytes: int, sink: Sink) -> int:
    """Give the records of ``content``, which stands at that offset, to the sink; how many bytes of it were whole, right records."""
    view, at = memoryview(content), 0
    while True:
        run = _run_of_shorts(view[at:], offset_bytes + at)
        if run:
            sink.shorts(view[at : at + run])
            at += run
        record = decode(view[at:], offset_bytes + at)
        if record is None:
            return at
        sink.long(record)
        at += _HEAD.size + len(record.payload)


def _run_of_shorts(view: memoryview, offset_bytes: int) -> int:
    """How many bytes at the beginning are short records. Bulk work in C: a large ledger has millions of them."""
    at, check = offset_bytes, crc32
    for crc, rest in _SHORT_CHECK.iter_unpack(view[: len(view) - len(view) % _SHORT_BYTES]):
        if check(rest, at & 0xFFFFFFFF) != crc or rest[1] & KIND >= FIRST_LONG:
            break
        at += _SHORT_BYTES
    return at - offset_bytes


def decode(view: memoryview, offset_bytes: int) -> Record | None:
    """The record at the beginning of ``view``, which stands at that offset; None: there is no whole and right one."""
    if len(view) < _HEAD.size:
        return None
    crc, mark, kind, size, at_s = _HEAD.unpack_from(view)
    end = _HEAD.size + size
    if mark != _MARK or end > len(view) or crc32(view[4:end], offset_bytes & 0xFFFFFFFF) != crc:
        return None
    return Record(kind & KIND, kind & ~KIND, at_s, bytes(view[_HEAD.size : end]), offset_bytes)


def read_record(fd: int, offset_bytes: int) -> Record | None:
    """The record at that offset; None: it is not right (any more). Raises OSError."""
    start = os.pread(fd, 4096, offset_bytes)
    record = decode(memoryview(start), offset_bytes)
    if record is None and len(start) == 4096:  # noqa: PLR2004 (what was asked for above)
        record = decode(memoryview(os.pread(fd, _MAX_RECORD_BYTES, offset_bytes)), offset_bytes)
    return record


def settled_after(fd: int, offset_bytes: int, end: int) -> int | None:
    """Where a right record stands, after that offset, before which everything was synced; None: there is none."""
    at = offset_bytes + 1
    while at < end:
        content = os.pread(fd, _READ_BYTES + _MAX_RECORD_BYTES, at)
        mark = content.find(_MARK_BYTE, 4)
        while 0 <= mark < _READ_BYTES + 4:
            record = decode(memoryview(content)[mark - 4 :], at + mark - 4)
            if record is not None and record.flags & SETTLED:
                return record.offset_bytes
            mark = content.find(_MARK_BYTE, mark + 1)
        at += _READ_BYTES
    return None


def joined(digests: Sequence[bytes] | bytes) -> bytes:
    """A table of batches as one blob."""
    return digests if isinstance(digests, bytes) else b"".join(digests)
