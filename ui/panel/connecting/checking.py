"""A connection tried out: a small file is written there, read back and deleted, and something older is read."""

from __future__ import annotations

from functools import partial

from ui.panel import here, parts
from ui.panel.connecting.standing import State

LONGEST_S = 600.0


class Check:
    """In the place where it is made."""

    def __init__(self, state: State) -> None:
        self._id = state["id"]
        if state["last_error"]:
            parts.banner("bad", "error", parts.sentence_of(state["last_error"]))
        what = "the folder" if state["kind"] == "folder" else "your Drive"
        parts.text(f"A small file is written to {what}, read back and deleted. That takes a few seconds.", "p")
        self._notice = parts.notice()
        with parts.row():
            self._button = parts.action("Check now", self.run, icon="fact_check", kind="main")

    async def run(self) -> None:
        """The connection's state tells the page how it went; an error stands here."""
        self._button.props("loading")
        check = partial(here.ask, "connection/validate", timeout_s=LONGEST_S, connection=self._id)
        await self._notice.attempt(check, "Writing, reading back and deleting a small file …")
        if not self._button.is_deleted:
            self._button.props(remove="loading")


async def check_again(connection_id: str) -> None:
    """Raises Failed with the remote's words."""
    await here.ask("connection/validate", timeout_s=LONGEST_S, connection=connection_id)
    parts.toast("It was written to and read from: all is well.")
