"""The fields beside a script's source: id, title, description, what it may do, what it may use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import parts
from ui.panel.scripting import words

_LIMITS = {
    "wall_s": ("Longest run, in seconds", 1, 604_800),
    "cpu_s": ("Processor time, in seconds", 1, 86_400),
    "memory_mib": ("Memory, in MiB", 32, 4096),
    "output_bytes": ("Output, in bytes", 1000, 64_000_000),
    "processes": ("Processes at a time", 1, 256),
    "files_mib": ("Largest file, in MiB", 1, 4096),
}
USUAL_LIMITS = {"wall_s": 3600, "cpu_s": 600, "memory_mib": 256, "output_bytes": 4_000_000, "processes": 32, "files_mib": 256}
_LONGEST_ID = 40


def id_of(title: str) -> str:
    """An id that says what the title says."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_ID].strip("-")


class Details:
    """``facts``: of the script that is changed; an id that stands already cannot be changed."""

    def __init__(self, facts: dict[str, Any], *, fixed_id: bool, changed: Callable[[], object]) -> None:
        self._changed = changed
        self._fixed_id = fixed_id
        self._id_is_ours = not fixed_id
        self._title = self._text("Title", facts.get("title", ""))
        self._id = self._text("Id: small letters, digits and -", facts.get("id", ""))
        self._id.set_enabled(not fixed_id)
        self._description = self._text("What it does, for people", facts.get("description", ""))
        self._description.props("type=textarea autogrow")
        self._build_permission(facts.get("permission", "read"))
        self._build_limits(facts.get("limits") or USUAL_LIMITS)
        self._title.on_value_change(self._titled)
        self._id.on("keydown", self._typed_id)

    def _text(self, label: str, value: str) -> ui.input:
        return ui.input(label, value=value, on_change=self._changed).props("outlined autocomplete=off").classes("pa-field")

    def _build_permission(self, chosen: str) -> None:
        self._permission = ui.radio(words.PERMISSIONS, value=chosen, on_change=self._permitted).props('aria-label="What it may do"')
        self._help = parts.text(words.PERMISSION_HELP[chosen], "p").classes("pa-muted pa-small")

    def _build_limits(self, limits: dict[str, Any]) -> None:
        with ui.element("details").classes("pa-details"):
            parts.text("Limits of a run", "summary")
            with ui.element("div").classes("pa-stack"):
                self._limits = {
                    name: ui.number(label, value=limits[name], min=least, max=most, on_change=self._changed)
                    .props("outlined dense")
                    .classes("pa-field")
                    for name, (label, least, most) in _LIMITS.items()
                }

    def _titled(self) -> None:
        if self._id_is_ours:
            self._id.set_value(id_of(self._title.value or ""))

    def _typed_id(self) -> None:
        self._id_is_ours = False

    def _permitted(self) -> None:
        self._help.set(words.PERMISSION_HELP[self._permission.value])
        self._changed()

    @property
    def id(self) -> str:
        return str(self._id.value or "").strip()

    @property
    def title(self) -> str:
        return str(self._title.value or "").strip()

    def of_run(self) -> dict[str, Any]:
        """What a run of a source that was never saved is asked for with. Raises Failed."""
        return {"title": self.title or "Not saved", "permission": self._permission.value, "limits": self._bounds()}

    def of_save(self) -> dict[str, Any]:
        """Raises Failed where a field has to be filled first."""
        if not self.title:
            raise Failed("the script has no title yet; give it one, so that others know what it is", "bad_request")
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,39}", self.id):
            raise Failed("the id has to be 2 to 40 small letters, digits and -, and begins with a letter or a digit", "bad_request")
        return {
            "script": self.id, "title": self.title, "description": str(self._description.value or "").strip(),
            "permission": self._permission.value, "limits": self._bounds(),
        }  # fmt: skip

    def _bounds(self) -> dict[str, Any]:
        for name, field in self._limits.items():
            label, least, most = _LIMITS[name]
            if field.value is None or not least <= field.value <= most:
                raise Failed(f"{label}: it has to be a number from {least:,} to {most:,}", "bad_request")
        return {name: field.value if name == "wall_s" else int(field.value) for name, field in self._limits.items()}

    def fix_id(self) -> None:
        """It was saved: from now on this is its id."""
        self._id_is_ours = False
        self._id.set_enabled(False)
