"""How many processes run the tests, and what these may tell the one that counts."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

WORKERS = 4  # on two cores: most tests wait, and a fifth worker gains nothing


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Several for the whole suite. None where tests are chosen, which are over before workers have started, or where somebody looks on."""
    option = config.option
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or option.keyword or option.markexpr or option.lf
    return 0 if chosen or option.capture == "no" else WORKERS


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """A worker can send text alone, and what a test says may hold names of bytes that are none."""
    return _as_text((yield))


def _as_text(part: Any) -> Any:
    match part:
        case str():
            return part.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {name: _as_text(value) for name, value in part.items()}
        case list() | tuple():
            return type(part)(map(_as_text, part))
    return part
