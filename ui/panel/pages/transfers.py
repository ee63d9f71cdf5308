"""What moves, what waits and why, what was moved; and what steers it."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts, visible
from ui.panel.frame import page
from ui.panel.transfers import moving
from ui.panel.transfers.controls import InForce, MeteredSwitch, PauseButton, sync_button
from ui.panel.transfers.history import History
from ui.panel.transfers.waiting import Waiting


@page("/transfers", title="Transfers")
def transfers() -> None:
    Transfers()


class Transfers:
    """The queue and the history are asked for again when something moved or changed, at most once a second."""

    def __init__(self) -> None:
        self._admin = here.person().admin
        self._moved: object = None
        with parts.card(), ui.element("div").classes("pa-steer"):
            self._steer()
        with parts.card("Moving now"):
            self._moving = moving.Moving()
        with parts.card("Waiting"):
            self._waiting = Waiting()
        with parts.card("Lately moved"):
            self._history = History()
        self._follow()

    def _steer(self) -> None:
        self._in_force = InForce()
        with ui.element("div").classes("pa-stack"):
            with parts.row():
                sync_button()
                self._pause = PauseButton("main") if self._admin else None
            self._metered = MeteredSwitch() if self._admin else None

    def _follow(self) -> None:
        self._show_state()
        self._show_moving()
        self._history.soon()
        here.follow(["appliance/state", "away"], self._show_state)
        here.follow(moving.NAMES, self._show_moving)
        here.follow_happened(self._happened)

    def _show_state(self) -> None:
        state = here.live().get("appliance/state")
        if state:
            self._in_force.show(state)
            for control in (self._pause, self._metered):
                if control:
                    control.show(state)
        self._waiting.soon()

    def _show_moving(self) -> None:
        self._moving.show()
        moved = [(one["archive_id"], one["direction"], one["batch_index"]) for one in moving.now()]
        if moved != self._moved:
            self._moved = moved
            self._waiting.soon()

    def _happened(self, payloads: list[Any]) -> None:
        if visible.events(here.person(), payloads):
            self._waiting.soon()
            self._history.soon()
