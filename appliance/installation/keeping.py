"""What an upgrade keeps a copy of, to go back to: the small state of the data folder, and the files that an installation writes.

The copy is made of bytes, not of links: journals and ledgers are appended to in place. What is large (store, uploads, trash, spool, inbox)
is never copied: while an upgrade is tested nothing there changes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from appliance.installation import writing
from appliance.installation.layout import Layout

LEFT_ALONE = frozenset(
    {"store", "uploads", "trash", "spool", "inbox", "scripts", "log", "panel", "remote", "lost+found", ".lock", ".self-test"}
)
"""Below the data folder: what is large or no state, what changes by requests alone, and the panel's, which holds nothing acknowledged."""
_WRITTEN = (
    "etc/pyarchive", "etc/systemd/system/pyarchive-*", "etc/systemd/system/*.wants/pyarchive-*",
    "etc/systemd/system/mosquitto.service.d/pyarchive.conf", "etc/polkit-1/rules.d/*pyarchive*", "etc/avahi/services/pyarchive.service",
    "etc/samba/smb.conf", "usr/local/bin/pyarchive",
)  # fmt: skip


def size_bytes(data: Path) -> int:
    """Of what ``keep`` copies of the data folder."""
    return sum(path.lstat().st_size for top in _small(data) for path in _below(top) if not path.is_dir())


def keep(layout: Layout, data: Path) -> None:
    """Make the copy, synced; one that was begun is made anew. Raises OSError."""
    copy = _copy(layout)
    writing.remove(copy)
    writing.make_folder(copy, 0o700)
    for path in _small(data):
        _take(path, copy / "data" / path.name)
    for path in _written(layout):
        _take(path, copy / "system" / path.relative_to(layout.root))
    _sync_folders(copy)


def restore_data(layout: Layout, data: Path) -> None:
    """As it was when the copy was made. Nothing that came to the data folder since is removed. Safe to repeat. Raises OSError."""
    for kept in sorted((_copy(layout) / "data").iterdir()):
        _put_back(kept, data / kept.name)
        writing.remove(data / f".{kept.name}.replaced")
    writing.sync(data)


def restore_system(layout: Layout) -> None:
    """Units, configuration and the command as they were; what came since goes. Safe to repeat. Raises OSError."""
    copy = _copy(layout) / "system"
    kept = {path.relative_to(copy) for path in _below(copy)} if copy.is_dir() else set()
    for path in _written(layout):
        for each in sorted(_below(path), reverse=True):
            if each.relative_to(layout.root) not in kept:
                writing.remove(each)
    for path in sorted(copy.iterdir() if copy.is_dir() else ()):
        _merge(path, layout.root / path.name)


def forget(layout: Layout) -> None:
    """The copy is not needed any more."""
    writing.remove(_copy(layout))


def _copy(layout: Layout) -> Path:
    return layout.upgrade / "before"


def _small(data: Path) -> Iterator[Path]:
    # What begins so is ours, half done.
    yield from (path for path in sorted(data.iterdir()) if path.name not in LEFT_ALONE and not path.name.endswith((".replaced", ".back")))


def _written(layout: Layout) -> list[Path]:
    return sorted({path for pattern in _WRITTEN for path in layout.root.glob(pattern)})


def _below(top: Path) -> Iterator[Path]:
    """It and all that is in it, a folder before what it holds; links are not followed."""
    yield top
    if top.is_dir() and not top.is_symlink():
        for each in sorted(top.iterdir()):
            yield from _below(each)


def _take(source: Path, target: Path) -> None:
    """A copy with owners, rights and times; files are synced, folders are not. What is neither file, link nor folder is left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir(mode=0o700)
        for each in source.iterdir():
            _take(each, target / each.name)
    elif source.is_file():
        _copy_file(source, target)
    else:
        return
    _as(source, target)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reading, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        shutil.copyfileobj(reading, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())


def _as(source: Path, target: Path) -> None:
    found = source.lstat()
    if os.geteuid() == 0:
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    if not source.is_symlink():
        target.chmod(found.st_mode & 0o7777)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _put_back(kept: Path, target: Path) -> None:
    """In the place of what is there, from one moment to the next for a file; a power cut may leave no folder, until this is done again."""
    fresh, replaced = target.with_name(f".{target.name}.back"), target.with_name(f".{target.name}.replaced")
    writing.remove(fresh)
    _take(kept, fresh)
    _sync_folders(fresh)
    if target.exists() or target.is_symlink():
        writing.remove(replaced)
        target.rename(replaced)
    fresh.rename(target)
    writing.sync(target.parent)


def _merge(kept: Path, target: Path) -> None:
    """Files and links of the copy into folders of the system, each from one moment to the next."""
    if kept.is_dir() and not kept.is_symlink():
        if not target.is_dir():
            target.mkdir()
            _as(kept, target)
        for each in sorted(kept.iterdir()):
            _merge(each, target / each.name)
        writing.sync(target)
        return
    fresh = target.with_name(f".{target.name}.back")
    writing.remove(fresh)
    _take(kept, fresh)
    fresh.replace(target)


def _sync_folders(top: Path) -> None:
    for path in [top, *top.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            writing.sync(path)
