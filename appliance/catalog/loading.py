"""Reading the catalog from its folder: the newest good snapshot, and all journals from its generation on.

Nothing is written here. A torn last record is left out. Any other bad byte is damage: the generation before serves where it
gives the complete state; else everything that is good is taken. Either is said in ``Loaded.damage``.
"""

from __future__ import annotations

import errno
import itertools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from appliance.catalog.lines import HEADER_MAX_BYTES, VERSION, Bad, Place, Scan, is_header, scan
from appliance.catalog.snapshot import is_whole, put_documents
from appliance.catalog.tables import Tables, merge
from appliance.errors import NewerFormat

_NAME = re.compile(r"(journal|snapshot)-([1-9][0-9]{0,17})")
_DAMAGED = re.compile(r"(?:journal|snapshot)-([1-9][0-9]{0,17})\.damaged-([1-9][0-9]{0,8})")
_MOST_DAMAGED = 10
_LEFTOVER = re.compile(r"snapshot-[0-9]+\.new")
_RANGES_NAMED = 8
_T = TypeVar("_T")


@dataclass
class Loaded:
    """The state, and where to go on."""

    tables: Tables = field(default_factory=dict)
    generation: int = 0
    """Of the newest journal, which is good up to ``journal_bytes[generation]``; 0 where there is none."""
    journal_bytes: dict[int, int] = field(default_factory=dict)
    """Journals that were read on top of the snapshot: generation and size."""
    snapshot_bytes: int = 0
    records: int = 0
    torn_bytes: int = 0
    damage: list[str] = field(default_factory=list)
    is_complete: bool = True
    damaged: list[Path] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)
    """Files without a meaning: what a crash left unfinished."""
    newest_generation: int = 0
    """The highest in any file name."""


class _Broken(Exception):
    """The way that was tried does not give the complete state."""

    def __init__(self, sentence: str, path: Path | None = None) -> None:
        super().__init__(sentence)
        self.path = path


def load(folder: Path) -> Loaded:
    """What the folder holds. Raises NewerFormat, and OSError where a file cannot be opened."""
    files = _Files(folder)
    files.refuse_newer()
    files.leave_out_unfinished()
    loaded = _state(files) if files.journals or files.snapshots else Loaded()
    loaded.leftovers = files.leftovers
    loaded.newest_generation = files.newest
    return loaded


def oldest_version(folder: Path) -> int | None:
    """The lowest in the headers of its files; None where none tells. Raises OSError."""
    files = _Files(folder)
    found = [header.get("version") for path in (*files.journals.values(), *files.snapshots.values()) if (header := files.first(path))]
    return min((version for version in found if isinstance(version, int)), default=None)


