"""What a script imports: ``from appliance_api import appliance``. The reference with examples is docs/scripts.md.

    for archive in appliance.archives(rungs=["received"]):
        print(archive.title, archive.at_risk_bytes)

It needs nothing but the standard library. Every error of the appliance is an ApplianceError in the appliance's words. A script that was
saved with the permission ``read`` may only look; what would change something raises NotAllowed.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

_PAGE = 100
_ANSWER_S = 60.0
_JOB_EVERY_S = 0.5
_LOOK_EVERY_S = 1.0
_TELL_EVERY_S = 30.0
_HOW_TO_ALLOW = "; if this script is meant to change things, save it with the permission `change`"


class ApplianceError(Exception):
    """The appliance, or the way to it, said no. ``code`` is for programs (docs/mqtt.md lists them), the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotAllowed(ApplianceError):
    """The script may not ask for that: it may only look, or no script may."""


class NotFound(ApplianceError):
    """There is no such archive, connection, job or setting."""


class NoAnswer(ApplianceError):
    """The appliance did not answer in time: it is off, or busy. What was asked may still be done."""


class JobFailed(ApplianceError):
    """A job ended without being done."""


_ERRORS = {"unauthorised": NotAllowed, "not_found": NotFound, "no_answer": NoAnswer}


class Facts:
    """What the appliance answered, as attributes of the same names; those that end in ``_at`` are datetimes (UTC) or None."""

    def __init__(self, facts: dict[str, Any], of: Appliance) -> None:
        self.facts = facts
        self._of = of

    def __getattr__(self, name: str) -> Any:
        try:
            value = self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self.__dict__.get('facts', ()))}") from None
        if isinstance(value, str) and (name == "at" or name.endswith("_at")):
            return datetime.fromisoformat(value)
        return value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.facts.items())})"


class Batch(Facts):
    """A byte range of an archive. ``stored``: ids of the connections that have it; ``cached``: it lies in the store."""

    index: int
    offset_bytes: int
    size_bytes: int
    sha256: str
    cached: bool
    stored: list[str]
    stored_at: datetime | None
    failure: str | None
    failed_at: datetime | None
    next_try_at: datetime | None


class Archive(Facts):
    """One archive, as it was when it was asked for."""

    id: str
    title: str
    file_name: str
    owner: str
    size_bytes: int
    sha256: str
    created_at: datetime
    batch_bytes: int
    rung: str
    health: str
    batches_total: int
    batches_stored: int
    batches_cached: int
    local: bool
    wanted_local: bool
    progress_ratio: float
    at_risk_bytes: int
    placements: list[dict[str, Any]]
    pinned: bool
    waiting_for: str | None
    waiting_until_at: datetime | None
    removed_at: datetime | None

    def batches(self) -> Iterator[Batch]:
        """All its batches, in their order."""
        return self._of.pages("archive/batches", "batches", Batch, archive=self.id)

    def history(self) -> Iterator[Facts]:
        """What happened to it, the newest first."""
        return self._of.pages("archive/history", "happenings", Facts, archive=self.id)

    def verify(self, *, local: bool = False, remote: bool = False, read_back: bool = False, repair: bool = False) -> Job:
        """Check it; neither local nor remote: both. With ``repair`` it needs the permission to change things."""
        return self._of.verify([self.id], local=local, remote=remote, read_back=read_back, repair=repair)

    def release(self) -> Job:
        """Free its local copy, once a fresh listing has shown all of it on a connection."""
        return self._of.job("archive/release", archive=self.id)

    def restore(self) -> Archive:
        """Ask for its local copy back; it comes in its turn."""
        return Archive(self._of.ask("archive/restore", archive=self.id), self._of)

    def retry(self) -> Archive:
        """Try now what waits of it."""
        return Archive(self._of.ask("transfer/retry", archive=self.id), self._of)

    def rename(self, title: str) -> Archive:
        return Archive(self._of.ask("archive/rename", archive=self.id, title=title), self._of)

    def remove(self) -> Facts:
        """Into the trash; ``undo_until_at`` of the answer tells until when it can be taken back."""
        return Facts(self._of.ask("archive/remove", archive=self.id), self._of)


class Waiting(Facts):
    """An archive in the queue. ``direction``: up or down; ``reason``: why it does not move, in words."""

    archive_id: str
    owner: str
    title: str
    direction: str
    batches: int
    bytes: int
    reason: str | None
    attempts: int
    next_try_at: datetime | None
    moving: bool


class Transfer(Facts):
    """What moves at the moment."""

    slot: int
    archive_id: str
    title: str
    batch_index: int | None
    batches_total: int
    connection_id: str
    direction: str
    done_bytes: int
    size_bytes: int
    rate_bytes_per_s: float
    started_at: datetime


