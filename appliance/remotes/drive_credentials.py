"""Credentials for Google Drive: what a person hands over, checked, and what of it is kept.

Three kinds of JSON are understood: ``authorized_user`` (someone has signed in already), ``service_account``, and the file of an OAuth
client as the Google Cloud console gives it, with which someone signs in next.
https://google.aip.dev/auth/4113, https://google.aip.dev/auth/4112
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Self

from appliance import clock
from appliance.errors import BadRequest

Kind = Literal["authorized_user", "service_account", "oauth_client"]

_HOW = "docs/google-drive.md says how to get the right file"
_LARGEST_TEXT, _LARGEST_FIELD, _LARGEST_KEY = 65_536, 2_048, 16_384
_CLIENT = ("client_id", "client_secret")
_SERVICE = ("client_email", "private_key", "private_key_id", "client_id", "project_id")
_GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 (an address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """``client_id`` is what files on Drive are bound to; it is no secret. ``granted_at``: when the refresh token was given; None where
    that happened elsewhere. ``service`` holds the fields of a service account's key.
    """

    kind: Kind
    client_id: str | None
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    granted_at: datetime | None = None
    service: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Raises BadRequest, which names what is wrong and where to get a right one, and nothing that stands in the text."""
        document = _document(text)
        kind = document.get("type")
        if kind == "service_account":
            return cls._service_account(document)
        if kind == "authorized_user" or (kind is None and "refresh_token" in document):
            return cls._authorized_user(document)
        installed = document.get("installed")
        if isinstance(installed, dict):
            client = _fields(installed, _CLIENT, "the OAuth client's file")
            return cls(kind="oauth_client", client_id=client["client_id"], client_secret=client["client_secret"])
        raise BadRequest(_why_not(document))

    @classmethod
    def _authorized_user(cls, document: Mapping[str, Any]) -> Self:
        known = _fields(document, (*_CLIENT, "refresh_token"), "the authorized_user file")
        return cls(
            kind="authorized_user", client_id=known["client_id"], client_secret=known["client_secret"],
            refresh_token=known["refresh_token"], granted_at=_moment(document.get("granted_at")),
        )  # fmt: skip

    @classmethod
    def _service_account(cls, document: Mapping[str, Any]) -> Self:
        what = "the service account's key"
        needed = _fields(document, ("client_email", "private_key"), what)
        _check_key(needed["private_key"])
        more = _fields(document, tuple(name for name in _SERVICE if name not in needed and document.get(name) is not None), what)
        return cls(kind="service_account", client_id=more.get("client_id"), service=needed | more)

    def to_text(self) -> str:
        """What ``from_text`` reads back. Holds secrets."""
        return json.dumps(self._to_document(), indent=1) + "\n"

    def _to_document(self) -> dict[str, Any]:
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        match self.kind:
            case "service_account":
                return {"type": self.kind, **self.service, "token_uri": _GOOGLE_TOKEN_URI}
            case "oauth_client":
                return {"installed": client}
            case "authorized_user":
                granted = {"granted_at": clock.iso(self.granted_at)} if self.granted_at else {}
                return {"type": self.kind, **client, "refresh_token": self.refresh_token, **granted}

    @property
    def can_sign_in(self) -> bool:
        """There is an OAuth client with which a person can sign in."""
        return self.kind != "service_account"

    def with_refresh_token(self, token: str) -> Self:
        """Somebody has just signed in with this client."""
        return replace(self, kind="authorized_user", refresh_token=token, granted_at=clock.now())


def _document(text: str) -> dict[str, Any]:
    if len(text) > _LARGEST_TEXT:
        raise BadRequest(f"the credentials are longer than {_LARGEST_TEXT:,} characters, so they are something else; {_HOW}")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest(f"the credentials are not JSON; {_HOW}") from None
    if not isinstance(document, dict):
        raise BadRequest(f"the credentials are JSON, but not an object; {_HOW}")
    return document


def _fields(document: Mapping[str, Any], names: tuple[str, ...], what: str) -> dict[str, str]:
    """Those fields, each a text of one line (but for a key) and no longer than such a thing is."""
    missing = [name for name in names if not document.get(name)]
    if missing:
        raise BadRequest(f"{what} has no {' and no '.join(missing)}; {_HOW}")
    wrong = [name for name in names if not _is_plain(name, document[name])]
    if wrong:
        raise BadRequest(f"{what} has something else as {' and '.join(wrong)} than Google gives out; {_HOW}")
    return {name: document[name] for name in names}


def _is_plain(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if name == "private_key":
        return len(value) <= _LARGEST_KEY
    return len(value) <= _LARGEST_FIELD and value.isascii() and value.isprintable() and " " not in value


def _moment(text: object) -> datetime | None:
    """None where it is no time with a zone: then the age of the sign-in is unknown, and nothing else."""
    try:
        at = clock.from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else None


def _check_key(private_key: str) -> None:
    from google.auth.crypt import RSASigner  # noqa: PLC0415 (Google's libraries are imported where they are needed)

    try:
        RSASigner.from_string(private_key)  # type: ignore[no-untyped-call]  # Google's library has no types
    except (ValueError, TypeError, AttributeError):
        raise BadRequest(f"the service account's key holds no private key that can be read; {_HOW}") from None


def _why_not(document: Mapping[str, Any]) -> str:
    if "web" in document:
        cause = "this OAuth client is of the type Web application, with which a device cannot sign in"
        return f"{cause}; make one of the type TVs and Limited Input devices ({_HOW})"
    if "access_token" in document or "refresh_token" in document:
        return f"this is a token alone; client_id, client_secret and refresh_token are needed in one file; {_HOW}"
    if isinstance(document.get("type"), str):
        return f"credentials of this type cannot be used: authorized_user, service_account or an OAuth client is needed; {_HOW}"
    return f"this JSON is neither an OAuth client nor authorized_user nor service_account; {_HOW}"
