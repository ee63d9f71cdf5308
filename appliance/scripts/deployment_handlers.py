"""What is asked of deployments."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.handlers.table import handles
from appliance.scripts.deployments import Schedule, schedule_of
from appliance.scripts.desk import ScriptDesk
from mqtt import script_answers as answers
from mqtt import script_verbs as verbs
from mqtt.verb_answers import Nothing


@dataclass(frozen=True, slots=True)
class DeploymentVerbs:
    """``deployment/…``."""

    desk: ScriptDesk

    @handles(verbs.DeploymentList)
    def deployment_list(self, asked: verbs.DeploymentList) -> answers.DeploymentList:
        shown = [self._shown(key, each) for key, each in self.desk.deployments.all(asked.script).items()]
        return answers.DeploymentList(deployments=sorted(shown, key=lambda each: each.title), paused=self.desk.deployments.paused)

    @handles(verbs.DeploymentSave)
    def deployment_save(self, asked: verbs.DeploymentSave) -> answers.Deployment:
        with self.desk.saved.changing:  # what is deleted meanwhile must not be deployed
            self.desk.saved.get(asked.script)
            schedule = schedule_of(**asked.model_dump(exclude={"id", "script"}), script_id=asked.script)
            key = self.desk.deployments.save(asked.id, schedule)
        self.desk.planner.changed()
        return self._shown(key, schedule)

    @handles(verbs.DeploymentRemove)
    def deployment_remove(self, asked: verbs.DeploymentRemove) -> Nothing:
        self.desk.deployments.remove(asked.id)
        self.desk.planner.changed()
        return Nothing()

    @handles(verbs.DeploymentPauseAll)
    def deployment_pause_all(self, asked: verbs.DeploymentPauseAll) -> Nothing:
        self.desk.deployments.pause(asked.paused)
        self.desk.planner.changed()
        return Nothing()

    def _shown(self, key: str, schedule: Schedule) -> answers.Deployment:
        runs = self.desk.history.newest_first(deployment=key)
        return answers.Deployment(
            id=key, title=self.desk.title_of(schedule.script_id), next_at=self.desk.planner.next_at(key),
            last_run=runs[0] if runs else None, **schedule.model_dump(exclude={"changed_at"}),
        )  # fmt: skip