class Connection(Facts):
    """A configured remote."""

    id: str
    kind: str
    name: str
    active: bool
    valid: bool
    reachable: bool
    sign_in: str
    adopting: str | None
    free_bytes: int | None
    limit_bytes: int | None
    used_bytes: int | None
    last_error: str | None
    next_try_at: datetime | None

    def validate(self) -> Connection:
        """Write, read and delete a probe there."""
        return Connection(self._of.ask("connection/validate", connection=self.id, timeout_s=300), self._of)


class Setting(Facts):
    """``source``: environment, set, file or default."""

    name: str
    value: Any
    source: str
    description: str


class LogLine(Facts):
    """One line of the system log."""

    at: datetime
    level: str
    source: str
    message: str
    archive_id: str | None


class Job(Facts):
    """Work that goes on in the appliance. ``state``: running, done, failed or interrupted."""

    job_id: str
    what: str
    state: str
    done_bytes: int
    total_bytes: int
    error: dict[str, str] | None
    result: Any

    def look(self) -> Job:
        """The same job, as it is now. Raises NotFound where the appliance was restarted meanwhile."""
        return Job({"job_id": self.job_id, **self._of.ask("integrity/job", job_id=self.job_id)}, self._of)

    def wait(self, progress: Callable[[Job], object] | None = None, timeout_s: float = float("inf")) -> Any:
        """Its result, once it is done; ``progress(job)`` is called when it has gone on. Raises JobFailed, and NoAnswer after timeout_s."""
        until_s, seen = time.monotonic() + timeout_s, -1
        while True:
            job = self.look()
            if progress and job.done_bytes != seen:
                seen = job.done_bytes
                progress(job)
            if job.state == "done":
                return job.result
            if job.state != "running":
                error = job.error or {"code": job.state, "message": f"{job.what}: {job.state}"}
                raise JobFailed(error["code"], error["message"])
            if time.monotonic() > until_s:
                raise NoAnswer("no_answer", f"{job.what} was not done within {timeout_s:g} s; it goes on")
            time.sleep(_JOB_EVERY_S)

    def wait_and_tell(self) -> Any:
        """As ``wait``; how far it is is printed meanwhile, every half minute."""
        told_s = time.monotonic()

        def tell(job: Job) -> None:
            nonlocal told_s
            if time.monotonic() > told_s + _TELL_EVERY_S:
                told_s = time.monotonic()
                print(f"{size(job.done_bytes)} of {size(job.total_bytes)}", flush=True)

        return self.wait(tell)


def size(size_bytes: float) -> str:
    """For people: 1,234,567 is "1.2 MB"."""
    for unit, unit_bytes in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= unit_bytes:
            return f"{size_bytes / unit_bytes:.1f} {unit}"
    return f"{size_bytes:.0f} bytes"


def count(number: int, one: str, more: str = "") -> str:
    """For people: "1 archive", "2 archives"; ``more`` where that is not the word with an s."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def number(text: str, what: str, least: float = 0.0) -> float:
    """An argument as a number of at least ``least``; what is none ends the script, and says that ``what`` is wanted."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        sys.exit(f"{text[:40]!r} is no number of at least {least:g}; wanted is {what}")
    return value


def until_still(left: Callable[[], int], still_s: float = 600.0, every_s: float = 10.0) -> Iterator[int]:
    """What ``left()`` answers, at most every ``every_s``, while it becomes less: until it is 0, or was not less for ``still_s``."""
    least, shown = left(), 0
    moved_at_s, shown_at_s = time.monotonic(), -math.inf
    while least and time.monotonic() < moved_at_s + still_s:
        if least != shown and time.monotonic() > shown_at_s + every_s:
            shown, shown_at_s = least, time.monotonic()
            yield least
        time.sleep(_LOOK_EVERY_S)
        if (now := left()) < least:
            least, moved_at_s = now, time.monotonic()


