"""What is asked of settings and of the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.errors import NotFound
from appliance.handlers.table import handles
from appliance.logs import RecentLines
from appliance.settings import SettingsStore
from mqtt import verbs


@dataclass(frozen=True, slots=True)
class SettingsVerbs:
    """``settings/…`` and ``log/query``."""

    settings: SettingsStore
    lines: RecentLines

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

    @handles(verbs.LogQuery)
    def log_query(self, asked: verbs.LogQuery) -> Any:
        found = self.lines.query(limit=asked.limit, level=asked.level, text=asked.text, archive_id=asked.archive_id)
        return {"lines": [line.model_dump(mode="json") for line in found]}
