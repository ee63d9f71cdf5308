"""Everything that a root's disk holds, to be compared with what it held before."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

BY_ITSELF = ("var/log", "var/lib/systemd", "var/tmp", "etc/machine-id", "etc/resolv.conf", "var/cache/ldconfig")
"""What a Debian that is left alone changes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, folder or link. ``content``: a checksum, or where a link leads; a folder's is its names, so its time says nothing more."""

    kind: str
    mode: str
    owner: str
    modified_ns: int
    content: str


def tree(root: Path, but: Sequence[str] = BY_ITSELF) -> dict[str, Entry]:
    """By path below root. ``but``: paths below it that are left out, with all that is in them. What vanishes meanwhile is not there."""
    return dict(_walk(root, root, frozenset(but)))


def differences(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> list[str]:
    """``path: what``, one line each."""
    lines = [f"{path}: {'new' if path in after else 'gone'}" for path in sorted(before.keys() ^ after.keys())]
    changed = {path: _other(before[path], after[path]) for path in sorted(before.keys() & after.keys())}
    return lines + [f"{path}: other {', '.join(names)}" for path, names in changed.items() if names]


def _other(one: Entry, two: Entry) -> list[str]:
    return [field.name for field in fields(Entry) if getattr(one, field.name) != getattr(two, field.name)]


def _walk(folder: Path, root: Path, but: frozenset[str]) -> Iterator[tuple[str, Entry]]:
    for each in os.scandir(folder):
        path = Path(each.path)
        name = path.relative_to(root).as_posix()
        if name in but:
            continue
        try:
            about = each.stat(follow_symlinks=False)
            yield name, _entry(path, about)
        except FileNotFoundError:
            continue
        if each.is_dir(follow_symlinks=False):
            yield from _walk(path, root, but)


def _entry(path: Path, about: os.stat_result) -> Entry:
    kind = stat.filemode(about.st_mode)[0]
    contents = {"-": _checksum, "l": os.readlink}
    content = contents[kind](path) if kind in contents else ""
    modified_ns = 0 if kind == "d" else about.st_mtime_ns
    return Entry(kind, f"{stat.S_IMODE(about.st_mode):04o}", f"{about.st_uid}:{about.st_gid}", modified_ns, content)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
