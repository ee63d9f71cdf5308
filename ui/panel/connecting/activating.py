"""The last step: copies go there from now on, and what that means is said first."""

from __future__ import annotations

from typing import Any

from ui.panel import here, parts
from ui.panel.connecting.standing import State
from ui.words import count, duration, size


class Activate:
    """In the place where it is made."""

    def __init__(self, state: State) -> None:
        self._id = state["id"]
        for words in what_it_means(state, here.live().get("appliance/state"), other_active(state)):
            parts.text(words, "p")
        self._notice = parts.notice()
        with parts.row():
            parts.action("Send copies here", self._run, icon="cloud_upload", kind="main")

    async def _run(self) -> None:
        await self._notice.attempt(lambda: here.ask("connection/activate", connection=self._id))


def other_active(state: State) -> str | None:
    """Name of the connection that is active now, if it is another one."""
    active = (here.live().get("appliance/state") or {}).get("active_connection")
    return active["name"] if active and active["id"] != state["id"] else None


def what_it_means(state: State, appliance: dict[str, Any] | None, other: str | None) -> list[str]:
    """Sentences. Pure."""
    words = [f"New files are copied to “{state['name']}” from now on."]
    archives = appliance["counts"]["archives"] if appliance else 0
    if appliance and archives:
        rate = appliance["upload_rate_bytes_per_s"]
        time = f", about {duration(appliance['stored_bytes'] / rate)} at the rate of the moment" if rate else ""
        words.append(
            f"What is here already is carried there too: {count(archives, 'archive')} with {size(appliance['stored_bytes'])}{time}. "
            "It happens in the background, over restarts; what lies there already is not sent again."
        )
        free = state["free_bytes"]
        if free is not None and free < appliance["stored_bytes"]:
            words.append(f"Only {size(free)} are free there: it will stop when the space is used up, and say so.")
    if other:
        words.append(f"“{other}” keeps what it has, and gets nothing new.")
    return words
