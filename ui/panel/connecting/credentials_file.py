"""What somebody gives as Google's credentials, looked at before it is sent. The appliance judges; this names mistakes sooner. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ui.errors import Failed

LARGEST_BYTES = 65_536
_KINDS = {"authorized_user": "A sign-in made elsewhere", "service_account": "A service account's key"}
_CLIENT = "An OAuth client; you sign in next"
_RIGHT = "download the JSON of a client of the type “TVs and Limited Input devices”"


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialsFile:
    """``words``: what it is. ``client_id`` is no secret; ``text`` is one."""

    words: str
    client_id: str | None
    needs_sign_in: bool
    text: str = field(repr=False)


def read(text: str) -> CredentialsFile:
    """Raises Failed, which says what it is instead and what to choose, and nothing that stands in it."""
    document = _document(text)
    if words := _KINDS.get(_kind(document)):
        return CredentialsFile(words=words, client_id=_id(document), needs_sign_in=False, text=text)
    if isinstance(client := document.get("installed"), dict):
        if not client.get("client_id") or not client.get("client_secret"):
            raise Failed(
                "this file lacks the client's id or secret; open the client in Google's console, “Add secret”, and download it anew"
            )
        return CredentialsFile(words=_CLIENT, client_id=_id(client), needs_sign_in=True, text=text)
    if "web" in document:
        raise Failed(f"this is a client of the type “Web application”, with which no device can sign in; {_RIGHT}")
    raise Failed(f"this JSON holds no credentials of Google; {_RIGHT}")


def decoded(content: bytes) -> str:
    """The text of a file. Raises Failed."""
    if len(content) > LARGEST_BYTES:
        raise Failed(f"this file is larger than {LARGEST_BYTES // 1024} KiB, so it holds no credentials; {_RIGHT}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failed(f"this file is no text; {_RIGHT}") from None


def _document(text: str) -> dict[str, Any]:
    if not text.strip():
        raise Failed("choose the file, or paste its text first")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Failed(f"this is no JSON, or not all of it; {_RIGHT}") from None
    if not isinstance(document, dict):
        raise Failed(f"this JSON holds no credentials of Google; {_RIGHT}")
    return document


def _kind(document: dict[str, Any]) -> str:
    """As Google's tools write it; a document that says none, but has a sign-in, is one made elsewhere."""
    kind = document.get("type", "authorized_user" if "refresh_token" in document else "")
    return kind if isinstance(kind, str) else ""


def _id(document: dict[str, Any]) -> str | None:
    found = document.get("client_id")
    return found if isinstance(found, str) else None
