"""What runs have written: DATA/scripts/runs/<run id>/<first line>.jsonl, in pieces of 1 MiB, written in blocks and never synced.

A line is ``[sequence, milliseconds since 1970, "o" or "e", text]``. Of a run the newest 8 pieces are kept, of all runs together 64 MiB:
the oldest runs lose theirs first. A power cut takes the last seconds, and may tear a line, which is passed over.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from appliance import clock, durable
from appliance.durable import DurableFile
from appliance.scripts.ids import is_run_id
from mqtt.script_messages import ScriptLine

PIECE_BYTES, PIECES = 1 << 20, 8
MOST_BYTES = 64 << 20
_BLOCK_BYTES = 32 * 1024
_LATEST_S = 5.0
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Made once: json.dumps would make one for each line."""
_STREAMS = {"o": "stdout", "e": "stderr"}


class Outputs:
    """Thread-safe. Nothing here raises for a full disk: output that cannot be kept is missing, and its run goes on."""

    def __init__(self, folder: Path, *, piece_bytes: int = PIECE_BYTES, pieces: int = PIECES, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._piece_bytes, self._pieces, self._most_bytes = piece_bytes, pieces, most_bytes
        self._lock = threading.Lock()
        self._pending: dict[str, list[ScriptLine]] = {}
        self._pending_bytes: dict[str, int] = {}
        self._since_s: dict[str, float] = {}  # when the oldest that waits came, monotonic
        self._sizes: dict[str, dict[int, int]] = {}  # run id -> first line of the piece -> its bytes
        self._load()

    def add(self, run_id: str, lines: list[ScriptLine]) -> None:
        """In their order. Soon on the disk: with their block, or after a few seconds."""
        with self._lock:
            self._pending.setdefault(run_id, []).extend(lines)
            self._since_s.setdefault(run_id, clock.monotonic_s())
            waiting = self._pending_bytes.get(run_id, 0) + sum(len(line.text) + 30 for line in lines)
            self._pending_bytes[run_id] = waiting
            if waiting >= _BLOCK_BYTES:
                self._flush(run_id)

    def flush_old(self) -> None:
        """What waits for some seconds. Call it every now and then."""
        now_s = clock.monotonic_s()
        with self._lock:
            for run_id in [run_id for run_id, since_s in self._since_s.items() if now_s - since_s >= _LATEST_S]:
                self._flush(run_id)

    def flush(self) -> None:
        """Everything."""
        with self._lock:
            for run_id in list(self._pending):
                self._flush(run_id)

    def first_kept(self, run_id: str) -> int | None:
        """Sequence number of the oldest line; None: there is none."""
        with self._lock:
            sizes, pending = self._sizes.get(run_id), self._pending.get(run_id)
            return min(sizes) if sizes else pending[0].sequence if pending else None

    def read(self, run_id: str, from_sequence: int) -> Iterator[ScriptLine]:
        """The lines from there on, in their order."""
        with self._lock:
            if run_id in self._pending:
                self._flush(run_id)
            firsts = sorted(self._sizes.get(run_id, {}))
        behind = [first for first in firsts if first > from_sequence]
        begin = firsts[: len(firsts) - len(behind)][-1:]
        for first in [*begin, *behind]:
            with contextlib.suppress(OSError):  # it made room meanwhile
                yield from _lines(self._path(run_id, first).read_bytes().split(b"\n"), from_sequence)

    def forget(self, run_ids: Iterable[str]) -> None:
        with self._lock:
            for run_id in run_ids:
                self._drop_pending(run_id)
                self._remove(run_id)

    def keep_only(self, run_ids: set[str]) -> None:
        """What belongs to no run that is remembered goes."""
        self.forget([run_id for run_id in self._sizes if run_id not in run_ids])

    def size_bytes(self) -> int:
        """Of all."""
        return sum(sum(sizes.values()) for sizes in self._sizes.values())

    # Under the lock

    def _load(self) -> None:
        durable.make_dirs(self._folder)
        for folder in sorted(self._folder.iterdir()):
            if is_run_id(folder.name) and folder.is_dir():
                pieces = {int(path.stem): path.stat().st_size for path in folder.glob("*.jsonl") if path.stem.isdigit()}
                self._sizes[folder.name] = pieces

    def _flush(self, run_id: str) -> None:
        lines = self._drop_pending(run_id)
        content = b"".join(_line(line) for line in lines)
        if not content:
            return
        with contextlib.suppress(OSError):
            self._append(run_id, lines[0].sequence, content)
        self._make_room(run_id)

    def _drop_pending(self, run_id: str) -> list[ScriptLine]:
        self._pending_bytes.pop(run_id, None)
        self._since_s.pop(run_id, None)
        return self._pending.pop(run_id, [])

    def _append(self, run_id: str, first: int, content: bytes) -> None:
        sizes = self._sizes.setdefault(run_id, {})
        durable.make_dir(self._folder / run_id)
        newest = max(sizes, default=None)
        piece = first if newest is None or sizes[newest] >= self._piece_bytes else newest
        path = self._path(run_id, piece)
        with DurableFile.open(path) if path.exists() else DurableFile.create(path) as file:
            file.write_at(file.size_bytes(), content)
            sizes[piece] = file.size_bytes()

    def _make_room(self, run_id: str) -> None:
        sizes = self._sizes.get(run_id, {})
        for first in sorted(sizes)[: -self._pieces]:
            self._remove_piece(run_id, first)
        for oldest in sorted(self._sizes):
            if self.size_bytes() <= self._most_bytes:
                return
            if oldest != run_id:
                self._remove(oldest)

    def _remove(self, run_id: str) -> None:
        for first in list(self._sizes.get(run_id, {})):
            self._remove_piece(run_id, first)
        if self._sizes.pop(run_id, None) is not None:
            with contextlib.suppress(OSError):
                durable.remove_dir(self._folder / run_id)

    def _remove_piece(self, run_id: str, first: int) -> None:
        with contextlib.suppress(OSError):
            durable.unlink(self._path(run_id, first), missing_ok=True)
        self._sizes[run_id].pop(first, None)

    def _path(self, run_id: str, first: int) -> Path:
        return self._folder / run_id / f"{first:010d}.jsonl"


def _line(line: ScriptLine) -> bytes:
    document = [line.sequence, round(line.at.timestamp() * 1000), line.stream[3], line.text]
    return _encode(document).encode("utf-8", "replace") + b"\n"


def _lines(raw: list[bytes], from_sequence: int) -> Iterator[ScriptLine]:
    for each in raw:
        try:
            if int(each[1 : each.index(b",")]) < from_sequence:
                continue
            sequence, at_ms, stream, text = json.loads(each)
            yield ScriptLine(sequence=sequence, at=datetime.fromtimestamp(at_ms / 1000, UTC), stream=_STREAMS[stream], text=text)  # type: ignore[arg-type]  # one of both
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
