"""Passwords, and their hashes as Mosquitto's password file has them: ``user:$7$<iterations>$<salt>$<hash>``, both in base64.

mosquitto_passwd(1) and Mosquitto's source (password_mosq.c): PBKDF2 with SHA-512, a salt of 12 bytes, a key of 64. Mosquitto 2.0 takes
no other length of salt.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

_ITERATIONS = 1_000
"""Our passwords are random, so nobody gets anywhere by guessing; and the broker hashes on its only thread, at each login."""
_SALT_BYTES = 12
_MOST_ITERATIONS = 10_000_000


def new_password() -> str:
    """192 random bits, in letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(24)


def hashed(password: str) -> str:
    """For a password file; another salt each time."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return _line(password, salt, _ITERATIONS)


def fits(password: str, line: str) -> bool:
    """Whether that hash is one of this password; False for what is no hash."""
    parts = line.split("$")
    if len(parts) != 5 or parts[1] != "7" or not parts[2].isdecimal():  # noqa: PLR2004 - nothing, kind, iterations, salt, hash
        return False
    try:
        salt = base64.b64decode(parts[3], validate=True)
    except binascii.Error:
        return False
    iterations = int(parts[2])
    return (
        len(salt) == _SALT_BYTES
        and 0 < iterations <= _MOST_ITERATIONS
        and hmac.compare_digest(_line(password, salt, iterations).encode(), line.encode())
    )


def _line(password: str, salt: bytes, iterations: int) -> str:
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"
