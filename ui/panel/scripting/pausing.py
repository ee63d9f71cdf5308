"""All deployments at once: paused, or not."""

from __future__ import annotations

from ui.panel import here, parts


class Pausing:
    """``load`` asks how it is."""

    def __init__(self) -> None:
        self._paused = False
        self._button = parts.action("Pause all deployments", self._turn, kind="plain")
        self._banner = parts.banner("warn", "pause_circle", "All deployments are paused: no script runs by itself until you resume them.")
        self._show()

    async def load(self) -> None:
        """Raises Failed."""
        self._paused = (await here.ask("deployment/list"))["paused"]
        self._show()

    async def _turn(self) -> None:
        await here.ask("deployment/pause-all", paused=not self._paused)
        await self.load()

    def _show(self) -> None:
        self._button.set_text("Resume all deployments" if self._paused else "Pause all deployments")
        self._banner.set_visibility(self._paused)
