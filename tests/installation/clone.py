"""The product as somebody gets it: the files of a clone, of this one as it is now or of one of its commits."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
UPLOADS = Path("ui/panel/files/uploads/static/tus.min.js")  # of npm, not of git; an installation looks for it before it asks npm


def copy_here(target: Path) -> None:
    """What git knows here and what it would know, as it is now. Raises CalledProcessError."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z").decode()
    for name in (name for name in listed.split("\0") if name):
        if (HERE / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE / name, target / name)
    _add_uploads(target)


def copy_commit(commit: str, target: Path) -> None:
    """Raises CalledProcessError: there is no such commit."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as packed:
        packed.extractall(target, filter="tar")
    _add_uploads(target)


def _add_uploads(target: Path) -> None:
    if (HERE / UPLOADS).exists():
        shutil.copy2(HERE / UPLOADS, target / UPLOADS)


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, check=True).stdout
