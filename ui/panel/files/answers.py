"""What a request for a file is answered with, before a byte is read: status, headers, and which span follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers

from ui.panel.files.conditions import Validators
from ui.panel.files.disposition import attachment
from ui.panel.files.local_copy import LocalCopy
from ui.panel.files.ranges import NotSatisfiable, Span, wanted

# A stored file is never a page of ours: it is saved, not shown; and should a browser show it, it may do nothing.
_HARMLESS = {
    "content-type": "application/octet-stream",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
_KEPT = {"cache-control": "private, no-cache, no-transform", "accept-ranges": "bytes"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """What the appliance said of an archive's local copy."""

    archive_id: str
    path: Path
    file_name: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Located:
        return cls(**{name: answer[name] for name in cls.__slots__} | {"path": Path(answer["path"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """``span`` is None where no content follows, as after HEAD."""

    status: int
    headers: dict[str, str]
    span: Span | None = None

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in self.headers.items()]


def answer(method: str, asked: Headers, located: Located, copy: LocalCopy) -> Answer:
    """By RFC 9110: conditions first, then the range, which counts for GET alone."""
    validators = Validators(located.sha256, copy.modified_at)
    told = _KEPT | {"etag": validators.etag, "last-modified": validators.last_modified}
    refused = validators.refused(asked)
    if refused:
        return Answer(refused, told if refused == 304 else told | {"content-length": "0"})  # noqa: PLR2004 - Not Modified has no content
    told |= _HARMLESS | {"content-disposition": attachment(located.file_name)}
    whole = Answer(200, told | {"content-length": str(located.size_bytes)}, Span(0, located.size_bytes))
    if method == "HEAD":
        return Answer(whole.status, whole.headers)
    if "range" not in asked or not validators.may_be_ranged(asked):
        return whole
    return _part(told, asked["range"], located.size_bytes) or whole


def _part(told: dict[str, str], header: str, size_bytes: int) -> Answer | None:
    try:
        span = wanted(header, size_bytes)
    except NotSatisfiable:
        return Answer(416, told | {"content-range": f"bytes */{size_bytes}", "content-length": "0"})
    if span is None:
        return None
    return Answer(206, told | {"content-range": span.content_range(size_bytes), "content-length": str(span.size_bytes)}, span)
