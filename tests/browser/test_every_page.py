"""Every page, on a desk and on a phone, light and dark: it is drawn, no console complains, and axe-core finds nothing serious."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import Visitor
from tests.browser.household import SETTINGS, Household
from tests.browser.screenshots import all_paths
from tests.panels import PanelProcess
from tests.processes import House

AXE = Path(__file__).with_name("axe.min.js")
_ASKED = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    # To describe what is right, and to find a selector for each element, takes longer than all the rules.
    "resultTypes": ["violations"],
    "selectors": False,
}
_GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), **SETTINGS) as opened:
        opened.connect()
        yield opened


@pytest.fixture(scope="module")
def household(house: House, panel: PanelProcess) -> Household:
    made = Household(house, panel)
    made.furnish()
    return made


# The other two pairs of width and theme: `./install.sh campaign screenshots`.
@pytest.mark.parametrize(("width", "theme"), [("desk", "light"), ("phone", "dark")])
def test_every_page_is_whole_and_can_be_used_by_everybody(
    browser: Browser, panel: PanelProcess, household: Household, width: Literal["desk", "phone"], theme: Literal["light", "dark"]
) -> None:
    found: dict[str, list[str]] = {}
    for session, paths in ((household.admin, all_paths(household)), ("", ["/login", "/register"])):
        visitor = Visitor(browser, panel.url, session, width=width, theme=theme)
        for path in paths:
            page = visitor.open(path)
            found |= {f"{path}: {line}": [] for line in visitor.complaints}
            visitor.complaints.clear()
            found |= {f"{path}: {what}": where for what, where in grave_findings(page).items()}
            assert width == "desk" or _fits(page), f"{path} is wider than a phone"
        visitor.close()
    assert not found, found


def grave_findings(page: Page) -> dict[str, list[str]]:
    """Of axe-core: the rule, and the elements."""
    page.evaluate("document.fonts.ready.then(() => true)")
    page.evaluate(AXE.read_text())
    result: dict[str, Any] = page.evaluate("(asked) => axe.run(document, asked)", _ASKED)
    return {
        f"{one['id']} ({one['impact']}): {one['help']}": [node["html"][:160] for node in one["nodes"][:5]]
        for one in result["violations"]
        if one["impact"] in _GRAVE
    }


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