class Appliance:
    """The appliance that runs this script. Threads may share it; they are answered one after another."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._number = 0
        self._buffer = b""

    def ask(self, verb: str, /, *, timeout_s: float = _ANSWER_S, **parameters: Any) -> Any:
        """Any request of docs/mqtt.md: ``appliance.ask("archive/list", limit=5)``. Parameters that are None are left out.

        Answers the data as JSON has it. Raises ApplianceError, or one of its kinds.
        """
        return self._ask(verb, {name: value for name, value in parameters.items() if value is not None}, timeout_s)

    def pages(self, verb: str, key: str, kind: type[Any] = Facts, **parameters: Any) -> Iterator[Any]:
        """All that a paged request answers under ``key``, asked for page by page as they are used up."""
        offset = 0
        while True:
            page = self.ask(verb, offset=offset, limit=_PAGE, **parameters)[key]
            yield from (kind(facts, self) for facts in page)
            offset += len(page)
            if len(page) < _PAGE:
                return

    def job(self, verb: str, /, **parameters: Any) -> Job:
        """Begin what takes a while: ``appliance.job("integrity/orphans").wait()``."""
        started = self.ask(verb, **parameters)
        return Job({"state": "running", "done_bytes": 0, "total_bytes": 0, **started}, self)

    # Archives

    def archives(self, **filters: Any) -> Iterator[Archive]:
        """All that match, the newest first. ``filters``: those of archive/list, as ``owner``, ``search``, ``rungs``.

        What you do to them may move them to another page: take ``list(appliance.archives(…))`` first if you change something.
        """
        return self.pages("archive/list", "archives", Archive, **filters)

    def archive(self, archive: str) -> Archive:
        """One: by its id, a unique beginning of one, or its unique title. Raises NotFound."""
        return Archive(self.ask("archive/show", archive=archive), self)

    def summary(self) -> Facts:
        """All archives in figures."""
        return Facts(self.ask("archive/summary"), self)

    # Transfers

    def waiting(self) -> Iterator[Waiting]:
        """The queue, in its order."""
        return self.pages("transfer/list", "waiting", Waiting)

    def moving(self) -> list[Transfer]:
        """What moves at the moment."""
        return [Transfer(facts, self) for facts in self.ask("transfer/list", limit=1)["moving"]]

    def sync(self) -> None:
        """Try now all that waits for another try."""
        self.ask("transfer/sync")

    # Connections

    def connections(self) -> list[Connection]:
        return [Connection(facts, self) for facts in self.ask("connection/list")["connections"]]

    def connection(self, connection: str) -> Connection:
        """One: by its id, a unique beginning of one, or its name. Raises NotFound."""
        return Connection(self.ask("connection/show", connection=connection), self)

    # Integrity

    def verify(
        self, archives: list[str] | None = None, *, local: bool = False, remote: bool = False, read_back: bool = False,
        read_back_bytes: int | None = None, repair: bool = False,
    ) -> Job:  # fmt: skip
        """Check archives, all without a list; neither local nor remote: both. Its result has the damage that was found."""
        return self.job(
            "integrity/verify", archives=archives or [], local=local, remote=remote, read_back=read_back, read_back_bytes=read_back_bytes,
            repair=repair,
        )  # fmt: skip

    def orphans(self) -> Job:
        """What lies on remotes or disk that no archive knows. Its result lists it; nothing is changed."""
        return self.job("integrity/orphans")

    # Settings, log, values

    def settings(self) -> dict[str, Setting]:
        """All of them, by name."""
        return {facts["name"]: Setting(facts, self) for facts in self.ask("settings/get")["settings"]}

    def setting(self, name: str) -> Any:
        """The value of one. Raises NotFound."""
        return self.ask("settings/get", name=name)["value"]

    def set(self, name: str, value: Any) -> Setting:
        """Change a setting, over restarts; its new value and where it comes from."""
        return Setting(self.ask("settings/set", name=name, value=value), self)

    def log(self, limit: int = 100, **filters: Any) -> list[LogLine]:
        """The newest lines of the system log that match, the oldest of them first. ``filters``: those of log/query."""
        return [LogLine(facts, self) for facts in self.ask("log/query", limit=limit, **filters)["lines"]]

    def publish(self, name: str, value: float | str | bool | None, *, unit: str | None = None, title: str | None = None) -> None:
        """Show a value of this script; Home Assistant has it as a sensor. ``name``: 1 to 40 of a-z, 0-9 and _. None: it is unknown."""
        more = {key: given for key, given in (("unit", unit), ("title", title)) if given is not None}
        self._ask("script/value", {"name": name, "value": value, **more}, _ANSWER_S)

    # The way to the runner

    def _ask(self, verb: str, parameters: dict[str, Any], timeout_s: float) -> Any:
        with self._lock:
            self._number += 1
            answer = self._exchange({"id": self._number, "verb": verb, "parameters": parameters, "timeout_s": timeout_s})
        if error := answer.get("error"):
            raise _error(error["code"], error["message"])
        return answer.get("data")

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._fd is None:
            raise ApplianceError("failed", "there is no appliance here: run it as a script, by the panel or `pyarchive script`")
        try:
            self._write(json.dumps(request).encode() + b"\n")
            return self._read(request["id"])
        except OSError as error:
            raise ApplianceError("failed", f"the runner of scripts is gone: {error.strerror}") from None

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd or 0, data) :]

    def _read(self, number: int) -> dict[str, Any]:
        while True:
            while b"\n" not in self._buffer:
                data = os.read(self._fd or 0, 65536)
                if not data:
                    raise ApplianceError("failed", "the runner of scripts has closed the way to the appliance")
                self._buffer += data
            line, _, self._buffer = self._buffer.partition(b"\n")
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") in {number, None}:  # another: of a request that was broken off
                return answer


def _error(code: str, message: str) -> ApplianceError:
    if code == "unauthorised" and "permission" not in message:
        message += _HOW_TO_ALLOW
    return _ERRORS.get(code, ApplianceError)(code, message)


appliance = Appliance(int(os.environ["PYARCHIVE_API_FD"]) if "PYARCHIVE_API_FD" in os.environ else None)
