"""``pyarchive get``: copy an archive out of the store, checked on the way."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

from ui import copying, output
from ui.bars import Bars
from ui.errors import Failed
from ui.link import Link, open_link
from ui.words import clean, size


def run(args: argparse.Namespace) -> int:
    """The file carries its name only once it is whole, checked and synced."""
    with open_link(args) as link, Bars(quiet=args.json) as bars:
        source_fd, found = _open_source(link, args.archive)
        try:
            target = _target(args.destination, found["file_name"])
            _refuse_overwriting(target, force=args.force)
            _fetch(source_fd, found, target, bars, force=args.force)
        finally:
            os.close(source_fd)
    document = {"archive_id": found["archive_id"], "path": str(target), "size_bytes": found["size_bytes"], "sha256": found["sha256"]}
    output.emit_or(args.json, document, f"{clean(target)} ({size(found['size_bytes'])}), checked")
    return 0


def _open_source(link: Link, archive: str) -> tuple[int, dict[str, Any]]:
    """The open descriptor goes on reading even when the archive is released meanwhile."""
    found: dict[str, Any] = link.ask("archive/locate", archive=archive)
    try:
        return os.open(found["path"], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), found
    except FileNotFoundError:
        # Released between the answer and the opening: then the appliance says so.
        again = link.ask("archive/locate", archive=archive)
        raise Failed(
            f"{clean(again['path'])} is missing; run `pyarchive verify {found['archive_id']} --repair`, on the appliance's own computer"
        ) from None
    except OSError as error:
        raise Failed(f"{clean(found['path'])} cannot be read: {error.strerror}; become a member of the group pyarchive") from error


def _target(destination: str, file_name: str) -> Path:
    path = Path(destination)
    if path.is_dir():
        return path / _last_component(file_name)
    if destination.endswith("/") or not path.parent.is_dir():
        raise Failed(f"there is no folder {clean(path if destination.endswith('/') else path.parent)}; create it first")
    return path


def _last_component(file_name: str) -> str:
    """Whatever the appliance said, it names a file in the folder that was given."""
    name = file_name.replace("\0", "").split("/")[-1]
    if name in {"", ".", ".."}:
        raise Failed("the archive's file name cannot be used; name the file as DEST")
    return name


def _refuse_overwriting(target: Path, *, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if not target.is_file() and not target.is_symlink():
        raise Failed(f"{clean(target)} is not a file; choose another DEST")
    if not force:
        raise Failed(f"{clean(target)} exists; choose another DEST, or overwrite it with --force")


def _fetch(source_fd: int, found: dict[str, Any], target: Path, bars: Bars, *, force: bool) -> None:
    fresh = target.with_name(f".pyarchive-get-{secrets.token_hex(6)}")
    try:
        _copy_checked(source_fd, found, fresh, bars)
        _give_name(fresh, target, force=force)
        _sync_folder(target.parent)
    except OSError as error:
        raise Failed(f"{clean(target)} could not be written: {error.strerror}; check the disk and its rights") from error
    finally:
        fresh.unlink(missing_ok=True)


def _copy_checked(source_fd: int, found: dict[str, Any], fresh: Path, bars: Bars) -> None:
    bars.stage("copying", found["file_name"], found["size_bytes"])
    with fresh.open("xb") as file:
        sha256 = copying.copy(source_fd, file.fileno(), found["size_bytes"], bars.advance)
        if sha256 != found["sha256"]:
            raise Failed(f"the local copy is damaged, nothing was kept; run `pyarchive verify {found['archive_id']} --repair`", "damaged")
        os.fsync(file.fileno())


def _give_name(fresh: Path, target: Path, *, force: bool) -> None:
    if force:
        fresh.replace(target)
        return
    try:
        target.hardlink_to(fresh)  # unlike a rename it never takes an existing file's place
    except FileExistsError:
        raise Failed(f"{clean(target)} exists; choose another DEST, or overwrite it with --force") from None
    except OSError:
        _refuse_overwriting(target, force=False)  # a file system without hard links (FAT)
        fresh.replace(target)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot
            os.fsync(fd)
    finally:
        os.close(fd)
