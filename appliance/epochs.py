"""The words by which remotes tell whether we are still their only writer (owner.json), one a place, kept in ``secrets/epochs.json``.

Kept by place, not by connection: a connection that is removed and added again finds its own word there. Outside the
catalog, so that an appliance whose catalog was rebuilt still owns its remotes.
"""

from __future__ import annotations

import errno
import json
import secrets
import threading
from pathlib import Path
from typing import Any

from appliance import durable
from appliance.errors import Damaged, DiskFull, StoreUnavailable

_MODE = 0o600


class Epochs:
    """All words. Thread-safe. Raises Damaged where the file cannot be understood: without it we cannot tell what is ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._fresh: set[str] = set()
        self._words: dict[str, dict[str, str | None]] = _read(path)

    def of(self, place_id: str) -> PlaceEpoch:
        """The word of one place: the folder id of a connection."""
        return PlaceEpoch(self, place_id)

    def accepts(self, place_id: str, found: str) -> bool:
        with self._lock:
            return found in {word for word in self._words.get(place_id, {}).values() if word}

    def is_fresh(self, place_id: str) -> bool:
        with self._lock:
            return place_id in self._fresh

    def next(self, place_id: str, found: str | None) -> str:
        with self._lock:
            words = self._words.get(place_id, {"accepted": None, "next": None})
            planned = words["next"]
            if planned and planned != found:
                return planned
            # A planned word that stands there already was written just before a crash: a clone of this card knows it too.
            word = secrets.token_hex(16)
            self._keep(place_id, {"accepted": planned or words["accepted"], "next": word})
            return word

    def written(self, place_id: str, word: str) -> None:
        with self._lock:
            self._keep(place_id, {"accepted": word, "next": None})
            self._fresh.add(place_id)

    def _keep(self, place_id: str, words: dict[str, str | None]) -> None:
        """On the disk before it is in force. Raises DiskFull, StoreUnavailable: it is our own disk that refuses, not the remote."""
        after = {**self._words, place_id: words}
        try:
            durable.replace(self._path, json.dumps(after, indent=1).encode() + b"\n", _MODE)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFull(
                    "the disk of the data folder is full; free some space (release archives, remove what is not needed)"
                ) from error
            raise StoreUnavailable(f"the data folder cannot be written: {error.strerror}; check its disk") from error
        self._words = after


class PlaceEpoch:
    """``remotes.remote.Epoch`` of one place."""

    def __init__(self, epochs: Epochs, place_id: str) -> None:
        self._epochs = epochs
        self._place_id = place_id

    def accepts(self, found: str) -> bool:
        return self._epochs.accepts(self._place_id, found)

    @property
    def is_fresh(self) -> bool:
        return self._epochs.is_fresh(self._place_id)

    def next(self, found: str | None) -> str:
        return self._epochs.next(self._place_id, found)

    def written(self, word: str) -> None:
        self._epochs.written(self._place_id, word)


def _read(path: Path) -> dict[str, dict[str, str | None]]:
    try:
        document: Any = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Damaged(f"{path} cannot be read ({error}); put it back from a backup, or remove it and run `pyarchive recover`") from None
    rows = document.items() if isinstance(document, dict) else ()
    return {key: {"accepted": row.get("accepted"), "next": row.get("next")} for key, row in rows if isinstance(row, dict)}
