"""The lines that the catalog's files are made of: checksum (8 hexadecimal digits), space, compact JSON, newline.

The checksum covers the name of the file and the offset of the line too: bytes that ended up in the wrong place are bad there.
"""

from __future__ import annotations

import itertools
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

VERSION = 1
HEADER_MAX_BYTES = 200
_HEADER = {"journal": "pyarchive-catalog-journal", "snapshot": "pyarchive-catalog-snapshot"}
_LINES_PARSED_AT_ONCE = 2000
_STARTS_TRIED = 16
_START = re.compile(rb"[0-9a-f]{8} [\[{]")
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode(value: Any) -> bytes:
    """Compact JSON without a newline in it. Raises TypeError or ValueError on what JSON cannot say."""
    # A file name that was no UTF-8 has lone surrogates; json.loads takes them back as they are.
    return _encoder.encode(value).encode("utf-8", "surrogatepass")


class Place:
    """Lines of one file, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._seed = zlib.crc32(name.encode())

    def line(self, offset_bytes: int, body: bytes) -> bytes:
        """The whole line that carries this body at this offset."""
        return b"%08x %b\n" % (self._checksum(offset_bytes, body), body)

    def is_good(self, content: bytes, start: int, end: int) -> bool:
        """Whether content[start:end], newline left out, is a line that belongs there."""
        if content[start + 8 : start + 9] != b" ":
            return False
        return content[start : start + 8] == b"%08x" % self._checksum(start, content[start + 9 : end])

    def _checksum(self, offset_bytes: int, body: bytes) -> int:
        return zlib.crc32(body, zlib.crc32(offset_bytes.to_bytes(8, "big"), self._seed))


def header(kind: str, generation: int, **more: Any) -> bytes:
    """Body of the first line of a file; ``kind`` is journal or snapshot."""
    return encode({"format": _HEADER[kind], "version": VERSION, "generation": generation, **more})


def is_header(value: Any, kind: str, generation: int) -> bool:
    return isinstance(value, dict) and value.get("format") == _HEADER[kind] and value.get("generation") == generation


@dataclass(frozen=True, slots=True)
class Bad:
    """A range of bytes that is no good line; ``line`` counts from 1."""

    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file says: the values of its good lines in order, and what is bad in it."""

    values: list[Any]
    bad: list[Bad]
    good_bytes: int
    """Where the last good line ends."""
    size_bytes: int

    @property
    def is_torn(self) -> bool:
        """Only the end is bad, and it can have been one write."""
        return len(self.bad) == 1 and self.bad[0].start == self.good_bytes and self.bad[0].end == self.size_bytes


def scan(name: str, content: bytes) -> Scan:
    """All lines of a file with that content. Never raises: what cannot be read is in ``bad``."""
    scanner = _Scanner(name, content)
    start = 0
    for number in itertools.count(1):
        if start >= len(content):
            break
        start = scanner.take_line(number, start)
    scanner.parse()
    return Scan(scanner.values, scanner.bad, scanner.good_bytes, len(content))


class _Scanner:
    def __init__(self, name: str, content: bytes) -> None:
        self.place = Place(name)
        self.content = content
        self.values: list[Any] = []
        self._bodies: list[bytes] = []
        self.bad: list[Bad] = []
        self.good_bytes = 0

    def take_line(self, number: int, start: int) -> int:
        """Where the next line begins."""
        end = self.content.find(b"\n", start)
        if end >= 0 and self.place.is_good(self.content, start, end):
            self._take_body(start, end)
            self.good_bytes = end + 1
            return end + 1
        return self._take_bad_line(number, start, end if end >= 0 else len(self.content))

    def _take_bad_line(self, number: int, start: int, end: int) -> int:
        pieces = self._rescue(start, end)
        for first, last in pieces:
            self._take_body(first, last)
        bad_start = pieces[0][1] if len(pieces) > 1 else start
        bad_end = pieces[-1][0] if pieces else min(end + 1, len(self.content))
        self.bad.append(Bad(bad_start, bad_end, number))
        return end + 1

    def _rescue(self, start: int, end: int) -> list[tuple[int, int]]:
        """Good lines in a bad one. A newline that was damaged joins two lines; both may be whole."""
        for found in itertools.islice(_START.finditer(self.content, start + 1, end), _STARTS_TRIED):
            if self.place.is_good(self.content, found.start(), end):
                front = [(start, found.start() - 1)] if self.place.is_good(self.content, start, found.start() - 1) else []
                return [*front, (found.start(), end)]
        return []

    def _take_body(self, start: int, end: int) -> None:
        self._bodies.append(self.content[start + 9 : end])
        if len(self._bodies) == _LINES_PARSED_AT_ONCE:
            self.parse()

    def parse(self) -> None:
        """Many lines in one call: twice as fast, and the documents share the strings of their keys."""
        self.values += json.loads(b"[%b]" % b",".join(self._bodies))
        self._bodies.clear()
