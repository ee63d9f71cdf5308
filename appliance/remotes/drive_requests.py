"""Requests that make or change a file, and what they carry: its description, alone or with a small content.

Google's library goes through its description of the API for every request. Most of ours differ in nothing but the body: the
library makes each kind once, and it is used again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from googleapiclient.http import HttpRequest, MediaInMemoryUpload, MediaUpload

from appliance.remotes.drive_objects import FIELDS, FILE_TYPE, STORED_FIELDS, checked_id

_JSON = "application/json; charset=UTF-8"
_OURS = frozenset({"accept-encoding", "user-agent", "content-type", "content-length"})


class _Announced(MediaUpload):
    """A content that is sent later: the library only has to ask for an upload session."""

    def resumable(self) -> bool:
        return True

    def size(self) -> int:
        return 0

    def mimetype(self) -> str:
        return FILE_TYPE

    def chunksize(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class Kind:
    """All of a request but its body and token."""

    method: str
    url: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Without compression: the answers are a few hundred bytes."""
        return cls(request.method, request.uri, {name: text for name, text in (request.headers or {}).items() if name.lower() not in _OURS})


@dataclass(frozen=True, slots=True)
class Body:
    """``pieces`` may be taken once."""

    headers: Mapping[str, str]
    size_bytes: int
    pieces: Iterable[bytes]


class Kinds:
    """Of the requests that make files: a folder, a file with its content, an upload session."""

    def __init__(self, files: Any) -> None:
        self._files = files
        self.make = Kind.of(files.create(body={}, fields=FIELDS))
        self.make_at_once = Kind.of(files.create(body={}, media_body=_no_content(), fields=STORED_FIELDS))
        self.open_session = Kind.of(files.create(body={}, media_body=_Announced(), fields=STORED_FIELDS))

    def change_at_once(self, file_id: str) -> Kind:
        return Kind.of(self._files.update(fileId=checked_id(file_id), body={}, media_body=_no_content(), fields=STORED_FIELDS))

    def change_in_session(self, file_id: str) -> Kind:
        return Kind.of(self._files.update(fileId=checked_id(file_id), body={}, media_body=_Announced(), fields=STORED_FIELDS))


def _no_content() -> MediaInMemoryUpload:
    return MediaInMemoryUpload(b"", mimetype=FILE_TYPE)


def described(file: Mapping[str, Any]) -> Body:
    """The description alone."""
    content = json.dumps(file).encode()
    return Body({"Content-Type": _JSON}, len(content), (content,))


def announced(file: Mapping[str, Any], size_bytes: int) -> Body:
    """The description, for the opening of an upload session for so many bytes.

    https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
    """
    alone = described(file)
    coming = {"X-Upload-Content-Type": FILE_TYPE, "X-Upload-Content-Length": str(size_bytes)}
    return Body({**alone.headers, **coming}, alone.size_bytes, alone.pieces)


def together(file: Mapping[str, Any], size_bytes: int, content: Iterable[bytes]) -> Body:
    """The description, then the content, as multipart/related (RFC 2387).

    https://developers.google.com/workspace/drive/api/guides/manage-uploads#multipart
    """
    boundary = secrets.token_hex(16)  # random: it stands in no content
    head = (
        f"--{boundary}\r\nContent-Type: {_JSON}\r\n\r\n{json.dumps(file)}\r\n"
        f"--{boundary}\r\nContent-Type: {FILE_TYPE}\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f'multipart/related; boundary="{boundary}"'}
    return Body(headers, len(head) + size_bytes + len(tail), _framed(head, content, tail))


def _framed(head: bytes, content: Iterable[bytes], tail: bytes) -> Iterator[bytes]:
    pieces = iter(content)
    yield head + next(pieces, b"")
    yield from pieces
    yield tail
