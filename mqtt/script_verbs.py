"""The request verbs of scripts, runs and deployments. For admins alone; a script asks for none of them but `script/value`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mqtt import script_answers as answers
from mqtt.script_answers import CatchUp, Overlap
from mqtt.script_messages import MAX_SOURCE_BASE64, Arguments, Limits, Permission
from mqtt.verb import Verb

ScriptId = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{1,39}$", description="The script's id: 2 to 40 of a-z, 0-9 and `-`")]
Title = Annotated[str, Field(min_length=1, max_length=200, description="The script's title")]
Source = Annotated[str, Field(max_length=MAX_SOURCE_BASE64, description="Its bytes in base64 (RFC 4648, section 4)")]
RunId = Annotated[str, Field(min_length=1, max_length=64)]
DeploymentId = Annotated[str, Field(min_length=1, max_length=32, description="The deployment's id")]


class ScriptList(Verb, verb="script/list", answer=answers.ScriptList, looks=True, for_scripts=False):
    """The scripts that were saved, and those that came with the appliance."""

    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=200)


class ScriptShow(Verb, verb="script/show", answer=answers.Script, looks=True, for_scripts=False):
    """A script with its source."""

    script: ScriptId
    version: int | None = Field(default=None, ge=1, description="None: the newest")


class ScriptVersions(Verb, verb="script/versions", answer=answers.VersionList, looks=True, for_scripts=False):
    """The versions of a script that are kept."""

    script: ScriptId


class ScriptSave(Verb, verb="script/save", answer=answers.Script, audited=True, for_scripts=False):
    """A new script, or a new version of one.

    Error conflict: ``based_on`` is not the newest version (somebody saved meanwhile), the id is taken, or it came with the appliance.
    """

    script: ScriptId
    title: Title
    description: str = Field(default="", max_length=1000, description="What it does, for people")
    source_base64: Source
    permission: Permission = Field(default="read", description="What its runs may ask for")
    limits: Limits = Field(default=Limits(), description="What a run of it may use")
    based_on: int | None = Field(default=None, ge=1, description="The version that was changed; none: it is a new script")


class ScriptRollBack(Verb, verb="script/roll-back", answer=answers.Script, audited=True, for_scripts=False):
    """A new version that is as an old one was: source, title, description, permission and limits."""

    script: ScriptId
    version: int = Field(ge=1, description="The old one")


class ScriptDelete(Verb, verb="script/delete", audited=True, for_scripts=False):
    """Forget a script with its versions; what its runs have written stays in the history. Error conflict: it is deployed, or it runs."""

    script: ScriptId


class ScriptRun(Verb, verb="script/run", answer=answers.RunStarted, audited=True, for_scripts=False):
    """Run a saved script (``script``), or a source that was never saved (``source_base64``). Errors conflict: the runner is away, or
    too many runs wait.
    """

    script: ScriptId | None = Field(default=None, description="A saved script's id")
    version: int | None = Field(default=None, ge=1, description="None: the newest")
    title: Title | None = Field(default=None, description="Of a source that was never saved")
    source_base64: Source | None = Field(default=None, description="Of one that was never saved: its bytes in base64 (RFC 4648, section 4)")
    permission: Permission | None = Field(default=None, description="Of a source that was never saved; none: `read`")
    limits: Limits | None = Field(default=None, description="Of a source that was never saved; none: the usual ones")
    arguments: Arguments = Field(default=[])


class ScriptKill(Verb, verb="script/kill", audited=True, for_scripts=False):
    """End a run, also one that waits. Safe to repeat."""

    run_id: RunId


class ScriptRuns(Verb, verb="script/runs", answer=answers.RunPage, looks=True, for_scripts=False):
    """The runs that are remembered: the last 200 of a script, 2,000 in all."""

    script: ScriptId | None = Field(default=None, description="A saved script's id")
    deployment_id: DeploymentId | None = Field(default=None, description="Of this deployment alone")
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=1, le=200)


class ScriptOutput(Verb, verb="script/output", answer=answers.OutputPage, looks=True, for_scripts=False):
    """What a run has written, from a line on; as many lines as fit into an answer. How a viewer that comes late gets what it missed."""

    run_id: RunId
    from_sequence: int = Field(default=0, ge=0, description="The first line that is wanted")
    limit: int = Field(default=1000, ge=1, le=5000)


class ScriptDismiss(Verb, verb="script/dismiss", for_scripts=False):
    """The run's retained state goes from the broker; the history keeps the run. Error conflict: it has not ended. Safe to repeat."""

    run_id: RunId


class ScriptValue(Verb, verb="script/value"):
    """For a running script alone, one with any permission: publish a value of it, which Home Assistant shows as a sensor."""

    name: str = Field(pattern="^[a-z0-9]+(_[a-z0-9]+)*$", max_length=40, description="The value's name: 1 to 40 of a-z, 0-9 and single `_`")
    value: float | int | bool | Annotated[str, Field(max_length=255)] | None = Field(description="None: it is unknown")
    unit: str | None = Field(default=None, min_length=1, max_length=16, description="Of a number, as Home Assistant shows it, like GB")
    title: str | None = Field(default=None, min_length=1, max_length=64, description="For people; none: the name")

    def changes(self) -> bool:
        """Nothing that the appliance keeps for anybody."""
        return False


class DeploymentList(Verb, verb="deployment/list", answer=answers.DeploymentList, looks=True, for_scripts=False):
    """The deployments, with their next turns."""

    script: ScriptId | None = Field(default=None, description="A saved script's id")


class DeploymentSave(Verb, verb="deployment/save", answer=answers.Deployment, audited=True, for_scripts=False):
    """A new deployment, or a changed one (``id``): exactly one of ``every_s`` and ``cron``. It runs the script's newest version."""

    id: DeploymentId | None = Field(default=None, description="None: it is a new one")
    script: ScriptId
    every_s: float | None = Field(default=None, ge=1, le=31_622_400, description="Seconds between two beginnings")
    cron: str | None = Field(
        default=None, max_length=200, description="Five fields: minute, hour, day of month, month, day of week; like `30 3 * * mon-fri`"
    )
    time_zone: str | None = Field(
        default=None, max_length=64, description="Of the cron expression, like Europe/Berlin; none: the computer's"
    )
    overlap: Overlap = Field(default="skip", description="What is done when its turn comes while it still runs")
    catch_up: CatchUp = Field(default="no", description="Whether turns that were missed while nothing could run are made up for")
    arguments: Arguments = Field(default=[])
    enabled: bool = Field(default=True, description="It has turns")


class DeploymentRemove(Verb, verb="deployment/remove", audited=True, for_scripts=False):
    """End a deployment. A run of it that is under way goes on. Safe to repeat."""

    id: DeploymentId


class DeploymentPauseAll(Verb, verb="deployment/pause-all", audited=True, for_scripts=False):
    """No deployment has turns until this is taken back, over restarts."""

    paused: bool = Field(description="Or take it back")
