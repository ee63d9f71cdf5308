"""Deployments: what runs again and again is kept in the catalog table ``deployments``, and stays there whatever becomes of its runs."""

from __future__ import annotations

import threading
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.errors import BadRequest, Conflict, NotFound
from appliance.scripts.cron import Cron, cron
from appliance.scripts.ids import is_deployment_id, new_deployment_id
from mqtt.script_answers import CatchUp, Overlap
from mqtt.script_messages import Arguments
from mqtt.script_verbs import ScriptId

DEPLOYMENTS = "deployments"
MOST_DEPLOYMENTS = 100
_STATE = "script_deployments"


class Schedule(BaseModel):
    """One deployment. Exactly one of ``every_s`` and ``cron``. ``changed_at``: turns before that are none that it missed."""

    model_config = ConfigDict(frozen=True)

    script_id: ScriptId
    every_s: Annotated[float, Field(ge=1, le=31_622_400)] | None = None
    cron: Annotated[str, Field(max_length=200)] | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    overlap: Overlap = "skip"
    catch_up: CatchUp = "no"
    arguments: Arguments = Field(default=[])
    enabled: bool = True
    changed_at: AwareDatetime

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.every_s is None) == (self.cron is None):
            raise ValueError("give either every_s or cron")
        if self.cron is None and self.time_zone is not None:
            raise ValueError("time_zone is that of a cron expression; leave it out")
        if self.cron is not None:
            cron(self.cron, self.time_zone)
        return self

    @property
    def by_wall_clock(self) -> Cron | None:
        return cron(self.cron, self.time_zone) if self.cron is not None else None


class Deployments:
    """Thread-safe."""

    def __init__(self, db: CatalogDB) -> None:
        self._db = db
        self._lock = threading.RLock()
        self._all: dict[str, Schedule] = {}
        self._none: set[str] = set()
        self._take_up()
        self._paused = bool((db.table("settings").get(doc_id=_STATE) or {}).get("paused"))

    @property
    def paused(self) -> bool:
        return self._paused

    def all(self, script_id: str | None = None) -> dict[str, Schedule]:
        """By id; those of one script, or all."""
        with self._lock:
            self._take_up()
            return {key: each for key, each in self._all.items() if script_id in {None, each.script_id}}

    def _take_up(self) -> None:
        """What a recovery has brought back."""
        table = self._db.table(DEPLOYMENTS)
        for key in set(table.ids()) - self._all.keys() - self._none:
            found = _schedule(key, table.get(doc_id=key))
            if found:
                self._all[key] = found
            else:
                self._none.add(key)

    def get(self, deployment_id: str) -> Schedule:
        """Raises NotFound."""
        with self._lock:
            found = self._all.get(deployment_id)
        if found is None:
            raise NotFound(f"there is no deployment {deployment_id!r}; `pyarchive script list` shows all")
        return found

    def save(self, deployment_id: str | None, schedule: Schedule) -> str:
        """Its id. Raises NotFound, Conflict, DiskFull, CatalogUnwritable."""
        with self._lock:
            if deployment_id is not None:
                self.get(deployment_id)
            elif len(self._all) >= MOST_DEPLOYMENTS:
                raise Conflict(f"there are {MOST_DEPLOYMENTS} deployments, which is the most; remove one first")
            key = deployment_id or new_deployment_id()
            self._db.apply({DEPLOYMENTS: {key: schedule.model_dump(mode="json")}})
            self._all[key] = schedule
            return key

    def remove(self, deployment_id: str) -> None:
        """Safe to repeat. Raises DiskFull, CatalogUnwritable."""
        with self._lock:
            self._db.apply({DEPLOYMENTS: {deployment_id: None}})
            self._all.pop(deployment_id, None)

    def pause(self, paused: bool) -> None:
        """All of them, over restarts. Raises DiskFull, CatalogUnwritable."""
        self._db.apply({"settings": {_STATE: {"paused": paused}}})
        self._paused = paused


def schedule_of(**told: object) -> Schedule:
    """Raises BadRequest, which says what is wrong in words."""
    try:
        return Schedule.model_validate({**told, "changed_at": clock.now()})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadRequest(str(first["msg"]).removeprefix("Value error, ")) from None


def _schedule(deployment_id: str, row: object) -> Schedule | None:
    """None: what is there is none; a catalog that was brought back is hostile input."""
    try:
        return Schedule.model_validate(row) if is_deployment_id(deployment_id) else None
    except ValidationError:
        return None
