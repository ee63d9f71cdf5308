"""Content-Disposition: under which name a browser saves a file (RFC 6266, RFC 8187)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_ATTR_CHARS = "!#$&+-.^_`|~"
# Quotes and backslashes end the name early, per cent is decoded by some browsers, slashes and colons lead out of the folder.
_UNSAFE = re.compile(r"[^ !#$&'()+,.0-9;=@A-Z\[\]^_`a-z{}~-]")


def attachment(file_name: str) -> str:
    """The header's value: ASCII whatever the name, which can neither end the line nor the quotes."""
    exact = quote(file_name, safe=_ATTR_CHARS, errors="replace")
    return f"attachment; filename=\"{_ascii(file_name)}\"; filename*=UTF-8''{exact}"


def _ascii(file_name: str) -> str:
    """For programs that know only ASCII: accents go, all else that is foreign becomes ``_``; the ending stays."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", file_name) if not unicodedata.combining(char))
    return _UNSAFE.sub("_", plain).strip(" .") or "download"
