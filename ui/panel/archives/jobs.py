"""Long work of the appliance, watched from a page. The work goes on when the page is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here

_SOONEST_S, _LATEST_S = 0.15, 1.0
_GONE = "the appliance was restarted meanwhile, and this was not finished; start it again"


async def run(verb: str, show: Callable[[float], None], **parameters: Any) -> Any:
    """Start it, tell ``show`` how far it is (0 to 1), answer its result. Raises Failed with the job's own words."""
    client = ui.context.client
    job_id = (await here.ask(verb, **parameters))["job_id"]
    pause_s = _SOONEST_S
    while not client.is_deleted:
        job = await _state(job_id)
        if job["state"] != "running":
            return job["result"]
        show(job["done_bytes"] / job["total_bytes"] if job["total_bytes"] else 0.0)
        await asyncio.sleep(pause_s)
        pause_s = min(_LATEST_S, pause_s * 1.5)
    raise Failed("this page was closed; the appliance goes on by itself")


async def _state(job_id: str) -> Any:
    try:
        job = await here.ask("integrity/job", job_id=job_id)
    except Failed as error:
        raise (Failed(_GONE, "interrupted") if error.code == "not_found" else error) from error
    if job["state"] == "interrupted":
        raise Failed(_GONE, "interrupted")
    if job["state"] == "failed":
        raise Failed(job["error"]["message"], job["error"]["code"])
    return job