def kept_as(path: Path) -> Path:
    """A free name beside it under which a damaged file is kept."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return kept


def needless_damaged(folder: Path) -> list[Path]:
    """Damaged files that were kept, but for those of the newest generations."""
    found = [(int(match[1]), int(match[2]), path) for path in folder.iterdir() if (match := _DAMAGED.fullmatch(path.name))]
    return [path for _, _, path in sorted(found)[:-_MOST_DAMAGED]]


class _Files:
    """The files of the folder by kind and generation; each is read once."""

    def __init__(self, folder: Path) -> None:
        names = sorted(path.name for path in folder.iterdir())
        found = [(match[1], int(match[2]), folder / match[0]) for name in names if (match := _NAME.fullmatch(name))]
        self.journals = {generation: path for kind, generation, path in found if kind == "journal"}
        self.snapshots = {generation: path for kind, generation, path in found if kind == "snapshot"}
        self.leftovers = [folder / name for name in names if _LEFTOVER.fullmatch(name)]
        self.newest = max([*self.journals, *self.snapshots], default=0)
        self._scans: dict[tuple[Path, int | None], Scan] = {}

    def refuse_newer(self) -> None:
        for path in [*self.journals.values(), *self.snapshots.values()]:
            version = (self.first(path) or {}).get("version", VERSION)
            if version > VERSION:
                raise NewerFormat(f"{path} has format version {version}, and this program knows {VERSION}; upgrade the appliance")

    def leave_out_unfinished(self) -> None:
        """A newest journal that a crash left as it was being made; nothing is appended before it is complete and synced."""
        last = max(self.journals, default=0)
        if last and last not in self.snapshots and (last == 1 or last - 1 in self.journals):
            found = self.scan(self.journals[last])
            if _is_torn_creation(found) or (last > 1 and _awaits_its_snapshot(found)):
                self.leftovers.append(self.journals.pop(last))

    def first(self, path: Path) -> dict[str, Any] | None:
        """The first line of a file, where it is good."""
        try:
            with path.open("rb") as file:
                line = file.read(HEADER_MAX_BYTES)
        except OSError as error:
            return _if_unreadable(error, None)
        end = line.find(b"\n")
        good = end >= 0 and Place(path.name).is_good(line, 0, end)
        value = json.loads(line[9:end]) if good else None
        return value if isinstance(value, dict) else None

    def scan(self, path: Path, limit_bytes: int | None = None) -> Scan:
        """What is in the first limit_bytes of a file."""
        key = (path, limit_bytes)
        if key not in self._scans:
            self._scans[key] = _scan(path, limit_bytes)
        return self._scans[key]

    def counted_bytes(self, generation: int) -> int | None:
        """How much of that journal counts, as the next one says; None where there is no next one, or it does not say."""
        following = self.journals.get(generation + 1)
        counted = (self.first(following) or {}).get("previous_bytes") if following else None
        return counted if isinstance(counted, int) else None


def _is_torn_creation(found: Scan) -> bool:
    return found.size_bytes == 0 or (not found.values and found.is_torn and found.size_bytes <= HEADER_MAX_BYTES)


def _awaits_its_snapshot(found: Scan) -> bool:
    """The new generation after damage: without its snapshot it means nothing yet."""
    return len(found.values) == 1 and not found.bad and found.values[0].get("previous_bytes") is None


def _scan(path: Path, limit_bytes: int | None) -> Scan:
    try:
        with path.open("rb") as file:
            return scan(path.name, file.read() if limit_bytes is None else file.read(limit_bytes))
    except OSError as error:
        return _if_unreadable(error, Scan([], [Bad(0, 0, 1)], 0, -1))


def _if_unreadable(error: OSError, instead: _T) -> _T:
    """A bad sector is damage; anything else (rights, descriptors) is not, and is raised."""
    if error.errno == errno.EIO:
        return instead
    raise error


def _state(files: _Files) -> Loaded:
    broken: list[_Broken] = []
    for base in [*sorted(files.snapshots, reverse=True), 0]:
        try:
            return _with_damage(_complete(files, base), broken)
        except _Broken as error:
            broken.append(error)
    loaded = _salvaged(files)
    loaded.damage = loaded.damage or [f"{broken[0]}; what could be read was taken"]
    return loaded


def _with_damage(loaded: Loaded, broken: list[_Broken]) -> Loaded:
    loaded.damaged = list(dict.fromkeys(error.path for error in broken if error.path))
    loaded.damage = [f"{error}; the generation before it and its journals gave the complete catalog: nothing is lost" for error in broken]
    return loaded


def _complete(files: _Files, base: int) -> Loaded:
    """The state from this snapshot on (0: from the empty catalog). Raises _Broken unless every byte that matters is good."""
    loaded = Loaded()
    if base:
        found = files.scan(files.snapshots[base])
        if not is_whole(found, base):
            raise _Broken(_what_is_bad(files.snapshots[base], found), files.snapshots[base])
        put_documents(loaded.tables, found)
        loaded.snapshot_bytes = found.size_bytes
    first = base or 1
    for generation in range(first, max([*files.journals, *files.snapshots, first]) + 1):
        _take_journal(files, generation, loaded)
    return loaded


def _take_journal(files: _Files, generation: int, loaded: Loaded) -> None:
    path = files.journals.get(generation)
    if path is None:
        raise _Broken(f"journal-{generation} is missing")
    is_last = generation == max(files.journals)
    counted = files.counted_bytes(generation)
    if not is_last and counted is None:
        raise _Broken(f"journal-{generation + 1} is missing or does not go on from journal-{generation}")
    found = files.scan(path, counted)
    torn = is_last and found.is_torn
    if not _is_sound(found, generation, counted) and not (torn and _begins_well(found, generation)):
        raise _Broken(_what_is_bad(path, found), path)
    _merge_all(loaded, found)
    loaded.generation = generation
    loaded.journal_bytes[generation] = found.good_bytes
    loaded.torn_bytes = found.size_bytes - found.good_bytes


def _begins_well(found: Scan, generation: int) -> bool:
    return bool(found.values) and is_header(found.values[0], "journal", generation)


def _is_sound(found: Scan, generation: int, counted_bytes: int | None) -> bool:
    return not found.bad and _begins_well(found, generation) and counted_bytes in {None, found.size_bytes}


def _merge_all(loaded: Loaded, found: Scan) -> None:
    for value in found.values:
        if isinstance(value, dict) and "format" not in value:
            merge(loaded.tables, value)
            loaded.records += 1


def _salvaged(files: _Files) -> Loaded:
    """Everything that is good, in the order of the generations."""
    loaded = Loaded(is_complete=False)
    generations = sorted({*files.journals, *files.snapshots})
    if generations[0] not in {1, *files.snapshots}:
        loaded.damage.append(f"snapshot-{generations[0]} is missing; what was not changed since it was written is lost")
    for before, generation in itertools.pairwise([generations[0], *generations]):
        if generation > before + 1:
            loaded.damage.append(f"journal-{before + 1} to journal-{generation - 1} are missing; the changes in them are lost")
        if generation in files.snapshots:
            _salvage_snapshot(files, generation, loaded)
        if generation in files.journals:
            _salvage_journal(files, generation, loaded)
        else:
            loaded.damage.append(f"journal-{generation} is missing; the changes in it are lost")
    if not any(loaded.tables.values()):
        loaded.damage.append("nothing of the catalog could be read; an empty one was started beside the kept files")
    return loaded


def _salvage_snapshot(files: _Files, generation: int, loaded: Loaded) -> None:
    path = files.snapshots[generation]
    found = files.scan(path)
    if is_whole(found, generation):
        loaded.tables = {}
    else:
        _note(loaded, path, found, "documents")
    put_documents(loaded.tables, found)


def _salvage_journal(files: _Files, generation: int, loaded: Loaded) -> None:
    path = files.journals[generation]
    counted = files.counted_bytes(generation)
    found = files.scan(path, counted)
    torn = generation == max(files.journals) and found.is_torn and _begins_well(found, generation)
    if not torn and not _is_sound(found, generation, counted):
        _note(loaded, path, found, "changes")
    _merge_all(loaded, found)


def _note(loaded: Loaded, path: Path, found: Scan, what: str) -> None:
    kept = kept_as(path).name
    loaded.damage.append(
        f"{_what_is_bad(path, found)}; the {len(found.values)} good lines were taken, other {what} are lost; kept as {kept}"
    )
    loaded.damaged.append(path)


def _what_is_bad(path: Path, found: Scan) -> str:
    if found.size_bytes < 0:
        return f"{path.name} cannot be read (input/output error)"
    if not found.bad:
        return f"{path.name} is cut off at {found.size_bytes} bytes"
    named = ", ".join(f"line {bad.line} (bytes {bad.start} to {bad.end})" for bad in found.bad[:_RANGES_NAMED])
    more = len(found.bad) - _RANGES_NAMED
    return f"{path.name} is damaged in {named}" + (f" and {more} more" if more > 0 else "")
