"""Waiting for an archive: until it is on a remote, until it is back, until a job has ended. Over restarts of broker and appliance."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ui.bars import Bars
from ui.errors import Failed, Silent
from ui.hindrance import STORE, Hindrance
from ui.link import Link
from ui.patience import Patience
from ui.words import age, clean

SAFE_RUNGS = frozenset({"remote", "proven"})
_LONGEST_PAUSE_S = 1.0
State = dict[str, Any]


class Waiting:
    """Waits for one archive after the other."""

    def __init__(self, link: Link, bars: Bars, patience: Patience) -> None:
        self._link = link
        self._bars = bars
        self._patience = patience
        self._hindrance = Hindrance(link.mirror)
        self._told = ""

    def until_remote(self, archive_id: str) -> State:
        """The archive's state once it is on a remote. Raises Failed: removed, lost, a problem needs a person, time is over."""
        return self._until(archive_id, "uploading", lambda state: state["rung"] in SAFE_RUNGS, self._check_upload)

    def until_local(self, archive_id: str) -> State:
        """The archive's state once its local copy is back. Raises Failed as above."""
        return self._until(archive_id, "restoring", lambda state: bool(state["local"]), self._check_restore)

    def _until(self, archive_id: str, what: str, reached: Callable[[State], bool], check: Callable[[State, str], None]) -> State:
        pause_s, begun = 0.1, False
        while True:
            state: State = self._link.ask_patiently("archive/show", self._patience, archive=archive_id)
            if not begun:
                self._bars.stage(what, state["title"], state["size_bytes"])
                begun = True
            if reached(state):
                return state
            self._check(state, what, check)
            self._show(state, what)
            time.sleep(min(pause_s, max(0.0, self._patience.left_s())))
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 1.5)

    def _check(self, state: State, what: str, check: Callable[[State, str], None]) -> None:
        title = clean(state["title"])
        if state.get("removed_at"):
            raise Failed(f"{title} was removed meanwhile; `pyarchive undo {state['id']}` takes that back")
        if state["health"] == "lost":
            raise Failed(f"{title} is lost: no good copy is known; `pyarchive show {state['id']}` tells what is left")
        if self._patience.over:
            raise Silent(f"{title} is not done {what} yet, and the time is over; the appliance goes on: `pyarchive show {state['id']}`")
        check(state, f"{title} waits")

    def _check_upload(self, state: State, what_waits: str) -> None:
        self._hindrance.check_upload(what_waits, state["id"])

    def _check_restore(self, state: State, what_waits: str) -> None:
        holders = {placement["connection_id"] for placement in state["placements"] if placement["rung"] in SAFE_RUNGS}
        self._hindrance.check(what_waits, {state["id"], *STORE}, holders)

    def _show(self, state: State, what: str) -> None:
        done, total = (
            (state["batches_cached"], state["batches_total"]) if what == "restoring" else (state["batches_stored"], state["batches_total"])
        )
        self._bars.advance(min(state["size_bytes"], done * state["batch_bytes"]) if done < total else state["size_bytes"])
        reason = state.get("waiting_for") or ""
        if reason and reason != self._told:
            until = state.get("waiting_until_at")
            self._bars.say(f"{clean(state['title'])} waits: {clean(reason)}" + (f" (next try {age(until)})" if until else ""))
        self._told = reason


def until_job_ends(
    link: Link, start: Callable[[], str], bars: Bars, patience: Patience, what: str, *, is_done: Callable[[], bool] = lambda: False
) -> State:
    """The job's last state; one that a restart of the appliance interrupted is started again, unless ``is_done()``.

    For jobs that may be repeated. Raises Silent when the patience is at its end.
    """
    while True:
        job = _until_it_stops(link, start(), bars, patience, what)
        if job["state"] != "interrupted":
            return job
        if is_done():
            return {"state": "done"}
        bars.say(f"a restart of the appliance interrupted {what}; it is started again")


def _until_it_stops(link: Link, job_id: str, bars: Bars, patience: Patience, what: str) -> State:
    total_bytes, pause_s = -1, 0.05
    while (job := _job(link, job_id, patience))["state"] == "running":
        if job["total_bytes"] != total_bytes:
            total_bytes = job["total_bytes"]
            bars.stage(what, "", total_bytes)
        bars.advance(job["done_bytes"])
        if patience.over:
            raise Silent(f"{what} has not ended yet, and the time is over; the appliance goes on with it")
        time.sleep(pause_s)
        pause_s = min(0.5, pause_s * 1.5)
    return job


def _job(link: Link, job_id: str, patience: Patience) -> State:
    try:
        job: State = link.ask_patiently("integrity/job", patience, job_id=job_id)
    except Failed as error:
        if error.code != "not_found":
            raise
        return {"state": "interrupted"}  # jobs do not outlive the appliance
    return job
