"""Passwords: argon2id, and the few rules for new ones.

Parameters: the second of OWASP's equal choices (Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane), which a Pi with
512 MB can spare. One is hashed at a time: a flood of logins costs neither memory nor the threads that answer other requests.
On a thread of its own: of the memory that a hash has used, the C library keeps a share for each thread that ever did it.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import BadRequest, TooManyTries

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
LEAST_CHARACTERS = 8
_WAITING = 1
_Result = TypeVar("_Result")


class Passwords:
    """Thread-safe. Raises TooManyTries where too many come at once: whoever is serious tries again in a moment."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="password")
        self._places = threading.BoundedSemaphore(1 + _WAITING)
        self._nobodys = f"$argon2id$v=19$m={memory_kib},t={passes},p={LANES}${'A' * 22}${'A' * 43}"  # no password fits

    def hash(self, password: str) -> str:
        return self._in_turn(lambda: self._hasher.hash(_normal(password)))

    def verify(self, password: str, known: str | None) -> bool:
        """False too where nothing is known to compare with; that takes as long."""
        right = self._in_turn(lambda: self._fits(_normal(password), known or self._nobodys))
        return right and known is not None

    def _fits(self, password: bytes, known: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, known: str) -> bool:
        """It was hashed with other parameters than today's."""
        return self._hasher.check_needs_rehash(known)

    def _in_turn(self, work: Callable[[], _Result]) -> _Result:
        if not self._places.acquire(blocking=False):
            raise TooManyTries("too many people sign in at this moment; try again in a few seconds")
        try:
            return self._thread.submit(work).result()
        finally:
            self._places.release()


def _normal(password: str) -> bytes:
    """The same letters are the same password, whatever keyboard they were typed on (NIST SP 800-63B 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def check_new(password: str, *names: str | None) -> None:
    """Raises BadRequest for a password that is guessed first: short, common, or one of the names."""
    if len(password) < LEAST_CHARACTERS:
        raise BadRequest(f"the password needs at least {LEAST_CHARACTERS} characters; a few words in a row are easy to remember")
    folded = password.casefold()
    if folded in {name.casefold() for name in names if name}:
        raise BadRequest("the password is the user's own name or address, which is guessed first; choose another one")
    if folded in _common() or len(set(folded)) == 1:
        raise BadRequest("this password is among those that are guessed first; choose another one, such as a few words in a row")


@cache
def _common() -> frozenset[str]:
    """Those of at least 8 characters that stand at the top of the published lists of stolen ones, in small letters."""
    return frozenset(resources.files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8").split())
