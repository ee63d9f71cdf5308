"""Which archives a list shows. It lives in the page's address, so that a reload, Back and a bookmark find it again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

PER_PAGE = 50
PATH = "/archives"

Choice = tuple[str, dict[str, Any]]
PROTECTION: dict[str, Choice] = {
    "": ("Any protection", {}),
    "here-only": ("Only here so far", {"rungs": ["received"]}),
    "on-its-way": ("On its way", {"rungs": ["partial"]}),
    "safe": ("Safe", {"rungs": ["remote", "proven"]}),
    "proven": ("Safe, proven", {"rungs": ["proven"]}),
    "trouble": ("Damaged or lost", {"healths": ["damaged", "lost"]}),
    "unknown": ("Not known now", {"healths": ["unknown"]}),
}
PLACE: dict[str, Choice] = {
    "": ("Anywhere", {}),
    "here": ("On this appliance", {"local": True}),
    "away": ("Only on a remote", {"local": False}),
    "pinned": ("Kept here always", {"pinned": True}),
    "waiting": ("Waiting for something", {"waiting": True}),
}
SORT: dict[str, Choice] = {
    "newest": ("Newest first", {"sort": "created_at", "descending": True}),
    "oldest": ("Oldest first", {"sort": "created_at", "descending": False}),
    "title": ("By title", {"sort": "title", "descending": False}),
    "largest": ("Largest first", {"sort": "size_bytes", "descending": True}),
    "smallest": ("Smallest first", {"sort": "size_bytes", "descending": False}),
    "protection": ("Least protected first", {"sort": "rung", "descending": False}),
    "owner": ("By owner", {"sort": "owner", "descending": False}),
}
_LONGEST_SEARCH = 256
_LAST_PAGE = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """``page`` counts from 1. ``trash``: those that were removed and can be taken back, instead."""

    search: str = ""
    protection: str = ""
    place: str = ""
    sort: str = "newest"
    owner: str = ""
    trash: bool = False
    page: int = 1

    @property
    def parameters(self) -> dict[str, Any]:
        """Of ``archive/list``."""
        chosen = PROTECTION[self.protection][1] | PLACE[self.place][1] | SORT[self.sort][1]
        named = {"search": self.search or None, "owner": self.owner or None, "removed": self.trash or None}
        return chosen | named | {"offset": (self.page - 1) * PER_PAGE, "limit": PER_PAGE}

    @property
    def is_narrowed(self) -> bool:
        """Not all archives are asked for."""
        return bool(self.search or self.protection or self.place or self.owner)

    @property
    def begins_with_the_newest(self) -> bool:
        return self.sort == "newest" and self.page == 1 and not self.is_narrowed and not self.trash

    @property
    def address(self) -> str:
        """What is not as usual stands in it."""
        usual = Query()
        given = {
            "q": self.search, "protection": self.protection, "place": self.place, "owner": self.owner,
            "sort": self.sort if self.sort != usual.sort else "", "trash": "1" if self.trash else "",
            "page": str(self.page) if self.page > 1 else "",
        }  # fmt: skip
        text = urlencode({name: value for name, value in given.items() if value})
        return f"{PATH}?{text}" if text else PATH

    def at(self, page: int) -> Query:
        return replace(self, page=page)


def of_address(given: Mapping[str, str], *, admin: bool) -> Query:
    """What means nothing is left out: an address may be old, or typed. Only admins ask for somebody's."""
    page = given.get("page", "")
    return Query(
        search=given.get("q", "").strip()[:_LONGEST_SEARCH],
        protection=_known(given.get("protection"), PROTECTION),
        place=_known(given.get("place"), PLACE),
        sort=_known(given.get("sort"), SORT) or Query().sort,
        owner=given.get("owner", "")[:64] if admin else "",
        trash=given.get("trash") == "1",
        page=min(int(page), _LAST_PAGE) if page.isascii() and page.isdigit() and int(page[:9]) else 1,
    )


def _known(value: str | None, choices: Mapping[str, Choice]) -> str:
    return value if value is not None and value in choices else ""


def pages_shown(page: int, last: int) -> list[int | None]:
    """``1 … 4 5 6 … 200``; None stands for what is left out."""
    near = sorted({1, last, *range(max(1, page - 1), min(last, page + 1) + 1)})
    shown: list[int | None] = []
    for number in near:
        if shown and number - (shown[-1] or 0) > 1:
            shown.append(None)
        shown.append(number)
    return shown
