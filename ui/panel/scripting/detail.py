"""The page of one script, put together."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.scripting import words
from ui.panel.scripting.console import Console
from ui.panel.scripting.deployments import Deployments
from ui.panel.scripting.details import USUAL_LIMITS
from ui.panel.scripting.editor import Editor
from ui.panel.scripting.runner_away import runner_away
from ui.panel.scripting.running import Stage
from ui.panel.scripting.runs import Runs
from ui.panel.scripting.source import Source
from ui.panel.scripting.versions import Versions
from ui.words import size

_LIMIT_WORDS = {
    "wall_s": "{:,g} s at the longest", "cpu_s": "{:,} s of processor time", "memory_mib": "{:,} MiB of memory",
    "output_bytes": "{:,} bytes of output", "processes": "{:,} processes", "files_mib": "files of {:,} MiB",
}  # fmt: skip


class Detail:
    def __init__(self, script: dict[str, Any]) -> None:
        self._script = script
        self._head()
        runner_away()
        with parts.card("Run it") as card:
            self._arguments = ui.input("Arguments, as on a command line").props("outlined dense autocomplete=off").classes("pa-field")
            parts.action("Run", self._run, icon="play_arrow", kind="main")
            self._stage = Stage(card, Console())
        with ui.element("div").classes("pa-pair"):
            with parts.card("Deployments"):
                self._deployments = Deployments(script["id"])
            with parts.card("What it may do"):
                self._rights()
        with parts.card("History"):
            self._runs = Runs(self._stage.show, script["id"], nothing="It was not run yet.")
        with parts.card("Source"):
            source = Source.of_base64(script["source_base64"])
            parts.text(f"Version {script['version']}, {size(script['size_bytes'])}, SHA-256 {script['sha256'][:12]}…").classes(
                "pa-muted pa-small"
            )
            Editor(source, read_only=True)
        with parts.card("Versions"):
            self._versions = Versions(script["id"], self._changed)

    def _head(self) -> None:
        script = self._script
        with ui.element("header").classes("pa-head"):
            parts.text(script["title"], "h1").classes("pa-title")
            with parts.row():
                if script["shipped"]:
                    parts.pill("comes with PyArchive", "mute")
                    parts.go("Make one of your own of it", f"/scripts/new?from={script['id']}", icon="content_copy")
                else:
                    parts.go("Change it", f"/scripts/{script['id']}/edit", icon="edit")
                    parts.action("Delete", self._delete, kind="danger", icon="delete")
        if script["description"]:
            parts.text(script["description"], "p").classes("pa-prewrap pa-muted")

    def _rights(self) -> None:
        permission = self._script["permission"]
        with parts.row():
            parts.pill(words.PERMISSIONS[permission].lower(), "warn" if permission == "change" else "ok")
        parts.text(words.PERMISSION_HELP[permission], "p")
        limits = {**USUAL_LIMITS, **self._script["limits"]}
        told = ", ".join(text.format(limits[name]) for name, text in _LIMIT_WORDS.items())
        parts.text(f"A run of it gets {told}.", "p").classes("pa-muted pa-small")

    async def load(self) -> None:
        """What has to be asked for. Raises Failed."""
        await self._deployments.load()
        await self._runs.load()
        await self._versions.load()

    async def _run(self) -> None:
        await self._stage.run(self._script["id"], words.arguments(self._arguments.value or ""))

    async def _changed(self) -> None:
        ui.navigate.reload()

    async def _delete(self) -> None:
        question = "All its versions go, and nothing brings them back. The history of its runs stays for a while."
        if await parts.confirm("Delete this script?", question, "Delete it", danger=True, typed=self._script["id"]):
            await here.ask("script/delete", script=self._script["id"])
            ui.navigate.to("/scripts")
