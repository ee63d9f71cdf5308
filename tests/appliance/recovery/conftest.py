"""Each claim holds for a folder and for Drive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.recovery.places import DrivePlace, FolderPlace, Place
from tests.fakes.drive import FakeDrive


@pytest.fixture(params=["folder", "drive"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        yield FolderPlace(tmp_path / "disk")
        return
    with FakeDrive(tmp_path / "drive") as fake:
        yield DrivePlace(fake)
        assert fake.violations == []
