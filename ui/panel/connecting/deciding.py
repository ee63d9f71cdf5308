"""Adopt mode: something lies on the remote that this appliance does not know. Nothing there is changed before an admin says what it is."""

from __future__ import annotations

from nicegui import ui

from ui.panel import here, parts
from ui.panel.connecting.standing import State


class Decide:
    """In the place where it is made."""

    def __init__(self, state: State) -> None:
        self._id, self._name = state["id"], state["name"]
        parts.text(parts.sentence_of(state["adopting"]), "p").classes("pa-strong")
        parts.text(
            "So that nothing can get lost, this appliance changes nothing there until you say what is meant. "
            "Both choices keep what lies there.",
            "p",
        )
        self._notice = parts.notice()
        with ui.element("div").classes("pa-choices"):
            with parts.card("It is mine: bring it back", level=3):
                parts.text(
                    "After a new card, a new disk or a new Pi. The archives that lie there are listed here again, with titles, owners and "
                    "checksums. An old appliance that still runs stops writing there.", "p",
                ).classes("pa-muted")  # fmt: skip
                parts.go("Recover …", f"/connections/{self._id}/recover", icon="history", kind="main")
            with parts.card("Leave it, and begin beside it", level=3):
                parts.text(
                    "This appliance writes there from now on. What it does not know stays as it is, and is not listed here. "
                    "An old appliance that still runs stops writing there.", "p",
                ).classes("pa-muted")  # fmt: skip
                parts.action("Go on without recovering …", self._claim)

    async def _claim(self) -> None:
        words = "What lies there and is unknown here stays, but is listed nowhere. Most people want to recover instead."
        if await parts.confirm("Go on without recovering?", words, "Go on", danger=True, typed=self._name):
            await self._notice.attempt(lambda: here.ask("connection/claim", timeout_s=60.0, connection=self._id, confirm=self._name))
