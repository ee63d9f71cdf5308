"""Rigs for the claims about remotes, and disks that are small."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from appliance import durable
from tests.appliance.remotes.rigs import DriveRig, FolderRig, Rig
from tests.fakes.drive import FakeDrive

Mount = Callable[..., None]


@pytest.fixture(params=["folder", "drive"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    if request.param == "drive":
        yield request.getfixturevalue("drive_rig")
        return
    rig = FolderRig(tmp_path / "disk")
    before, durable.observer = durable.observer, rig.observe
    yield rig
    durable.observer = before


@pytest.fixture
def folder_rig(tmp_path: Path) -> FolderRig:
    return FolderRig(tmp_path / "disk")


@pytest.fixture
def drive_rig(tmp_path: Path) -> Iterator[DriveRig]:
    with FakeDrive(tmp_path / "drive") as fake:
        yield DriveRig(tmp_path, fake)


@pytest.fixture
def mount() -> Iterator[Mount]:
    """``mount(*arguments, target)``; unmounted at the end."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    with ExitStack() as stack:

        def do(*arguments: str | Path) -> None:
            done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"this machine does not let tests mount: {done.stderr.strip()}")
            if "remount" not in "".join(map(str, arguments)):
                stack.callback(subprocess.run, ["umount", "-l", str(arguments[-1])], check=False)

        yield do
