"""How tests are spread over processes, shown on a suite of two files that knows what it expects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers import WORKERS

ROOT = Path(__file__).resolve().parent.parent
SUITE = """
import os
def test_the_number_of_workers():
    assert os.environ.get("PYTEST_XDIST_WORKER_COUNT", "none") == os.environ["EXPECTED"]
"""
NO_TEXT = """
import pytest
def test_that_is_skipped():
    pytest.skip("caf\\udce9")
def test_that_fails():
    print("caf\\udce9")
    raise OSError("caf\\udce9")
"""


def run(folder: Path, *arguments: str, expected: object = "") -> str:
    """What pytest says of the suite in ``folder``."""
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = suite\naddopts = -p tests.workers -p xdist.plugin -rs --numprocesses auto\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what these tests do not need costs each process a second
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=folder, env={**environment, "PYTHONPATH": str(ROOT), "EXPECTED": str(expected)},
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "suite").mkdir()
    return tmp_path / "suite" / "test_suite.py"


@pytest.mark.parametrize(
    ("arguments", "expected"), [(["-x"], WORKERS), (["-k", "number"], "none"), (["suite/test_suite.py"], "none"), (["-s"], "none")]
)
def test_all_tests_share_several_workers_and_chosen_ones_need_none(suite: Path, arguments: list[str], expected: object) -> None:
    suite.write_text(SUITE)
    assert "1 passed" in run(suite.parent.parent, *arguments, expected=expected)


def test_what_is_no_text_is_told_by_a_worker_all_the_same(suite: Path, tmp_path: Path) -> None:
    suite.write_text(NO_TEXT)
    said = run(tmp_path, "-n", "1", "--junitxml", str(tmp_path / "results.xml"))
    assert "1 failed, 1 skipped" in said
    assert r"caf\udce9" in said
