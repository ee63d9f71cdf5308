"""What is asked of scripts and their runs."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from appliance import clock
from appliance.access import Caller
from appliance.errors import BadRequest, Conflict
from appliance.handlers.table import handles
from appliance.scripts.desk import ScriptDesk
from appliance.scripts.running import Wanted
from appliance.scripts.saved_version import Facts, SavedScript, SavedVersion
from mqtt import script_answers as answers
from mqtt import script_verbs as verbs
from mqtt.script_messages import MAX_SOURCE_BYTES, UNFINISHED, Limits, ScriptLine, Value
from mqtt.verb_answers import Nothing

_MOST_ANSWER_BYTES = 200_000
_OF_NEVER_SAVED = ("title", "source_base64", "permission", "limits")


@dataclass(frozen=True, slots=True)
class ScriptVerbs:
    """``script/…``."""

    desk: ScriptDesk

    @handles(verbs.ScriptList)
    def script_list(self, asked: verbs.ScriptList) -> answers.ScriptList:
        scripts = self.desk.saved.all()
        shown = scripts[asked.offset : asked.offset + asked.limit]
        last = self.desk.history.last_of(script.id for script in shown)
        facts = [answers.ScriptFacts(**self._facts(script, last.get(script.id))) for script in shown]
        return answers.ScriptList(scripts=facts, total=len(scripts), runner="online" if self.desk.running.is_online else "offline")

    @handles(verbs.ScriptShow)
    def script_show(self, asked: verbs.ScriptShow) -> answers.Script:
        return self._shown(*self.desk.saved.version(asked.script, asked.version))

    def _shown(self, script: SavedScript, version: SavedVersion) -> answers.Script:
        source = base64.b64encode(self.desk.saved.source(script, version)).decode()
        last = self.desk.history.last_of([script.id]).get(script.id)
        return answers.Script(**self._facts(script, last), shown_version=version.version, source_base64=source)

    def _facts(self, script: SavedScript, last_run: answers.RunFacts | None) -> dict[str, Any]:
        newest, deployed = script.newest, self.desk.deployments.all(script.id)
        turns = [at for key in deployed for at in self.desk.planner.next_at(key, 1)]
        told = {name: getattr(newest, name) for name in type(newest).model_fields}
        return {**told, "id": script.id, "shipped": script.shipped, "last_run": last_run, "next_run_at": min(turns, default=None),
                "deployments": len(deployed)}  # fmt: skip

    @handles(verbs.ScriptVersions)
    def script_versions(self, asked: verbs.ScriptVersions) -> answers.VersionList:
        return answers.VersionList(versions=[each.shown() for each in reversed(self.desk.saved.get(asked.script).versions)])

    @handles(verbs.ScriptSave, who=True)
    def script_save(self, asked: verbs.ScriptSave, caller: Caller) -> answers.Script:
        facts = Facts(title=asked.title, description=asked.description, permission=asked.permission, limits=asked.limits)
        saved = self.desk.saved.save(asked.script, _source(asked.source_base64), facts, by=caller.name, based_on=asked.based_on)
        return self._shown(saved, saved.newest)

    @handles(verbs.ScriptRollBack, who=True)
    def script_roll_back(self, asked: verbs.ScriptRollBack, caller: Caller) -> answers.Script:
        saved = self.desk.saved.roll_back(asked.script, asked.version, by=caller.name)
        return self._shown(saved, saved.newest)

    @handles(verbs.ScriptDelete)
    def script_delete(self, asked: verbs.ScriptDelete) -> Nothing:
        with self.desk.saved.changing:
            if runs := self.desk.running.of(script=asked.script):
                raise Conflict(f"{asked.script!r} runs, or waits to; end run {runs[0].run_id} first")
            if deployed := self.desk.deployments.all(asked.script):
                raise Conflict(f"{asked.script!r} is deployed; remove deployment {next(iter(deployed))} first")
            self.desk.saved.delete(asked.script)
            self.desk.values.forget(asked.script)
        return Nothing()

    @handles(verbs.ScriptRun, who=True)
    def script_run(self, asked: verbs.ScriptRun, caller: Caller) -> answers.RunStarted:
        with self.desk.saved.changing:  # what is deleted meanwhile must not run
            return answers.RunStarted(run_id=self.desk.running.ask(self._wanted(asked, caller.name)))

    def _wanted(self, asked: verbs.ScriptRun, by: str) -> Wanted:
        named = [name for name in _OF_NEVER_SAVED if getattr(asked, name) is not None]
        if asked.script is not None:
            if named:
                raise BadRequest(f"{named[0]} is that of a source that was never saved; leave it out, or leave out script")
            return self.desk.wanted(asked.script, asked.version, asked.arguments, by)
        if asked.source_base64 is None or asked.version is not None:
            raise BadRequest("name a saved script, or give a source_base64 that was never saved, without a version")
        return Wanted(
            title=asked.title or "Not saved", source=_source(asked.source_base64), permission=asked.permission or "read",
            limits=asked.limits or Limits(), arguments=asked.arguments, asked_by=by,
        )  # fmt: skip

    @handles(verbs.ScriptKill)
    def script_kill(self, asked: verbs.ScriptKill) -> Nothing:
        self.desk.running.kill(asked.run_id)
        return Nothing()

    @handles(verbs.ScriptRuns)
    def script_runs(self, asked: verbs.ScriptRuns) -> answers.RunPage:
        runs = self.desk.history.newest_first(script=asked.script, deployment=asked.deployment_id)
        return answers.RunPage(runs=runs[asked.offset : asked.offset + asked.limit], total=len(runs))

    @handles(verbs.ScriptOutput)
    def script_output(self, asked: verbs.ScriptOutput) -> answers.OutputPage:
        run = self.desk.history.get(asked.run_id)
        lines, more = self._lines(asked)
        first = self.desk.outputs.first_kept(run.run_id)
        return answers.OutputPage(run=run, lines=lines, first_kept=run.lines if first is None else first, more=more)

    def _lines(self, asked: verbs.ScriptOutput) -> tuple[list[ScriptLine], bool]:
        found: list[ScriptLine] = []
        size_bytes = 0
        for line in self.desk.outputs.read(asked.run_id, asked.from_sequence):
            size_bytes += len(line.model_dump_json())
            if len(found) == asked.limit or (found and size_bytes > _MOST_ANSWER_BYTES):
                return found, True
            found.append(line)
        return found, False

    @handles(verbs.ScriptValue, who=True)
    def script_value(self, asked: verbs.ScriptValue, caller: Caller) -> Nothing:
        run = caller.run
        if run is None:
            raise Conflict("only a running script publishes values; ask in a script, with appliance_api")
        if run.script_id is None:
            raise Conflict("a script has to be saved before it can publish values; save it, then run it")
        if asked.unit is not None and (isinstance(asked.value, str | bool)):
            raise BadRequest("only a number has a unit; leave the unit out, or give a number")
        value = Value(value=asked.value, unit=asked.unit, title=asked.title, at=clock.now())
        self.desk.values.set(run.script_id, run.title, asked.name, value)
        return Nothing()

    @handles(verbs.ScriptDismiss)
    def script_dismiss(self, asked: verbs.ScriptDismiss) -> Nothing:
        if self.desk.history.get(asked.run_id).state in UNFINISHED:
            raise Conflict(f"run {asked.run_id} has not ended; end it first")
        self.desk.told.dismiss(asked.run_id)
        return Nothing()


def _source(text: str) -> bytes:
    try:
        source = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("source_base64 is not base64 (RFC 4648, section 4)") from None
    if len(source) > MAX_SOURCE_BYTES:
        raise BadRequest(f"the source has {len(source):,} bytes, and {MAX_SOURCE_BYTES:,} are the most; leave data out of it")
    return source
