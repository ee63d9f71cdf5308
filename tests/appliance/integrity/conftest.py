"""An appliance on a remote whose objects have ids of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.integrity.id_remote import BATCH, Place, with_ids
from tests.inside import Inside


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def content() -> bytes:
    return random.Random(11).randbytes(4 * BATCH + 5)


@pytest.fixture
def ids(tmp_path: Path, place: Place) -> Iterator[Inside]:
    """Connected to ``place`` as ``ids``, active; nothing is stored yet."""
    with with_ids(tmp_path, place, undo_days=0, grace_days=0) as inside:
        inside.connect(tmp_path / "ids", "ids")
        yield inside


@pytest.fixture
def stored(ids: Inside, content: bytes) -> str:
    """An archive of five batches that is remote there."""
    archive_id = ids.put(content)
    ids.wait_remote(archive_id)
    return archive_id
