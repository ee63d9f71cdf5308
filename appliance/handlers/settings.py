"""What is asked of settings and of the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance import clock
from appliance.errors import NotFound
from appliance.handlers.table import handles
from appliance.log_query import LogFilter
from appliance.logs import RecentLines
from appliance.settings import SettingsStore
from appliance.timetable_preview import preview
from mqtt import verbs, view_verbs
from mqtt.verb_answers import LogPage
from mqtt.view_answers import TimetablePreview


@dataclass(frozen=True, slots=True)
class SettingsVerbs:
    """``settings/…`` and ``log/query``."""

    settings: SettingsStore
    lines: RecentLines
    clock_is_right: Callable[[], bool]

    @handles(verbs.SettingsGet)
    def settings_get(self, asked: verbs.SettingsGet) -> Any:
        state = self.settings.state()
        if asked.name is None:
            return state.model_dump(mode="json")
        found = next((setting for setting in state.settings if setting.name == asked.name), None)
        if found is None:
            raise NotFound(f"there is no setting {asked.name[:64]!r}; `pyarchive settings get` lists them")
        return found.model_dump(mode="json")

    @handles(verbs.SettingsSet)
    def settings_set(self, asked: verbs.SettingsSet) -> Any:
        self.settings.set(asked.name, asked.value)
        return self.settings_get(verbs.SettingsGet(name=asked.name))

    @handles(view_verbs.SettingsPreviewTimetable)
    def settings_preview_timetable(self, asked: view_verbs.SettingsPreviewTimetable) -> TimetablePreview:
        return preview(asked.timetable, asked.time_zone, clock.now(), clock_is_right=self.clock_is_right())

    @handles(verbs.LogQuery)
    def log_query(self, asked: verbs.LogQuery) -> LogPage:
        wanted = LogFilter(**asked.model_dump(exclude={"limit", "offset"}))
        lines, more = self.lines.query(wanted, offset=asked.offset, limit=asked.limit)
        return LogPage(lines=lines, more=more)
