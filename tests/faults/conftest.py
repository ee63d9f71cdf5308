"""What all tests of faults share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.disks import make_disk

__all__ = ["make_disk"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again after seconds is tried again soon."""
    monkeypatch.setattr("appliance.intake.intake._TRY_AGAIN_S", 0.2)
    monkeypatch.setattr("appliance.transfer.engine._STORE_WAIT_S", 0.2)
    monkeypatch.setattr("appliance.housekeeping._LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("appliance.intake.inbox._LOOK_EVERY_S", 0.2)
