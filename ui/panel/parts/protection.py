"""How well an archive is protected, in a household's words."""

from __future__ import annotations

from typing import Any

from ui.panel.parts.basics import Pill, Tone, pill

RUNG_WORDS: dict[str, tuple[str, Tone]] = {
    "received": ("Only here so far", "warn"),
    "partial": ("On its way", "busy"),
    "remote": ("Safe", "ok"),
    "proven": ("Safe, proven", "ok"),
}
HEALTH_WORDS: dict[str, tuple[str, Tone]] = {
    "checking": ("Being checked", "busy"),
    "unknown": ("Not known now", "wait"),
    "damaged": ("Damaged, being mended", "bad"),
    "lost": ("Lost", "bad"),
}


def words_of(archive: dict[str, Any]) -> tuple[str, Tone]:
    """What its health says, where it is not well; else its rung."""
    return HEALTH_WORDS.get(archive["health"]) or RUNG_WORDS[archive["rung"]]


def protection(archive: dict[str, Any]) -> Pill:
    return pill(*words_of(archive))
