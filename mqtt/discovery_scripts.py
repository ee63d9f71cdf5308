"""The values that scripts publish, as sensors of Home Assistant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PREFIX = "script_"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptSensor:
    """One value of a script. One with a unit is a number."""

    script_id: str
    name: str
    title: str
    unit: str | None = None

    @property
    def key(self) -> str:
        """Its own: names have no two underscores in a row, so the last two are where the name begins."""
        return f"{PREFIX}{self.script_id.replace('-', '_')}__{self.name}"

    @property
    def state(self) -> str:
        """Topic below the base."""
        return f"script/{self.script_id}/values"

    @property
    def more(self) -> dict[str, Any]:
        """Never fails: what is missing is unknown."""
        message = "(value_json | default({}, true))"
        template = f"{{{{ (({message}.get('values') or {{}}).get('{self.name}') or {{}}).get('value') }}}}"
        numeric: dict[str, Any] = {"unit_of_measurement": self.unit, "state_class": "measurement", "suggested_display_precision": 2}
        return {"value_template": template, "icon": "mdi:script-text-outline", **(numeric if self.unit else {})}
