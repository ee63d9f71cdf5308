"""What is asked of checks and of recovery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance import access
from appliance.access import Caller
from appliance.connections import Connections
from appliance.errors import BadRequest
from appliance.handlers.table import handles
from appliance.integrity.orphans import Orphans
from appliance.integrity.tombstones import Tombstones
from appliance.integrity.verify import Verifier
from appliance.jobs import Jobs, unknown_job
from appliance.library import Library
from appliance.recovery.recovery import Recovery
from mqtt import verbs


@dataclass(frozen=True, slots=True)
class Integrity:
    """``integrity/…`` and ``recovery/…``."""

    library: Library
    connections: Connections
    jobs: Jobs
    verifier: Verifier
    orphans: Orphans
    tombstones: Tombstones
    recovery: Recovery

    @handles(verbs.IntegrityVerify)
    def integrity_verify(self, asked: verbs.IntegrityVerify, caller: Caller) -> Any:
        chosen = [access.find_own(text, caller, self.library) for text in asked.archives]
        if not chosen and not caller.is_admin:
            raise BadRequest("name the archives to be checked; only an admin may check all")
        check = asked.model_copy(update={"archives": chosen})
        return {"job_id": self.jobs.submit("check", lambda job: self.verifier.run(check, job), caller.user).id}

    @handles(verbs.IntegrityJob)
    def integrity_job(self, asked: verbs.IntegrityJob, caller: Caller) -> Any:
        job = self.jobs.find(asked.job_id)
        if not caller.sees(job.owner):
            raise unknown_job()
        return {
            "what": job.what, "state": job.state, "done_bytes": job.done_bytes, "total_bytes": job.total_bytes, "error": job.error,
            "result": job.result,
        }  # fmt: skip

    @handles(verbs.IntegrityOrphans)
    def integrity_orphans(self, asked: verbs.IntegrityOrphans) -> Any:
        return {"job_id": self.jobs.submit("search for orphans", lambda job: self.orphans.run(job, adopt=asked.adopt)).id}

    @handles(verbs.IntegrityTombstones)
    def integrity_tombstones(self, asked: verbs.IntegrityTombstones) -> Any:
        return self.tombstones.look(asked.limit)

    @handles(verbs.IntegrityBury)
    def integrity_bury(self, asked: verbs.IntegrityBury) -> Any:
        self.tombstones.confirm(self.connections.find(asked.connection), asked.objects)
        return {"objects": asked.objects}

    # Recovery

    @handles(verbs.RecoveryLook)
    def recovery_look(self, asked: verbs.RecoveryLook) -> Any:
        connection_id = self.connections.find(asked.connection).id
        return {"job_id": self.jobs.submit("look at what could be recovered", lambda job: self.recovery.look(connection_id, job)).id}

    @handles(verbs.RecoveryStart)
    def recovery_start(self, asked: verbs.RecoveryStart) -> Any:
        return {"appliance_id": self.recovery.ask(self.connections.find(asked.connection), asked.appliance_id)}

    @handles(verbs.RecoveryState)
    def recovery_state(self, _asked: verbs.RecoveryState) -> Any:
        return self.recovery.state()
