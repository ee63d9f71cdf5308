"""Work that the appliance does on its own, followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ui.errors import Failed

Ask = Callable[..., Awaitable[Any]]
_SOON_S, _LATER_S = 0.2, 1.0


async def finished(ask: Ask, verb: str, **parameters: Any) -> Any:
    """The result of a job. Raises Failed: it failed, or a restart of the appliance ended it."""
    job_id = (await ask(verb, **parameters))["job_id"]
    pause_s = _SOON_S
    while (job := await ask("integrity/job", job_id=job_id))["state"] == "running":
        await asyncio.sleep(pause_s)
        pause_s = min(_LATER_S, pause_s * 1.5)
    if job["state"] != "done":
        error = job["error"] or {"message": "it was interrupted by a restart of the appliance; start it again", "code": "stopped"}
        raise Failed(str(error["message"]), str(error["code"]))
    return job["result"]
