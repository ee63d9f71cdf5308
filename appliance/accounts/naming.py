"""What people call themselves: names that are also owners and folders of the inbox, addresses, and how they want to be shown."""

from __future__ import annotations

import re
import unicodedata
from typing import TypedDict

from appliance.errors import BadRequest
from appliance.intake.temporary import is_temporary
from appliance.names import OWNER, clean_title
from mqtt import user_verbs as verbs

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
MAX_DISPLAY_NAME_CHARACTERS = 64


class Person(TypedDict):
    display_name: str | None
    email: str | None


def check_name(name: str) -> None:
    """Raises BadRequest: it is no owner's name, or the inbox would pass its folder over."""
    if not OWNER.fullmatch(name):
        raise BadRequest("a user's name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit")
    if is_temporary(name):
        raise BadRequest("this name is like that of an unfinished file, so the inbox would pass over the user's folder; choose another one")


def checked_person(asked: verbs.UserClaim | verbs.UserRegister | verbs.UserAdd) -> Person:
    """Raises BadRequest."""
    return {"display_name": display_name(asked.display_name), "email": email(asked.email)}


def display_name(text: str | None) -> str | None:
    """In one line; None where nothing is left of it."""
    return clean_title(text)[:MAX_DISPLAY_NAME_CHARACTERS] if text and text.strip() else None


def email(text: str | None) -> str | None:
    """Lightly checked: whether mail arrives there only a mail can tell. Raises BadRequest."""
    address = unicodedata.normalize("NFC", text or "").strip()
    if address and not _EMAIL.fullmatch(address):
        raise BadRequest("this is no e-mail address; it looks like name@example.org, or leave it empty")
    return address or None
