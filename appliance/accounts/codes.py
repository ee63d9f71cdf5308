"""Codes that are good once: for claiming the appliance, and for invitations. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets

_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that is taken for another when it is read out or typed
_GROUPS, _GROUP = 4, 4


def new_code() -> str:
    """``XXXX-XXXX-XXXX-XXXX``: 78 random bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def hash_of_code(code: str) -> str:
    """The same for the same letters, however they are grouped. A plain hash does: nobody guesses 78 random bits."""
    letters = "".join(each for each in code.upper() if each.isalnum())
    return hashlib.sha256(letters.encode(errors="replace")).hexdigest()
