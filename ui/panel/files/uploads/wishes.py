"""What a client wants to send: the creation request, understood."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from ui.panel.files.uploads import protocol
from ui.panel.files.uploads.protocol import Refusal
from ui.panel.person import Person

_LONGEST_NAME, _LONGEST_TITLE = 4096, 1024
_LONGEST_ATTEMPT = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Names are as they came: the appliance makes them safe. ``attempt``: the client's own id of this try; "" without one."""

    file_name: str
    title: str
    owner: str
    modified: str
    attempt: str
    size_bytes: int
    has_content: bool


def wish_of(request: Request, person: Person) -> Wish:
    """Raises Refusal.

    Keys of the metadata: ``filename`` (or ``name``), ``relativePath``, ``title``, ``owner``, ``modified``, ``attempt``; others are let be.
    Without a title the file's place in its folder is the title, else its name.
    """
    size_bytes = _size(request)
    given = protocol.metadata(request.headers.get("upload-metadata", ""))
    name = given.get("filename") or given.get("name") or "unnamed"
    if len(name) > _LONGEST_NAME:
        raise Refusal(400, f"the file name has more than {_LONGEST_NAME} characters; rename the file", state="refused")
    path = given.get("relativePath", "")
    return Wish(
        file_name=name,
        title=(given.get("title", "").strip() or path.strip() or name)[:_LONGEST_TITLE],
        owner=_owner(given.get("owner", ""), person),
        modified=given.get("modified", "")[:40],
        attempt=given.get("attempt", "")[:_LONGEST_ATTEMPT],
        size_bytes=size_bytes,
        has_content=request.headers.get("content-type") == protocol.CONTENT_TYPE,
    )


def _size(request: Request) -> int:
    if "upload-defer-length" in request.headers:
        raise Refusal(400, "the size must be known at the beginning, so that there is room for it: send Upload-Length", state="refused")
    size_bytes = protocol.number(request.headers, "upload-length")
    if size_bytes is None:
        raise Refusal(400, "Upload-Length is missing", state="refused")
    return size_bytes


def _owner(wanted: str, person: Person) -> str:
    if wanted and wanted != person.name and not person.admin:
        raise Refusal(403, "only an admin may send files for somebody else", state="refused")
    return wanted or person.name
