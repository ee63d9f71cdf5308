"""Names from outside: file names, titles, owners. What is unsafe is made safe or refused, never passed on."""

from __future__ import annotations

import re
import secrets
import unicodedata

from appliance.errors import BadRequest

MAX_FILE_NAME_BYTES = 200
MAX_TITLE_CHARACTERS = 1024
_LONGEST_ENDING_BYTES = 20
ARCHIVE_ID = re.compile(r"[a-z0-9-]{8,36}")
OWNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NOT_IN_A_NAME = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*\ud800-\udfff]')


def new_archive_id() -> str:
    """16 random hexadecimal digits."""
    return secrets.token_hex(8)


def safe_file_name(name: str) -> str:
    """The last component of a name, good for any file system: NFC, at most 200 bytes of UTF-8, its ending kept.

    Never empty, never ``.`` or ``..``, never hidden: whatever was there, a file can be made of it.
    """
    last = re.split(r"[/\\]", name)[-1]
    clean = _NOT_IN_A_NAME.sub("_", unicodedata.normalize("NFC", last)).strip(" .")
    return _shortened(clean or "unnamed", MAX_FILE_NAME_BYTES)


def _shortened(name: str, limit_bytes: int) -> str:
    if len(name.encode()) <= limit_bytes:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending.encode()) > _LONGEST_ENDING_BYTES:
        stem, dot, ending = name, "", ""
    room = limit_bytes - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + ending


def clean_title(title: str) -> str:
    """A title in one line without control characters. Raises BadRequest where nothing is left."""
    clean = "".join(" " if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} else c for c in unicodedata.normalize("NFC", title))
    clean = " ".join(clean.split())[:MAX_TITLE_CHARACTERS]
    if not clean:
        raise BadRequest("the title is empty; give the archive a title of at least one letter")
    return clean


def checked_owner(owner: str) -> str:
    """The owner's name. Raises BadRequest where it is not one."""
    if not OWNER.fullmatch(owner):
        raise BadRequest(f"{owner[:64]!r} is no owner's name; use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit")
    return owner
