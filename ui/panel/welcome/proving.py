"""The proof on the page: each stage is ticked as it happens, with its time."""

from __future__ import annotations

from typing import Any

from nicegui import background_tasks, ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.jobs import Ask
from ui.panel.welcome.proof import STAGES, TITLE, Proof, Stage

_ICONS = {"waiting": "radio_button_unchecked", "running": "progress_activity", "done": "check_circle", "failed": "error"}
_SAID = {"waiting": "not begun", "running": "under way", "done": "done", "failed": "failed"}
_proofs: dict[str, Proof] = {}
"""By user: the run of this process, if there is one."""


class Proving:
    """In the place where it is made. ``changed()`` when it is proven."""

    def __init__(self) -> None:
        self._person = here.person()
        self._area = parts.area()
        self._rows: dict[str, StageRow] = {}

    async def load(self) -> None:
        """The run of the moment, or what is left of an earlier one. Raises Failed."""
        proof = _proofs.get(self._person.name)
        if proof:
            self._watch(proof)
            return
        found = await here.ask("archive/list", search=TITLE, owner=self._person.name, limit=1)
        archive = next(iter(found["archives"]), None)
        self._area.show(archive["id"] if archive else None, lambda: self._offer(archive))

    def _offer(self, archive: dict[str, Any] | None) -> None:
        parts.text(
            "A text file of a few kilobytes goes the whole way: handed in, copied away, deleted here, fetched back, compared. "
            "It takes a few seconds, with Google Drive about half a minute.", "p",
        )  # fmt: skip
        if archive and archive["rung"] == "proven" and archive["local"]:
            parts.banner("ok", "verified", "A test file came back unharmed. It is kept: checks read it again from time to time.")
        with parts.row():
            label = "Prove it again" if archive else "Prove it"
            unfinished = archive if archive and archive["rung"] != "proven" else None
            parts.action("Go on with the proof" if unfinished else label, lambda: self._begin(unfinished), icon="verified", kind="main")
            if archive:
                parts.action("Remove the test file", lambda: self._remove(archive["id"]), icon="delete", kind="quiet")

    async def _begin(self, unfinished: dict[str, Any] | None) -> None:
        proof = _proofs[self._person.name] = Proof(_asking(), self._person.name, unfinished["id"] if unfinished else None)
        background_tasks.create(proof.run())
        self._watch(proof)

    async def _remove(self, archive_id: str) -> None:
        await here.ask("archive/remove", archive=archive_id)
        _proofs.pop(self._person.name, None)
        parts.toast("The test file was removed.")
        await self.load()

    def _watch(self, proof: Proof) -> None:
        self._area.show(id(proof), lambda: self._stages(proof))

    def _stages(self, proof: Proof) -> None:
        with ui.element("ol").classes("pa-stages").props('aria-live="polite"'):
            rows = [StageRow(STAGES[name], stage) for name, stage in proof.stages.items()]
        end = parts.area()
        client = ui.context.client

        def show() -> None:
            with client:
                for row in rows:
                    row.show()
                end.show((proof.running, proof.failed), lambda: self._end(proof))

        proof.listeners.add(show)
        client.on_delete(lambda: proof.listeners.discard(show))
        show()

    def _end(self, proof: Proof) -> None:
        if proof.running:
            return
        if not proof.failed:
            parts.banner("ok", "verified", "Proven: what you hand in comes back, byte for byte.")
        again = {"id": proof.archive_id} if proof.failed and proof.archive_id else None
        label = "Try again" if proof.failed else "Prove it again"
        with parts.row():
            parts.action(label, lambda: self._begin(again), icon="refresh", kind="main" if proof.failed else "quiet")
            if proof.archive_id:
                parts.action("Remove the test file", lambda: self._remove(str(proof.archive_id)), icon="delete", kind="quiet")


class StageRow:
    """One stage: an icon, its words, its time, and what it waits for."""

    def __init__(self, words: str, stage: Stage) -> None:
        self._stage = stage
        with ui.element("li").classes("pa-stage") as self._row:
            self._icon: Element = parts.icon(_ICONS["waiting"])
            with ui.element("div"):
                parts.text(words)
                self._said = parts.text("").classes("pa-hidden-text")
                self._note = parts.text("", "p").classes("pa-small pa-muted")
            self._time = parts.text("").classes("pa-num pa-muted pa-stage-time")
        self._shown: object = None

    def show(self) -> None:
        stage = self._stage
        if stage.state != self._shown:
            self._shown = stage.state
            self._row.props["data-stage"] = stage.state
            self._icon.props["name"] = _ICONS[stage.state]
            self._said.set(f" ({_SAID[stage.state]})")
        self._note.set(parts.sentence_of(stage.note) if stage.note else "")
        self._time.set(f"{stage.took_s:.1f} s" if stage.state in {"done", "failed"} else "")


def _asking() -> Ask:
    """Questions of this person that go on when the page is left."""
    panel, person = here.panel(), here.person()

    async def ask(verb: str, **parameters: Any) -> Any:
        return await panel.appliance.ask(verb, person, **parameters)

    return ask
