"""One house and one panel's process a module; those who kill the panel start it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import House
from tests.ui.panel.uploads.rig import PEOPLE, Serving, Tus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("house")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    with House(folder) as house:
        yield house


@pytest.fixture(scope="module")
def running(folder: Path, house: House) -> Iterator[Serving]:
    with Serving(folder, house) as panel:
        yield panel


@pytest.fixture
def panel(running: Serving) -> Serving:
    running.let_in(PEOPLE)
    return running


@pytest.fixture
def tus(panel: Serving) -> Tus:
    return Tus(panel.port)
