"""Pictures of every page of the panel: ``./install.sh campaign screenshots [PATH …]`` writes them to ``screenshots/``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from playwright.sync_api import Browser

from tests.browser.chromium import Visitor, chromium
from tests.browser.household import SETTINGS, Household
from tests.panels import PanelProcess
from tests.processes import House
from ui.panel.navigation import PLACES

Width = Literal["desk", "phone"]
Theme = Literal["light", "dark"]
_SETTLE_MS = 1200  # charts and bars have moved to where they belong
_LIVED_MS = 65_000  # rates are means of a minute, and a chart wants something to draw
_PLACE = "USB disk in the study"
_FOR_THE_DOCUMENTS = {
    ("overview", "desk", "light"): "overview.png",
    ("overview", "phone", "dark"): "overview-phone.png",
    ("archives-one", "desk", "light"): "archive.png",
}
"""The first screen of each, to be copied to ``docs/pictures``."""


def picture(page_paths: Iterable[str], folder: Path) -> list[str]:
    """One PNG a page, width and theme. Answers what the console complained about."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pyarchive-pictures-") as place, House(Path(place), **SETTINGS) as house:
        house.connect()
        with PanelProcess(house, Path(place)) as panel, chromium() as browser:
            household = Household(house, panel)
            household.furnish()
            house.ask("connection/rename", connection=household.connection_id, name=_PLACE)
            paths = list(page_paths) or all_paths(household)
            return [
                complaint
                for width, theme in product(get_args(Width), get_args(Theme))
                for complaint in _pictures(browser, panel, household, paths, width, theme, folder)
            ]


def all_paths(household: Household) -> list[str]:
    detail = f"/archives/{household.ids['wedding.mp4']}"
    connection = f"/connections/{household.connection_id}"
    more = [
        connection,
        f"{connection}/recovery-sheet",
        f"{connection}/recover",
        "/connections/add/drive",
        "/connections/add/folder",
        "/welcome",
        "/scripts/new",
        f"/scripts/{household.script}",
        f"/scripts/{household.script}/edit",
    ]
    return ["/login", *(place.path for place in PLACES), detail, *more, "/profile"]


def _pictures(
    browser: Browser, panel: PanelProcess, household: Household, paths: list[str], width: Width, theme: Theme, folder: Path
) -> list[str]:  # fmt: skip
    signed_in = Visitor(browser, panel.url, household.admin, width=width, theme=theme)
    stranger = Visitor(browser, panel.url, width=width, theme=theme)
    signed_in.open("/").wait_for_timeout(_LIVED_MS if not any(folder.iterdir()) else 0)
    for path in paths:
        visitor = stranger if path in {"/login", "/claim", "/register"} else signed_in
        page = visitor.open(path)
        page.wait_for_timeout(_SETTLE_MS)
        page.screenshot(path=folder / f"{_name_of(path)}-{width}-{theme}.png", full_page=True)
        first_screen = _FOR_THE_DOCUMENTS.get((_name_of(path), width, theme))
        if first_screen:
            page.screenshot(path=folder / first_screen)
    complaints = [*signed_in.complaints, *stranger.complaints]
    signed_in.close()
    stranger.close()
    return complaints


def _name_of(path: str) -> str:
    first, *rest = [part for part in path.split("/") if part] or ["overview"]
    is_one = bool(rest) and rest[0] not in {"add", "new"} and first in {"archives", "connections", "scripts"}
    return "-".join([first, "one", *rest[1:]] if is_one else [first, *rest])
