"""The same at 1 GiB: ``./install.sh campaign panel``."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.whole_life import WholeLife
from tests.panels import PanelProcess
from tests.processes import House

SIZE_BYTES = 120 << 20


def test_a_file_is_uploaded_over_a_killed_panel_becomes_safe_is_released_brought_back_and_downloaded_the_same(
    house: House, panel: PanelProcess, browser: Browser, tmp_path: Path
) -> None:
    WholeLife(house, panel, browser, tmp_path, SIZE_BYTES, print).run()
