"""An appliance, and servers that it can notify."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.notifications.servers import Web
from tests.inside import Inside


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with Inside(tmp_path / "data", panel_url="http://pyarchive.local:8080") as running:
        yield running


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as running:
        yield running
