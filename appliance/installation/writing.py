"""Files and links of the installation: the old content or the new one, whatever happens in between; nothing where it is so already."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """Names of a user and a group of the system whose ``/etc`` that is."""

    user: str = "root"
    group: str = "root"
    etc: Path = Path("/etc")

    def ids(self) -> tuple[int, int]:
        """Raises KeyError where there is no such user or group."""
        return numbers(self.etc / "passwd")[self.user], numbers(self.etc / "group")[self.group]


ROOT = Owner()


def numbers(table: Path) -> dict[str, int]:
    """The numbers of users or groups by name, of ``passwd`` or ``group``; empty where there is no such file."""
    try:
        lines = table.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {words[0]: int(words[2]) for line in lines if len(words := line.split(":")) > 3 and words[2].isdigit()}  # noqa: PLR2004 - name, password, number


def is_written(path: Path, text: str, mode: int, owner: Owner = ROOT) -> bool:
    """A file that cannot be read counts as another one."""
    try:
        same = not path.is_symlink() and path.read_bytes() == text.encode()
    except OSError:
        return False
    return same and has_rights(path, mode, owner)


def has_rights(path: Path, mode: int, owner: Owner = ROOT) -> bool:
    """Who is not root makes files as himself, and is not asked about owners."""
    try:
        found = path.stat()
        return found.st_mode & 0o7777 == mode and (os.geteuid() != 0 or (found.st_uid, found.st_gid) == owner.ids())
    except (OSError, KeyError):
        return False


def write(path: Path, text: str, mode: int = 0o644, owner: Owner = ROOT) -> None:
    """Synced when it returns; never readable by more than ``mode`` says. Folders that are missing are made (0755)."""
    make_folder(path.parent)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(text.encode())
        _give(file.fileno(), mode, owner)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync(path.parent)


def point(link: Path, target: str) -> None:
    """The link leads to ``target`` from one moment to the next."""
    make_folder(link.parent)
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    sync(link.parent)


def points(link: Path, target: str) -> bool:
    return link.is_symlink() and str(link.readlink()) == target


def make_folder(folder: Path, mode: int = 0o755, owner: Owner | None = None) -> None:
    """With the parents that are missing. Rights of a folder that is there change only where ``owner`` is given."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(mode)
        sync(folder.parent)
    if owner is not None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _give(fd, mode, owner)
        finally:
            os.close(fd)


def remove(*paths: Path) -> None:
    """Files, links or folders with all that is in them; nothing where they are gone."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _give(fd: int, mode: int, owner: Owner) -> None:
    if os.geteuid() == 0:
        os.fchown(fd, *owner.ids())
    os.fchmod(fd, mode)
