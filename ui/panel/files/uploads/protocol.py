"""tus 1.0 (tus.io/protocols/resumable-upload) in headers: what a client says, and what it is answered."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
ALGORITHMS = ("sha1", "sha256")
CONTENT_TYPE = "application/offset+octet-stream"
UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_ALWAYS = {"Tus-Resumable": VERSION, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LONGEST_METADATA = 16_384
_LONGEST_MESSAGE = 500
_KEY = re.compile(r"[!-+\--~]+")  # ASCII without spaces and commas
_NUMBER = re.compile(r"[0-9]{1,18}")


class Refusal(Exception):
    """What is answered instead of what was asked. The text says cause and next step; ``state`` is for the uploader page."""

    def __init__(self, status: int, text: str, *, state: str = "", hang_up: bool = False, retry_after_s: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.state = state
        self.hang_up = hang_up
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        headers = _ALWAYS | {"PyArchive-Message": quote(str(self)[:_LONGEST_MESSAGE])}  # the answer to HEAD has no content
        if self.state:
            headers["PyArchive-State"] = self.state
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.hang_up:  # nobody reads the rest of what is being sent
            headers["Connection"] = "close"
        if self.status == 412:  # noqa: PLR2004 - the one that names the versions
            headers["Tus-Version"] = VERSION
        return PlainTextResponse(f"{self}\n", self.status, headers)


def answer(status: int, **headers: Any) -> Response:
    """Without content. ``Upload_Offset=3`` is the header ``Upload-Offset: 3``; None is left out."""
    given = {name.replace("_", "-"): str(value) for name, value in headers.items() if value is not None}
    return Response(status_code=status, headers=_ALWAYS | given)


def abilities() -> Response:
    """Of OPTIONS."""
    return answer(204, Tus_Version=VERSION, Tus_Extension=EXTENSIONS, Tus_Checksum_Algorithm=",".join(ALGORITHMS))


def check_version(request: Request) -> None:
    """Raises Refusal."""
    if request.headers.get("tus-resumable") != VERSION:
        raise Refusal(412, f"this server speaks tus {VERSION}: send the header Tus-Resumable: {VERSION}", hang_up=True)


def number(headers: Headers, name: str) -> int | None:
    """Of a header; None where it is not sent. Raises Refusal."""
    text = headers.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise Refusal(400, f"{name} must be a whole number of bytes, not {text[:40]!r}")
    return int(text)


def metadata(text: str) -> dict[str, str]:
    """Of Upload-Metadata: pairs of a key and a value in base64. Any Unicode, nothing else. Raises Refusal."""
    if len(text) > _LONGEST_METADATA:
        raise Refusal(400, f"Upload-Metadata has more than {_LONGEST_METADATA} characters; use a shorter name or title")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip(" ") for part in text.split(","))):
        key, _, value = pair.partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise Refusal(400, f"Upload-Metadata: the key {key[:40]!r} is not ASCII, or comes twice")
        found[key] = _decoded(key, value)
    return found


def _decoded(key: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(400, f"Upload-Metadata: the value of {key[:40]!r} is not UTF-8 in base64") from None


@dataclass(slots=True)
class Checksum:
    """What the bytes of one request should come to."""

    algorithm: str
    expected: bytes
    _digest: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._digest = hashlib.new(self.algorithm, usedforsecurity=False)

    def update(self, piece: bytes | bytearray) -> None:
        self._digest.update(piece)

    @property
    def right(self) -> bool:
        return bool(self._digest.digest() == self.expected)


def checksum(text: str | None) -> Checksum | None:
    """Of Upload-Checksum: an algorithm, and its digest in base64. Raises Refusal."""
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise Refusal(400, f"Upload-Checksum: {algorithm[:20]!r} is not known here; use {' or '.join(ALGORITHMS)}")
    try:
        expected = base64.b64decode(value, validate=True)
    except binascii.Error:
        expected = b""
    if len(expected) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise Refusal(400, f"Upload-Checksum: that is no {algorithm} in base64")
    return Checksum(algorithm, expected)
