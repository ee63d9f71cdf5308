"""``pyarchive list``: all archives, newest first."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.link import Link, open_link
from ui.words import age, clean, count, percent, size

_PAGE = 200
_HEADERS = ("TITLE", "SIZE", "RUNG", "HEALTH", "LOCAL", "STORED", "AGE", "ORDER", "ID")
_ORDER = 7
_NUMBERS = frozenset({1, 5, _ORDER})


def run(args: argparse.Namespace) -> int:
    """All pages are fetched before anything is printed."""
    with open_link(args) as link:
        archives = _all(link, args)
    if args.json:
        output.emit({"archives": archives})
    elif archives:
        _show(archives)
    else:
        output.say(
            "no archives match"
            if args.search or args.owner or args.rung or args.removed
            else "no archives yet; `pyarchive put FILE` hands one in"
        )
    return 0


def _all(link: Link, args: argparse.Namespace) -> list[dict[str, Any]]:
    """An archive that moved to another page while we asked is listed once."""
    found: dict[str, dict[str, Any]] = {}
    offset, total = 0, 1
    while offset < total:
        page = link.ask(
            "archive/list",
            offset=offset,
            limit=_PAGE,
            search=args.search,
            owner=args.owner,
            rungs=[args.rung] if args.rung else [],
            removed=args.removed,
        )
        found |= {archive["id"]: archive for archive in page["archives"]}
        offset, total = offset + len(page["archives"]), page["total"] if page["archives"] else 0
    return sorted(found.values(), key=lambda archive: archive["created_at"], reverse=True)


def _show(archives: list[dict[str, Any]]) -> None:
    header, *lines = output.table(*_columns([_row(archive) for archive in archives]), right=_NUMBERS)
    output.say(output.paint(header, "bold"))
    for archive, line in zip(archives, lines, strict=True):
        output.say(_coloured(line, archive))
    output.say(output.paint(f"{count(len(archives), 'archive')}, {size(sum(archive['size_bytes'] for archive in archives))}", "dim"))


def _columns(rows: list[tuple[str, ...]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headers and rows; the order made by hand only where there is one."""
    if any(row[_ORDER] for row in rows):
        return _HEADERS, rows
    headers, *rest = [row[:_ORDER] + row[_ORDER + 1 :] for row in [_HEADERS, *rows]]
    return headers, rest


def _row(archive: dict[str, Any]) -> tuple[str, ...]:
    return (
        clean(archive["title"]), size(archive["size_bytes"]), archive["rung"], archive["health"], _local(archive),
        percent(archive["progress_ratio"]), age(archive["created_at"]), _order(archive), archive["id"],
    )  # fmt: skip


def _local(archive: dict[str, Any]) -> str:
    return output.yes(archive["local"]) + (", pinned" if archive["pinned"] else "")


def _order(archive: dict[str, Any]) -> str:
    return "" if archive["position"] is None else str(archive["position"] + 1)


def _coloured(line: str, archive: dict[str, Any]) -> str:
    """A whole line in red where something is wrong; the eye finds it among hundreds."""
    return output.health(archive["health"], line) if archive["health"] != "ok" else line
