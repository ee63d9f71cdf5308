"""Mosquitto as the project sets it up, for one test; and a client for each of its logins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mqtt.topics import Topics
from tests.installed import Installed, need_mosquitto

Install = Callable[..., Installed]


@pytest.fixture
def install(topics: Topics) -> Iterator[Install]:
    """``install(**choices)``: started unless ``start=False``; removed at the end."""
    need_mosquitto()
    with ExitStack() as stack:

        def make(**choices: Any) -> Installed:
            installed = Installed(topics, **choices)
            stack.callback(installed.remove)
            return installed

        yield make


@pytest.fixture
def installed(install: Install) -> Installed:
    return install()
