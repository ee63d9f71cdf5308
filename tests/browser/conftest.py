"""One browser for all; one house with a panel for each module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import Visitor, chromium
from tests.panels import PanelProcess
from tests.processes import House


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house")) as opened:
        opened.connect()
        yield opened


@pytest.fixture(scope="module")
def panel(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelProcess]:
    with PanelProcess(house, tmp_path_factory.mktemp("panel")) as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(panel: PanelProcess) -> str:
    """The session of the first admin, ada."""
    return panel.claim()


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser, panel: PanelProcess) -> Iterator[Visit]:
    """``visit(session, width=…, theme=…)``: a browser of its own, closed at the end."""
    visitors: list[Visitor] = []

    def visit(session: str | None = None, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, panel.url, session, **options))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.close()
