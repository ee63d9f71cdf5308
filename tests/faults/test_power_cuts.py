"""The power goes at any durable operation of the whole appliance: it starts on what the disk kept, and nothing acknowledged is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.cuts import Life, check_all, live

_EVERY = 7
"""Of the prefixes; ``python -m tests.campaigns power`` takes them all."""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return live(tmp_path_factory.mktemp("cuts") / "life")


def test_nothing_acknowledged_is_missing_on_any_disk_that_a_power_cut_leaves(life: Life, tmp_path: Path) -> None:
    assert check_all(life, tmp_path, seed=2026, every=_EVERY) > 100


def test_the_recorded_life_has_every_kind_of_work_in_it(life: Life) -> None:
    kinds = {operation.kind for operation in life.recorder.operations}
    assert kinds >= {"create", "write", "truncate", "sync", "rename", "unlink", "mkdir", "rmdir", "sync_dir", "take"}
    marks = life.recorder.marked(life.recorder.prefixes()[-1])
    assert {mark.split()[0] for mark in marks} >= {"received", "remote", "renamed", "released", "restored", "removed", "undone"}
