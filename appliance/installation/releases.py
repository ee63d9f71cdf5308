"""Releases: ``/opt/pyarchive/releases/<name>`` is an environment with the product as a wheel; ``current`` leads to the one in use."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.installation import writing
from appliance.installation.layout import Layout

FINISHED = ".finished"
_PACKAGES = ("appliance", "mqtt", "ui", "firmware_scripts")
_FILES = ("pyproject.toml", "README.md", "requirements/appliance.txt", "requirements/web.txt")


@dataclass(frozen=True, slots=True)
class Release:
    """One release. It cannot be moved (its scripts name their place), so a mark tells that it is whole."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_finished(self) -> bool:
        return (self.path / FINISHED).is_file()

    @property
    def python(self) -> Path:
        return self.path / "bin/python"

    @property
    def command(self) -> Path:
        return self.path / "bin/pyarchive"


def release_of(source: Path, releases: Path) -> Release:
    """The release that ``build`` makes of this clone: its name is the version and the content, so the same content is the same release."""
    version = re.search(r'^version = "([^"]+)"', (source / "pyproject.toml").read_text(), re.MULTILINE)
    digest = hashlib.sha256(f"{sys.version_info[:2]} {releases}".encode())
    for path in sorted(_content(source)):
        digest.update(f"{path.relative_to(source)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return Release(releases / f"{version.group(1) if version else '0'}-{digest.hexdigest()[:12]}")


def build(source: Path, releases: Path) -> Release:
    """Make the release of this clone, whole and synced; at once where it is there. Nothing in use changes. Raises CannotGoOn."""
    raise NotImplementedError


def current(layout: Layout) -> Release | None:
    """The one in use; None before the first."""
    if not layout.current.is_symlink():
        return None
    return Release(layout.releases / layout.current.readlink().name)


def switch(release: Release, layout: Layout) -> None:
    """From one moment to the next, and synced; processes that run go on with the old one until they are started anew."""
    writing.point(layout.current, f"releases/{release.name}")


def _content(source: Path) -> Iterator[Path]:
    for package in _PACKAGES:
        yield from (path for path in (source / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    yield from (source / name for name in _FILES)
