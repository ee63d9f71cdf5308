"""The appliance names commands of the terminal as next steps; who reads them here is told where the panel does the same."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"`pyarchive ([a-z][^`]*)`")
_HERE = (
    ("connection sign-in", "“Sign in” on the connection's page"),
    ("connection validate", "“Check now” on the connection's page"),
    ("connection activate", "“Send copies here” on the connection's page"),
    ("connection claim", "“Go on without recovering” on the connection's page"),
    ("connection add folder", "“Add a folder” under Connections"),
    ("connection add drive", "“Add Google Drive” under Connections"),
    ("connection trash", "the trash on the connection's page"),
    ("connection", "Connections"),
    ("recover", "“Recover” on the connection's page"),
    ("orphans --adopt", "“Take them in” under Connections"),
    ("orphans", "the connection's page"),
    ("sync", "“Sync now” on the overview"),
    ("log", "the log"),
    ("resume", "“Resume” on the overview"),
    ("undo", "“Undo” among the removed archives"),
)


def in_the_panel(words: str) -> str:
    """``words`` with the panel's buttons and pages instead of commands, where it has them."""
    return _COMMAND.sub(lambda found: _place_of(found[1]) or found[0], words)


def _place_of(command: str) -> str | None:
    return next((place for beginning, place in _HERE if command == beginning or command.startswith(beginning + " ")), None)
