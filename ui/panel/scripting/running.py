"""Running a saved script, with its output on the same page."""

from __future__ import annotations

from nicegui import ui
from nicegui.element import Element

from ui.panel import here
from ui.panel.scripting.console import Console


class Stage:
    """A console in a card, and what turns it to a run."""

    def __init__(self, card: Element, console: Console) -> None:
        self._card = card
        self._console = console

    async def run(self, script: str, arguments: list[str] | None = None) -> None:
        """Raises Failed."""
        started = await here.ask("script/run", script=script, arguments=arguments)
        await self.show(started["run_id"])

    async def show(self, run_id: str) -> None:
        """Raises Failed."""
        await self._console.show(run_id)
        ui.run_javascript(f"document.getElementById({self._card.html_id!r}).scrollIntoView({{block: 'nearest'}})")
