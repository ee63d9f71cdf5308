"""Long work of the appliance, watched from a page. The work goes on when the page is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, jobs


async def run(verb: str, show: Callable[[float], None], **parameters: Any) -> Any:
    """Start it, tell ``show`` how far it is (0 to 1), answer its result. Raises Failed with the job's own words."""
    client = ui.context.client

    def watched(ratio: float) -> None:
        if client.is_deleted:
            raise Failed("this page was closed; the appliance goes on by itself")
        show(ratio)

    return await jobs.finished(here.ask, verb, watched, **parameters)
