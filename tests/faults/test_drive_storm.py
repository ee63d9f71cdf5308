"""Faults of Drive and of the line, the short form: each alone, and one mixture. `./install.sh campaign storm` has more mixtures."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.faults.drive_harm import HARMS, LINES
from tests.faults.drive_storm import CASES, Case, run_case, run_harm, run_line, run_storm


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.match[0]}-{'-'.join(map(str, case.how.values()))}")
def test_a_fault_of_drive_loses_nothing_doubles_nothing_and_is_told_in_the_right_words(case: Case, tmp_path: Path) -> None:
    run_case(tmp_path, case, seed=7)


@pytest.mark.parametrize("name", HARMS)
def test_what_befalls_a_batch_on_drive_is_found_mended_and_costs_nothing_but_that_batch(name: str, tmp_path: Path) -> None:
    run_harm(tmp_path, HARMS[name], seed=7)


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_is_slow_stands_still_or_lags_behind_loses_nothing(name: str, tmp_path: Path) -> None:
    run_line(tmp_path, LINES[name], seed=7)


def test_a_storm_of_faults_loses_nothing_and_ends_by_itself(tmp_path: Path) -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}")
    run_storm(tmp_path, seed, rate=0.15)
