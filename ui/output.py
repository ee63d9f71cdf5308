"""What the command prints, and where: results on stdout, notes and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from ui.words import clean, padded, shortened, width

_COLOURS = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}
_RUNGS = {"received": "yellow", "partial": "yellow", "remote": "green", "proven": "green"}
_HEALTH = {"ok": "", "checking": "", "unknown": "yellow", "damaged": "red", "lost": "red"}


def is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """Coloured on a terminal, unless NO_COLOR is set (https://no-color.org); as it is elsewhere."""
    if not colour or os.environ.get("NO_COLOR") or not is_terminal(sys.stdout):
        return text
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"


def rung(name: str, text: str | None = None) -> str:
    return paint(text or name, _RUNGS.get(name, ""))


def health(name: str, text: str | None = None) -> str:
    return paint(text or name, _HEALTH.get(name, "red"))


def say(line: str = "") -> None:
    print(line, flush=True)


def note(line: str) -> None:
    """For the reader, not for programs: stderr."""
    print(line, file=sys.stderr, flush=True)


def complain(error: Exception | str) -> None:
    """The one line on stderr that says why, and what to do next."""
    note(f"pyarchive: {clean(error)}")


def yes(fact: object) -> str:
    return "yes" if fact else "no"


def emit(data: Any) -> None:
    """One JSON document in one line. ASCII, so that no title can steer the terminal."""
    print(json.dumps(data), flush=True)


def emit_or(as_json: bool, data: Any, line: str) -> None:
    """The answer for a program, or a line for a person."""
    if as_json:
        emit(data)
    else:
        say(line)


def columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 100
    except (OSError, ValueError):
        return 100


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names in one column, what is said of them in the next."""
    widest = max((len(name) for name, _ in pairs), default=0)
    for name, text in pairs:
        say(f"  {paint(padded(name, widest), 'dim')}  {text}")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(), flexible: int = 0) -> list[str]:
    """Lines of aligned columns, the header first. ``right`` columns end together; on a terminal the ``flexible`` one gives way."""
    widths = [max(width(row[column]) for row in [headers, *rows]) for column in range(len(headers))]
    if is_terminal(sys.stdout):
        spare = columns() - (sum(widths) + 2 * (len(widths) - 1))
        widths[flexible] = max(min(widths[flexible], 12), widths[flexible] + min(spare, 0))
    return [_row(row, widths, right) for row in [headers, *rows]]


def _row(cells: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    fitted = [
        padded(shortened(cell, cells_wide), cells_wide, right=i in right)
        for i, (cell, cells_wide) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(fitted).rstrip()
