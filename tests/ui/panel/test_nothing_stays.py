"""Of pages that were closed the panel keeps nothing: it is left alone for weeks."""

from __future__ import annotations

import json
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.panels import PanelProcess
from tests.processes import House
from tests.soak.visiting import Visitor
from tests.waiting import wait_for

_PAGES = ("/", "/archives", "/log", "/scripts/new")


class TellingPanel(PanelProcess):
    module = "tests.ui.panel.telling_panel"

    def told(self) -> dict[str, int]:
        assert self.process is not None
        file = self.folder / "told"
        file.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        wait_for(file.exists, 30, "the panel to tell what it holds")
        return dict(json.loads(file.read_text()))


def _visited(panel: TellingPanel, visitor: Visitor, rounds: int) -> dict[str, int]:
    """What is held when all these pages are gone again."""
    for _ in range(rounds):
        for path in _PAGES:
            assert visitor.look_at(path, 0.1, lambda: False), path
    told: dict[str, int] = {}

    def are_gone() -> bool:
        time.sleep(0.3)  # each look costs the panel something
        told.update(panel.told())
        return told["pages"] == told["tabs"] == told["timers"] == 0

    wait_for(are_gone, 60, "the pages to be gone")
    return told


def test_of_closed_pages_nothing_stays(tmp_path: Path) -> None:
    with House(tmp_path) as house, TellingPanel(house, tmp_path) as panel:
        visitor = Visitor(panel.port, panel.claim())
        told = [_visited(panel, visitor, 2) for _ in range(4)]
    objects = [each.pop("objects") for each in told]
    assert told == [told[0]] * 4
    # What Python loads late comes once; what a page leaves comes each time, and is hundreds where it is the page itself.
    assert min(after - before for before, after in pairwise(objects)) < 2 * 2 * len(_PAGES), objects


def test_a_page_that_was_left_before_its_session_ended_is_deleted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLING_PATIENCE_S", "8")
    with House(tmp_path) as house, TellingPanel(house, tmp_path) as panel:
        visitor = Visitor(panel.port, panel.claim())
        with visitor.page("/") as page:
            assert page
            page.stay(0.5, lambda: False)
            visitor.look_at("/archives", 0.2, lambda: False)
            house.ask("user/end-session", name="ada")
            assert not page.stay(20, lambda: False), "it is closed"
        time.sleep(9)  # longer than NiceGUI waits for the page to come back
        wait_for(lambda: panel.told()["pages"] == 0, 20, "the page to be gone")
        assert "KeyError" not in panel.log.read_text()
