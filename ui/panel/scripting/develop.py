"""Writing a script: the editor, what stands beside it, and the console of what was tried."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.scripting import conflict, words
from ui.panel.scripting.console import Console
from ui.panel.scripting.details import Details
from ui.panel.scripting.editor import Editor
from ui.panel.scripting.reference import reference
from ui.panel.scripting.running import Stage
from ui.panel.scripting.source import Source

START = Source(b"""from appliance_api import appliance

for archive in appliance.archives():
    print(archive.title, archive.rung)
""")
_HINT = "Ctrl+Enter runs what is written here, saved or not. Ctrl+S saves it."


class Develop:
    """``script``: what the appliance said of it; None for a new one, which begins with ``source``."""

    def __init__(self, script: dict[str, Any] | None, source: Source, facts: dict[str, Any], templates: dict[str, str]) -> None:
        self._based_on: int | None = script["version"] if script else None
        self._saved = source
        self._unsaved = False
        self._templates = templates
        with ui.element("div").classes("pa-develop"):
            with ui.element("div").classes("pa-stack pa-wide-stack"):
                with parts.card():
                    self._build_editor(source)
                with parts.card("Output") as card:
                    self._console = Console()
                    self._stage = Stage(card, self._console)
            with ui.element("div").classes("pa-stack pa-wide-stack"):
                self._build_side(facts, fixed_id=script is not None)

    def _build_editor(self, source: Source) -> None:
        with parts.row():
            parts.action("Run", self._run, icon="play_arrow", kind="main")
            self._save_button = parts.action("Save", self._save, icon="save")
            parts.action("Reset", self._reset, kind="quiet")
            self._state = parts.text("").classes("pa-muted pa-small").props('role="status"')
        self._notice = parts.notice()
        self._editor = Editor(source, changed=self._changed, keys={"Mod-Enter": self._run_by_key, "Mod-s": self._save_by_key})
        if source.mixes_line_ends:
            parts.text("Its ends of line differ; a change that is saved makes them all alike.", "p").classes("pa-muted pa-small")
        self._arguments = ui.input("Arguments, as on a command line").props("outlined dense autocomplete=off").classes("pa-field")

    def _build_side(self, facts: dict[str, Any], *, fixed_id: bool) -> None:
        with parts.card("About it"):
            self._details = Details(facts, fixed_id=fixed_id, changed=self._changed)
        with parts.card("Help"):
            parts.text(_HINT, "p").classes("pa-muted pa-small")
            if self._templates and not fixed_id:
                template = ui.select(self._templates, label="Begin with a script that is there", on_change=self._begin_with)
                template.props("outlined dense").classes("pa-field")
            reference()

    # What is unsaved

    def _changed(self) -> None:
        self._keep(unsaved=True)

    def _keep(self, *, unsaved: bool) -> None:
        if unsaved != self._unsaved:
            self._unsaved = unsaved
            self._state.set("Not saved yet" if unsaved else "")
            ui.run_javascript(f"window.pyarchive.unsaved({'true' if unsaved else 'false'})")

    @property
    def _source(self) -> Source:
        return self._saved.edited(self._editor.text)

    # What the buttons do

    async def _run_by_key(self) -> None:
        await self._notice.attempt(self._run)

    async def _save_by_key(self) -> None:
        await self._notice.attempt(self._save)

    async def _run(self) -> None:
        self._notice.clear_words()
        if self._console.running:
            raise Failed("the last run still goes on; stop it first", "conflict")
        asked = await here.ask(
            "script/run",
            source_base64=self._source.base64,
            arguments=words.arguments(self._arguments.value or ""),
            **self._details.of_run(),
        )
        await self._stage.show(asked["run_id"])

    async def _save(self) -> None:
        self._notice.clear_words()
        await self._save_on(self._based_on)

    async def _save_on(self, based_on: int | None) -> None:
        source = self._source
        try:
            saved = await here.ask("script/save", source_base64=source.base64, based_on=based_on, **self._details.of_save())
        except Failed as error:
            if error.code != "conflict" or based_on is None:
                raise
            await self._solve(error, source)
            return
        self._taken(saved, source)

    async def _solve(self, error: Failed, source: Source) -> None:
        """Somebody saved meanwhile: the reader looks at the difference, and decides."""
        theirs = await here.ask("script/show", script=self._details.id)
        if theirs["version"] == self._based_on:
            raise error
        if await conflict.save_mine(theirs, source):
            await self._save_on(theirs["version"])

    def _taken(self, saved: dict[str, Any], source: Source) -> None:
        self._saved, self._based_on = source, saved["version"]
        self._details.fix_id()
        self._keep(unsaved=False)
        self._state.set(f"Saved as version {saved['version']}")
        ui.navigate.history.replace(f"/scripts/{saved['id']}/edit")

    async def _reset(self) -> None:
        if not self._unsaved or await parts.confirm("Undo all changes?", "The source becomes again what was saved last.", "Undo them"):
            self._editor.put(self._saved)
            self._keep(unsaved=False)

    async def _begin_with(self, event: Any) -> None:
        words_ = "What is written here is replaced by the script that you chose."
        if event.value and (not self._unsaved or await parts.confirm("Replace what is written here?", words_, "Replace it")):
            await self._notice.attempt(lambda: self._put_template(event.value))

    async def _put_template(self, script: str) -> None:
        found = await here.ask("script/show", script=script)
        self._saved = Source.of_base64(found["source_base64"])
        self._editor.put(self._saved)
        self._changed()
