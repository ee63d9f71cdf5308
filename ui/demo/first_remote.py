"""The demo's folder remote: added, validated and activated at the first start, and never again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ui.errors import Failed
from ui.link import Link

_NAME = "demo"
_TRY_AGAIN_S = 2.0
Say = Callable[[str], None]


def add_until_done(link: Link, folder: Path, stop: threading.Event, say: Say) -> bool:
    """True once the remote is there. Each step may have been done by a start that was killed; an error is said once, and tried again."""
    told = ""
    while not stop.is_set():
        try:
            _add(link, folder)
        except (Failed, OSError) as error:
            if str(error) != told:
                say(f"the folder remote {folder} is not ready: {error}")
            told = str(error)
            stop.wait(_TRY_AGAIN_S)
        else:
            return True
    return False


def _add(link: Link, folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    known = link.ask("connection/list")["connections"]
    connection_id = next((each["id"] for each in known if each["path"] == str(folder)), None)
    if connection_id is None:
        taken = {each["name"] for each in known}
        name = next(name for name in (_NAME, *(f"{_NAME} {n}" for n in range(2, len(taken) + 3))) if name not in taken)
        connection_id = link.ask("connection/add", kind="folder", name=name, path=str(folder))["id"]
    link.ask("connection/validate", connection=connection_id)
    if not any(each["active"] for each in known):
        link.ask("connection/activate", connection=connection_id)
