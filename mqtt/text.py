"""Foreign text, made harmless for logs and terminals."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides among them), surrogate, line and paragraph separator: they steer a terminal.
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
JOINERS = frozenset({"\u200c", "\u200d"})  # harmless, and needed to write Persian and to join emoji


def harmless(text: str) -> str:
    r"""In one line: what would steer a terminal, or begin another line, is shown as its escape (``\x1b``)."""
    return text if text.isprintable() else "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if unicodedata.category(character) in _STEERING and character not in JOINERS:
        return character.encode("unicode_escape").decode("ascii")
    return character
