"""Is everything safe? What moves, what needs somebody."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts, visible
from ui.panel.frame import page
from ui.panel.overview.chart import Chart
from ui.panel.overview.hero import Hero
from ui.panel.overview.lamp_card import LampCard
from ui.panel.overview.problems import Problems, those_of
from ui.panel.overview.recent import Recent
from ui.panel.overview.space import Connections, DiskSpace
from ui.panel.overview.this_pi import ThisPi
from ui.panel.refresh import Refresh
from ui.panel.transfers import moving
from ui.panel.transfers.controls import InForce, MeteredSwitch, PauseButton, sync_button

_HISTORY = 20


@page("/", title="Overview")
def overview() -> None:
    Overview()


class Overview:
    """All that is shown comes from what is retained; figures of one's own, and what is older than the panel, are asked for."""

    def __init__(self) -> None:
        self._admin = here.person().admin
        self._counted: object = None
        self._hero = Hero()
        self._problems = Problems()
        with ui.element("div").classes("pa-columns"):
            with ui.element("div").classes("pa-stack pa-gap"):
                self._main_column()
            with ui.element("div").classes("pa-stack pa-gap"):
                self._side_column()
        self._summary = Refresh(lambda: here.ask("archive/summary"), self._take_summary)
        self._history = Refresh(lambda: here.ask("transfer/history", limit=_HISTORY), self._take_history)
        self._follow()

    def _main_column(self) -> None:
        with parts.card("Moving now"):
            self._moving = moving.Moving()
            parts.link("All transfers", "/transfers").classes("pa-small")
        if self._admin:
            with parts.card("Speed of the line"):
                self._chart = Chart()
        with parts.card("Lately") as late:
            late.classes("pa-late")
            self._recent = Recent()

    def _side_column(self) -> None:
        with parts.card("Transfers"):
            self._in_force = InForce()
            with parts.row():
                sync_button()
                self._pause = PauseButton() if self._admin else None
            self._metered = MeteredSwitch() if self._admin else None
        with parts.card("Connections"):
            self._connections = Connections()
        with parts.card("Front panel"):
            self._lamp = LampCard()
        with parts.card("Room"):
            self._disk = DiskSpace()
        with parts.card("This computer") as card:
            self._computer = ThisPi(card)

    def _follow(self) -> None:
        self._show_state()
        self._moving.show()
        self._connections.show()
        self._lamp.show()
        self._computer.show()
        self._recent.show()
        self._summary.soon()
        self._history.soon()
        here.follow(["appliance/state", "away"], self._show_state)
        here.follow(moving.NAMES, self._moving.show)
        here.follow(["connection/+/state"], self._connections.show)
        here.follow(["frontpanel/state", "away"], self._lamp.show)
        here.follow(["appliance/hardware", "away"], self._computer.show)
        here.follow_happened(self._happened)

    def _show_state(self) -> None:
        state = here.live().get("appliance/state")
        self._hero.show()
        self._problems.show(those_of(state))
        if not state:
            return
        self._in_force.show(state)
        self._disk.show(state)
        for control in (self._pause, self._metered):
            if control:
                control.show(state)
        if self._admin:
            self._chart.show()
        self._ask_again_if_counts_changed(state)

    def _ask_again_if_counts_changed(self, state: dict[str, Any]) -> None:
        counted = (state["counts"], state["stored_bytes"])
        if self._counted not in {None, str(counted)}:
            self._summary.soon()
        self._counted = str(counted)

    def _take_summary(self, summary: dict[str, Any]) -> None:
        if self._admin:
            self._disk.summary = summary
        else:
            self._hero.own = summary
        self._show_state()

    def _take_history(self, page: dict[str, Any]) -> None:
        self._recent.older = page["happenings"]
        self._recent.show()

    def _happened(self, payloads: list[Any]) -> None:
        if visible.events(here.person(), payloads):
            self._recent.show()
            if not self._admin:
                self._summary.soon()
