"""Archives in a house, many or large, for pages that show them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.processes import House
from tests.waiting import wait_for


def content_of(seed: str, size_bytes: int) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def put(house: House, title: str, size_bytes: int = 1000, *, owner: str = "ada") -> str:
    """Received when this returns; the content is ``content_of(title, size_bytes)``."""
    archive_id = _hand_in(house, title, size_bytes, owner)
    _wait_received(house, [archive_id])
    return archive_id


def fill(house: House, titles: Iterable[str], *, owner: str = "ada") -> list[str]:
    """A thousand bytes each."""
    ids = [_hand_in(house, title, 1000, owner) for title in titles]
    _wait_received(house, ids)
    return ids


def _hand_in(house: House, title: str, size_bytes: int, owner: str) -> str:
    content = content_of(title, size_bytes)
    name = f"{hashlib.sha256(title.encode()).hexdigest()[:8]}.bin"
    begun = house.ask("archive/begin", file_name=name, size_bytes=size_bytes, title=title, owner=owner)
    Path(begun["path"]).write_bytes(content)
    house.ask("archive/commit", archive_id=begun["archive_id"], sha256=hashlib.sha256(content).hexdigest())
    return str(begun["archive_id"])


def _wait_received(house: House, ids: list[str]) -> None:
    for archive_id in ids:
        wait_for(partial(_is_received, house, archive_id), 30, "a file to be received")


def _is_received(house: House, archive_id: str) -> bool:
    return bool(house.ask("archive/upload", archive_id=archive_id)["state"] == "received")
