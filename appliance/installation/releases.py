"""Releases: ``/opt/pyarchive/releases/<name>`` is an environment with the product as a wheel; ``current`` leads to the one in use."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.installation import web_files, writing
from appliance.installation.layout import Layout
from appliance.installation.running import Programs

FINISHED = ".finished"
_PACKAGES = ("appliance", "mqtt", "ui", "firmware_scripts")
_FILES = ("pyproject.toml", "README.md", *(f"requirements/{name}" for name in ("appliance.txt", "npm.txt", "web.txt", "web.py")))
_NEXT = "With the network and the package index within reach, and room on the disk, try again; it goes on from here."


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
    for path in sorted(set(_content(source)) - {source / web_files.UPLOADS}):  # that one is named by its checksum in web.txt
        digest.update(f"{path.relative_to(source)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return Release(releases / f"{version.group(1) if version else '0'}-{digest.hexdigest()[:12]}")


def build(programs: Programs, source: Path, releases: Path) -> Release:
    """Make the release of this clone, whole and synced; at once where it is there. Nothing in use changes. Raises CannotGoOn."""
    release = release_of(source, releases)
    if not release.is_finished:
        writing.remove(release.path)
        writing.make_folder(releases)
        _make(programs, source, release)
        writing.write(release.path / FINISHED, f"{release.name}\n")
    return release


def _make(programs: Programs, source: Path, release: Release) -> None:
    programs.must(
        sys.executable, "-m", "venv", release.path, next_step="Install python3-venv (apt-get install python3-venv) and try again."
    )
    # From a copy: nothing of the clone is written to, and what root runs is what was copied.
    with tempfile.TemporaryDirectory(prefix="pyarchive-", dir=release.path) as folder:
        copy = Path(folder) / "source"
        for path in _content(source):
            target = copy / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        _pip(programs, release, "--only-binary", ":all:", "--require-hashes", "-r", str(copy / "requirements/appliance.txt"))
        web_files.get(programs, release.python, copy)
        _pip(programs, release, "--no-index", "--no-deps", "--no-build-isolation", str(copy))
    programs.must(release.python, "-m", "compileall", "-q", "-j", "0", _packages(release), next_step=_NEXT)
    os.sync()


def _pip(programs: Programs, release: Release, *arguments: str) -> None:
    programs.must(
        release.python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *arguments, next_step=_NEXT
    )


def _packages(release: Release) -> Path:
    return release.path / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


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
