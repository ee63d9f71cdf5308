"""Three things of prctl(2) for which Python has no words."""

from __future__ import annotations

import ctypes

_LIBC = ctypes.CDLL(None, use_errno=True)
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS, _CAP_AMBIENT = 1, 4, 36, 38, 47
_AMBIENT_CLEAR_ALL = 4


def adopt_orphans() -> None:
    """What loses its parent below us becomes our child instead of init's."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: int) -> None:
    """Get this signal when our parent's thread ends. A change of user takes it back, so it is asked for after that."""
    _prctl(_SET_PDEATHSIG, number)


def keep_to_ourselves(*, really: bool = True) -> None:
    """No process of our own user may read our memory and environment, or trace us. Nor may we write below /proc/self, then."""
    _prctl(_SET_DUMPABLE, 0 if really else 1)


def give_up_rights() -> None:
    """No program that is executed from here on gains rights, and those of a privileged parent do not come along."""
    _prctl(_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
    _prctl(_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int) -> None:
    """Raises OSError."""
    if _LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}) failed")
