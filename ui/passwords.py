"""Passwords for the command: typed on the terminal, or a line of standard input; never an argument, which other users can read."""

from __future__ import annotations

import getpass
import sys

from ui.errors import Failed, WrongUsage

_LONGEST = 1024


def ask_password(of: str) -> str:
    """On a terminal twice, without showing it. Raises Failed where both differ, WrongUsage where nothing came."""
    if not sys.stdin.isatty():
        return _checked(sys.stdin.readline(_LONGEST + 2).rstrip("\r\n"))
    password = getpass.getpass(f"new password of {of}: ")
    if password != getpass.getpass("once more: "):
        raise Failed("the two passwords differ; nothing was changed, try again")
    return _checked(password)


def _checked(password: str) -> str:
    if not password:
        raise WrongUsage("no password: type one, or write it to standard input")
    if len(password) > _LONGEST:
        raise WrongUsage(f"the password has more than {_LONGEST} characters")
    return password
