"""``pyarchive recover``: a catalog made again from what lies on a remote, under the id of the appliance that put it there.

What a recovery has begun is written down first (``intent.py``), and it goes on at the next start, whatever ended it. Where the
data gets another appliance's id, all parts of the appliance are started anew under it: topics, places on remotes and the
marker of the store name it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from appliance import clock
from appliance.archive import archives_in_words
from appliance.connections import Connection, Connections
from appliance.errors import ApplianceError, Conflict, Refused, RemoteError, Stopped
from appliance.jobs import Job
from appliance.library import Library
from appliance.problems import Problems
from appliance.recovery import intent as intents
from appliance.recovery.adopt_mode import RECOVERING
from appliance.recovery.adopter import TABLE
from appliance.recovery.intent import Intent
from appliance.recovery.looking import Looking
from appliance.recovery.progress import Progress
from appliance.recovery.recover import Recover
from appliance.recovery.serials import Serials
from appliance.settings import SettingsStore
from appliance.tombstone import TABLE as TOMBSTONES
from appliance.transfer.engine import Engine
from mqtt.contract import OF_THE_APPLIANCE
from mqtt.discovery import config_topic
from mqtt.topics import Topics

log = logging.getLogger("recovery")
_REST_S = 20.0


class Recovery:
    """``restart`` ends this appliance and starts it anew in the same process; it must only say so, and return."""

    def __init__(
        self, library: Library, connections: Connections, settings: SettingsStore, problems: Problems, engine: Engine,
        intent: Intent | None, restart: Callable[[], None],
    ) -> None:  # fmt: skip
        self._library = library
        self._connections = connections
        self._settings = settings
        self._engine = engine
        self._intent = intent
        self._restart = restart
        self._looking = Looking(library, connections)
        self._recover = Recover(library, connections, settings, problems)
        self._progress = Progress()
        self._lock = threading.Lock()
        self._job = Job("recovery", "recovery", lambda _: None)
        self._thread: threading.Thread | None = None

    # Life

    def begin(self) -> None:
        """Before anything is moved: end the change of the id, and take up a recovery that did not end."""
        intent = self._intent
        if intent is None or not intent.is_under_way:
            return
        if self._connections.get(intent.connection_id) is None:
            self._keep(replace(intent, stage="done", error="the connection was removed before the recovery had ended"))
            return
        if intent.stage == "becoming":
            self._forget_former_place()
        self._connections.adopt(intent.connection_id, RECOVERING)
        self._keep(replace(intent, stage="running", error=None))

    def start(self) -> None:
        """Go on with what ``begin`` took up."""
        if self._intent and self._intent.stage == "running":
            self._work_on(self._intent)

    def stop(self, timeout_s: float) -> None:
        self._job.stopped.set()
        if self._thread and self._thread.is_alive():
            self._thread.join(timeout_s)

    def is_recovering(self, connection_id: str) -> bool:
        intent = self._intent
        return intent is not None and intent.stage in {"becoming", "running"} and intent.connection_id == connection_id

    def given_up_topics(self) -> list[str]:
        """What the appliance had published, retained, under the id that it had before: the broker is to forget it."""
        former = self._library.folder.former_id
        if former is None or self._intent is None or self._intent.stage == "done":
            return []
        topics = Topics(former)
        names = [f"archive/{each}/state" for each in self._library.ids()] + [
            f"connection/{each.id}/state" for each in self._connections.all()
        ]
        device = config_topic(self._settings.current.home_assistant_prefix, former)
        return [topics(each) for each in (*OF_THE_APPLIANCE, *names)] + [device]

    # Verbs

    def look(self, connection_id: str, job: Job) -> dict[str, Any]:
        return self._looking.look(connection_id, job)

    def ask(self, connection: Connection, wanted: str | None) -> str:
        """Begin. The id that the appliance has from then on.

        Raises Conflict (one is under way, several appliances could be meant), Refused (the id cannot change), NotFound, RemoteError.
        """
        with self._lock:
            self._refuse_second()
            appliance_id = self._looking.choose(connection, wanted)
            self._library.db.apply({TABLE: dict.fromkeys(self._library.db.table(TABLE).ids())})
            if appliance_id == self._library.folder.appliance_id:
                self._begin_here(Intent(connection_id=connection.id, appliance_id=appliance_id))
            else:
                self._begin_elsewhere(connection, appliance_id)
        return appliance_id

    def give_up(self, connection_id: str) -> None:
        """A recovery that failed is not tried again: an admin claims the place instead."""
        with self._lock:
            intent = self._intent
            if intent and intent.stage == "failed" and intent.connection_id == connection_id:
                self._keep(replace(intent, stage="done"))

    def state(self) -> dict[str, Any]:
        """What ``recovery/state`` answers."""
        intent = self._intent
        if intent is None:
            return {"state": "none", "connection_id": None, "appliance_id": None, "error": None, **Progress().to_document()}
        under_way = intent.stage in {"becoming", "running"}
        return {
            "state": "running" if under_way else intent.stage, "connection_id": intent.connection_id, "appliance_id": intent.appliance_id,
            "error": self._progress.trouble if under_way else intent.error, **(intent.result or self._progress.to_document()),
        }  # fmt: skip

    def _refuse_second(self) -> None:
        if self._intent and self._intent.stage in {"becoming", "running"}:
            raise Conflict("a recovery is under way already; `pyarchive recover` without further words follows it")

    def _begin_here(self, intent: Intent) -> None:
        self._keep(intent)
        self._connections.adopt(intent.connection_id, RECOVERING)
        self._work_on(intent)

    # Another id

    def _begin_elsewhere(self, connection: Connection, appliance_id: str) -> None:
        own, fixed = self._library.folder.appliance_id, self._settings.current.appliance_id
        if fixed is not None and fixed != appliance_id:
            raise Refused(
                f"the archives there are of appliance {appliance_id}, but PYARCHIVE_APPLIANCE_ID (or the settings file) fixes {fixed}; "
                "take that setting away or change it, start again, and recover then"
            )
        was_paused = self._engine.paused
        try:
            self._rest()
            self._refuse_two_places(own, appliance_id)
        except ApplianceError:
            self._engine.pause(was_paused)
            raise
        self._keep(Intent(connection_id=connection.id, appliance_id=appliance_id, former_id=own, stage="becoming"))
        log.warning("this appliance becomes %s: it takes over what lies on connection %s", appliance_id, connection.name)
        self._restart()

    def _rest(self) -> None:
        """Nothing is stored any more under the id that is given up."""
        self._engine.pause(True)
        until_s = clock.monotonic_s() + _REST_S
        while self._engine.moving:
            if clock.monotonic_s() > until_s or self._job.stopped.wait(0.02):
                raise Conflict("transfers do not come to rest; try again in a moment")

    def _refuse_two_places(self, own: str, appliance_id: str) -> None:
        stored = [view.archive for view in self._library.all_views() if any(each.batches_stored for each in view.standings.values())]
        if stored:
            raise Refused(
                f"this appliance ({own}) has {archives_in_words(len(stored))} on remotes already ({stored[0].title!r} is one), "
                f"which would be given up with its id; recover {appliance_id} on an appliance of its own (another data folder)"
            )

    def _forget_former_place(self) -> None:
        """Ids and sessions that were planned below the former id, and tombstones of what lies there, mean nothing below this one."""
        for view in self._library.all_views():
            for connection_id in view.standings:
                self._library.ledger(view.archive.id).forget(connection_id)
            self._library.changed(view.archive.id)
        self._library.db.apply({TOMBSTONES: dict.fromkeys(self._library.db.table(TOMBSTONES).ids())})
        Serials(self._library.db).forget_connections()
        for connection in self._connections.all():
            if connection.adopting is None:
                self._connections.change(connection.id, settled=False)

    # Work

    def _work_on(self, intent: Intent) -> None:
        self._progress = Progress()
        self._thread = threading.Thread(target=self._work, args=(intent, self._progress), name="recovery", daemon=True)
        self._thread.start()

    def _work(self, intent: Intent, progress: Progress) -> None:
        try:
            self._recover.run(intent.connection_id, self._job, progress)
            self._connections.settle(intent.connection_id)
            self._keep(replace(intent, stage="done", result=progress.to_document()))
            log.info(
                "recovered from %s: %d archives came back, %d were here", intent.connection_id, progress.adopted, progress.already_here
            )
        except Stopped:
            return
        except (ApplianceError, OSError) as error:
            self._failed(intent, progress, _in_words(error))
        except Exception as error:
            log.exception("the recovery failed")
            self._failed(intent, progress, f"internal error: {type(error).__name__}; see the log")

    def _failed(self, intent: Intent, progress: Progress, why: str) -> None:
        log.error("the recovery failed: %s", why)
        try:
            # In this order: after a crash in between it is begun once more, and not left in adopt mode without a word.
            self._connections.adopt(intent.connection_id, f"the recovery from it did not come to its end ({why})")
            self._keep(replace(intent, stage="failed", error=why, result=progress.to_document()))
        except (ApplianceError, OSError) as error:
            log.error("the end of the recovery cannot be written down: %s", error)  # noqa: TRY400 (the cause is in the text)

    def _keep(self, intent: Intent) -> None:
        """On the disk before it is in force."""
        intents.write(self._library.folder.path, intent)
        self._intent = intent


def _in_words(error: ApplianceError | OSError) -> str:
    if isinstance(error, RemoteError | ApplianceError):
        return str(error)
    return f"{error.strerror or error}; check the appliance's disk"
