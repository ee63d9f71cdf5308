"""The runs that are remembered: the last 200 of a script, 2,000 in all; facts in the catalog table ``runs``, output beside it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from pydantic import ValidationError

from appliance.catalog.journal import CatalogDB
from appliance.errors import ApplianceError, NotFound
from appliance.scripts.ids import is_run_id
from appliance.scripts.output import Outputs
from mqtt.script_answers import RunFacts
from mqtt.script_messages import UNFINISHED

log = logging.getLogger("scripts")
RUNS = "runs"
MOST_OF_A_SCRIPT, MOST_RUNS = 200, 2_000


class History:
    """Thread-safe. The newest run has the largest id. One that has not ended is never forgotten."""

    def __init__(self, db: CatalogDB, outputs: Outputs, *, most_of_a_script: int = MOST_OF_A_SCRIPT, most: int = MOST_RUNS) -> None:
        self._db = db
        self._most_of_a_script, self._most = most_of_a_script, most
        self.outputs = outputs
        self._lock = threading.RLock()
        self._runs: dict[str, RunFacts] = {}
        for run_id, row in sorted(db.table(RUNS).items()):
            if (run := _run(run_id, row)) is not None:
                self._runs[run_id] = run
        outputs.keep_only(set(self._runs))

    def get(self, run_id: str) -> RunFacts:
        """Raises NotFound."""
        found = self.find(run_id)
        if found is None:
            raise NotFound(f"there is no run {run_id!r}, or it is not remembered any more; `pyarchive script log` shows the last ones")
        return found

    def find(self, run_id: str) -> RunFacts | None:
        with self._lock:
            return self._runs.get(run_id)

    @property
    def newest_id(self) -> str | None:
        with self._lock:
            return next(reversed(self._runs), None)

    def newest_first(self, *, script: str | None = None, deployment: str | None = None) -> list[RunFacts]:
        """Those of one script, of one deployment, or all."""
        with self._lock:
            runs = list(reversed(self._runs.values()))
        return [run for run in runs if script in {None, run.script_id} and deployment in {None, run.deployment_id}]

    def unfinished(self) -> list[RunFacts]:
        """The oldest first."""
        with self._lock:
            return [run for run in self._runs.values() if run.state in UNFINISHED]

    def last_of(self, script_ids: Iterable[str]) -> dict[str, RunFacts]:
        """The newest run of each that ever ran."""
        wanted = set(script_ids)
        with self._lock:
            return {run.script_id: run for run in self._runs.values() if run.script_id in wanted}  # a later one replaces it

    def add(self, run: RunFacts) -> None:
        """What was asked for survives a power cut. Raises DiskFull, CatalogUnwritable."""
        with self._lock:
            gone = self._too_many(run)
            self._db.apply({RUNS: {run.run_id: run.model_dump(mode="json"), **dict.fromkeys(gone)}})
            self._runs[run.run_id] = run
            for run_id in gone:
                del self._runs[run_id]
        self.outputs.forget(gone)

    def note(self, run: RunFacts) -> None:
        """Another state. On the disk once it has ended: what runs is known to the runner, and would wear the disk out."""
        with self._lock:
            if run.run_id not in self._runs:
                return
            self._runs[run.run_id] = run
            if run.state not in UNFINISHED:
                try:
                    self._db.apply({RUNS: {run.run_id: run.model_dump(mode="json")}})
                except ApplianceError as error:  # after a restart it is asked for again
                    log.warning("the end of run %s is not written down: %s", run.run_id, error)

    def _too_many(self, new: RunFacts) -> list[str]:
        ended = [run for run in self._runs.values() if run.state not in UNFINISHED]
        of_script = [run.run_id for run in ended if run.script_id == new.script_id]
        count_of_script = sum(run.script_id == new.script_id for run in self._runs.values())
        gone = of_script[: max(0, count_of_script + 1 - self._most_of_a_script)]
        left = [run.run_id for run in ended if run.run_id not in set(gone)]
        return [*gone, *left[: max(0, len(self._runs) - len(gone) + 1 - self._most)]]


def _run(run_id: str, row: object) -> RunFacts | None:
    try:
        run = RunFacts.model_validate(row)
    except ValidationError:
        return None
    return run if is_run_id(run_id) and run.run_id == run_id else None
