"""The whole catalog in one file: header, one line a document, footer. Written beside everything else, in small slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from appliance import durable
from appliance.catalog.lines import Place, Scan, encode, header, is_header
from appliance.catalog.tables import Tables

_PIECE_BYTES = 256 * 1024
_SLICE_DOCUMENTS = 100


def snapshot_path(folder: Path, generation: int) -> Path:
    return folder / f"snapshot-{generation}"


def write_snapshot(folder: Path, generation: int, tables: Mapping[str, Mapping[str, Any]], pause: Callable[[], None]) -> int:
    """Size in bytes of the new file, which is synced when this returns, name and all.

    ``tables`` must not change meanwhile. ``pause`` is called between slices; what it raises ends the work. Raises OSError.
    An unfinished file is taken away again where that is possible, and has no meaning where it is not.
    """
    path = snapshot_path(folder, generation)
    fresh = fresh_path(path)
    try:
        durable.unlink(fresh, missing_ok=True)
        with durable.DurableFile.create(fresh) as file:
            size_bytes = _write(file, Place(path.name), _bodies(generation, tables, pause))
        pause()
        durable.rename(fresh, path)
        durable.sync_dir(folder)
    except BaseException:
        _discard(fresh)
        raise
    return size_bytes


def fresh_path(path: Path) -> Path:
    """Where a snapshot is until it is complete."""
    return path.with_name(f"{path.name}.new")


def _discard(fresh: Path) -> None:
    try:
        durable.unlink(fresh, missing_ok=True)
    except OSError:
        return  # it has no meaning, and the next opening removes it


def _write(file: durable.DurableFile, place: Place, bodies: Iterator[bytes]) -> int:
    done_bytes = 0
    piece = bytearray()
    for body in bodies:
        piece += place.line(done_bytes + len(piece), body)
        if len(piece) >= _PIECE_BYTES:
            done_bytes += _write_piece(file, done_bytes, piece)
    return done_bytes + _write_piece(file, done_bytes, piece)


def _write_piece(file: durable.DurableFile, offset_bytes: int, piece: bytearray) -> int:
    size_bytes = len(piece)
    file.write_at(offset_bytes, bytes(piece))
    # Synced piece by piece: a sync of everything at once would hold up the journal's for as long.
    file.sync(data_only=True)
    piece.clear()
    return size_bytes


def _bodies(generation: int, tables: Mapping[str, Mapping[str, Any]], pause: Callable[[], None]) -> Iterator[bytes]:
    yield header("snapshot", generation)
    documents = 0
    for table, ids in tables.items():
        for doc_id, document in ids.items():
            yield encode([table, doc_id, document])
            documents += 1
            if documents % _SLICE_DOCUMENTS == 0:
                pause()
    yield encode({"documents": documents})


def is_whole(found: Scan, generation: int) -> bool:
    """Whether a file that was read is a complete snapshot of that generation without anything bad."""
    if found.bad or len(found.values) < 2:  # noqa: PLR2004 - header and footer
        return False
    return is_header(found.values[0], "snapshot", generation) and found.values[-1] == {"documents": len(found.values) - 2}


def put_documents(tables: Tables, found: Scan) -> None:
    """Put all documents that are good into the tables."""
    for value in found.values:
        if isinstance(value, list):
            table, doc_id, document = value
            tables.setdefault(table, {})[doc_id] = document
