"""The Range header (RFC 9110, section 14): which bytes of a file somebody wants."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPEC = re.compile(r"(\d*)-(\d*)", re.ASCII)
_MOST_SPECS = 100


class NotSatisfiable(Exception):
    """Nothing of what is asked for lies in the file: 416."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from ``start`` up to, and without, ``stop``."""

    start: int
    stop: int

    @property
    def size_bytes(self) -> int:
        return self.stop - self.start

    def content_range(self, size_bytes: int) -> str:
        return f"bytes {self.start}-{self.stop - 1}/{size_bytes}"


def wanted(header: str, size_bytes: int) -> Span | None:
    """The span to send; None for the whole file. Raises NotSatisfiable.

    A header that says nothing, another unit, or nonsense is passed over, as the RFC has it. Several ranges become one where they touch;
    where they do not, the whole file is sent: no one whom we know of needs multipart/byteranges of a file that is to be saved.
    """
    unit, _, specs = header.partition("=")
    if unit.strip().lower() != "bytes" or specs.count(",") >= _MOST_SPECS:
        return None
    try:
        spans = [_span(spec.strip(), size_bytes) for spec in specs.split(",") if spec.strip()]
    except ValueError:
        return None
    if not spans:
        return None
    joined = _joined(sorted((span for span in spans if span), key=lambda span: span.start))
    if not joined:
        raise NotSatisfiable
    return joined[0] if len(joined) == 1 and joined[0].size_bytes else None


def _span(spec: str, size_bytes: int) -> Span | None:
    """None where it lies behind the end. Raises ValueError for no range."""
    parts = _SPEC.fullmatch(spec)
    if parts is None or spec == "-":
        raise ValueError(spec)
    first, last = parts.groups()
    if not first:
        return Span(max(0, size_bytes - int(last)), size_bytes) if int(last) else None
    if last and int(last) < int(first):
        raise ValueError(spec)
    stop = min(int(last) + 1, size_bytes) if last else size_bytes
    return Span(int(first), stop) if int(first) < size_bytes else None


def _joined(spans: list[Span]) -> list[Span]:
    """Those that overlap or touch, made one. ``spans`` come by their start."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start <= joined[-1].stop:
            joined[-1] = Span(joined[-1].start, max(joined[-1].stop, span.stop))
        else:
            joined.append(span)
    return joined
