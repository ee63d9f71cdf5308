"""Work that the appliance does on its own, followed to its end. It goes on when nobody follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ui.errors import Failed

Ask = Callable[..., Awaitable[Any]]
_SOONEST_S, _LATEST_S = 0.15, 1.0
_GONE = "the appliance was restarted meanwhile, and this was not finished; start it again"


async def finished(ask: Ask, verb: str, show: Callable[[float], None] | None = None, **parameters: Any) -> Any:
    """Start it, tell ``show`` how far it is (0 to 1), answer its result. Raises Failed with the job's own words."""
    job_id = (await ask(verb, **parameters))["job_id"]
    pause_s = _SOONEST_S
    while (job := await _state(ask, job_id))["state"] == "running":
        if show:
            show(job["done_bytes"] / job["total_bytes"] if job["total_bytes"] else 0.0)
        await asyncio.sleep(pause_s)
        pause_s = min(_LATEST_S, pause_s * 1.5)
    return job["result"]


async def _state(ask: Ask, job_id: str) -> Any:
    try:
        job = await ask("integrity/job", job_id=job_id)
    except Failed as error:
        raise (Failed(_GONE, "interrupted") if error.code == "not_found" else error) from error
    if job["state"] == "interrupted":
        raise Failed(_GONE, "interrupted")
    if job["state"] == "failed":
        raise Failed(job["error"]["message"], job["error"]["code"])
    return job
