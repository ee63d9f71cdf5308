"""Long work that a request starts and others watch: checks, releases. One at a time, in order; the last hundred are remembered."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from appliance.errors import ApplianceError, Conflict, NotFound, Stopped

log = logging.getLogger("jobs")
_REMEMBERED = 100
_MOST_WAITING = 50
_PATIENCE_S = 30.0
"""A regular check that hangs in the system (a network mount that is gone) must not keep people's jobs from running."""


@dataclass(slots=True)
class Job:
    """``state``: running (also while it waits for its turn), done, failed, interrupted. ``owner``: whose it is, beside the admins."""

    id: str
    what: str
    run: Callable[[Job], Any]
    owner: str | None = None
    total_bytes: int = 0
    done_bytes: int = 0
    state: str = "running"
    result: Any = None
    error: dict[str, str] | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def count(self, size_bytes: int) -> None:
        """Progress. Raises Stopped when the appliance ends."""
        if self.stopped.is_set():
            raise Stopped("the appliance is stopping")
        self.done_bytes += size_bytes


class Jobs:
    """A worker thread; ``submit`` from anywhere."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: queue.Queue[Job | None] = queue.Queue()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._unfinished = 0
        self.turn = threading.Lock()
        """Held by whatever checks, so that it is one at a time; regular checks end soon when a job waits for it."""
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        with self._lock:
            for job in self._jobs.values():
                job.stopped.set()
            self._stopping.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def submit(self, what: str, run: Callable[[Job], Any], owner: str | None = None) -> Job:
        """``run(job)`` on the worker; what it returns is the result. Raises Conflict when too many wait already."""
        job = Job(secrets.token_hex(8), what, run, owner)
        with self._lock:
            if self._queue.qsize() >= _MOST_WAITING:
                raise Conflict(f"{_MOST_WAITING} checks and releases wait already; try again when some are done")
            self._jobs[job.id] = job
            self._unfinished += 1
            while len(self._jobs) > _REMEMBERED + _MOST_WAITING:
                self._jobs.popitem(last=False)
        self._queue.put(job)
        return job

    @property
    def is_busy(self) -> bool:
        """A job runs, or waits for its turn."""
        return self._unfinished > 0

    def find(self, job_id: str) -> Job:
        """Raises NotFound: never there, forgotten, or lost at a restart of the appliance."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise unknown_job()
        return job

    def _work(self) -> None:
        while (job := self._queue.get()) is not None and not self._stopping.is_set():
            self._take_turn(job)

    def _take_turn(self, job: Job) -> None:
        has_turn = self.turn.acquire(timeout=_PATIENCE_S)
        try:
            self._run(job)
        finally:
            if has_turn:
                self.turn.release()
            with self._lock:
                self._unfinished -= 1

    def _run(self, job: Job) -> None:
        try:
            job.result = job.run(job)
            job.state = "done"
        except Stopped:
            job.state = "interrupted"
        except (ApplianceError, OSError) as error:
            job.error = {"code": getattr(error, "code", "failed"), "message": str(error)}
            job.state = "failed"
        except Exception as error:
            log.exception("%s failed", job.what)
            job.error = {"code": "internal", "message": f"internal error: {type(error).__name__}; see the log"}
            job.state = "failed"
        log.info("%s: %s%s", job.what, job.state, f" ({job.error['message']})" if job.error else "")


def unknown_job() -> NotFound:
    """What is answered where there is no such job, and where it is somebody else's."""
    return NotFound("this job is not known any more (the appliance was restarted); start it again")
