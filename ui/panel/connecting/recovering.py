"""Recovery: what lies on a remote is listed here again. Looked at first, then followed to its end, over restarts."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, jobs, parts
from ui.panel.connecting.standing import State
from ui.words import count, size

_EVERY_S = 1.0
_BACK = (
    ("users", "user", "with new setup codes"),
    ("scripts", "script", ""),
    ("deployments", "deployment", "disabled until an admin enables them"),
    ("settings", "setting", ""),
)


class Recovery:
    """In the place where it is made."""

    def __init__(self, state: State) -> None:
        self._id, self._name = state["id"], state["name"]
        self._notice = parts.notice()
        self._area = parts.area()
        self._bar: Any = None
        self._timer = ui.timer(_EVERY_S, self._tick, active=False)  # nothing is published of a recovery

    async def load(self) -> None:
        """The recovery that runs or ran last from here, else the look. Raises Failed."""
        progress = await here.ask("recovery/state")
        if progress["connection_id"] == self._id and progress["state"] == "running":
            self._follow(progress)
        elif progress["connection_id"] == self._id and progress["state"] in {"done", "failed"}:
            self._area.show(progress["state"], lambda: self._ended(progress))
        else:
            self._area.show("begin", self._begin)

    def _begin(self) -> None:
        parts.text("First it is looked at what lies there. Nothing is changed by that.", "p")
        with parts.row():
            parts.action("Look what is there", self._look, icon="search", kind="main")

    async def _look(self) -> None:
        found: dict[str, Any] = {}

        async def look() -> None:
            found.update(await jobs.finished(here.ask, "recovery/look", connection=self._id))

        if await self._notice.attempt(look):
            self._area.show(repr(found), lambda: self._choose(found))

    def _choose(self, found: dict[str, Any]) -> None:
        if not found["appliances"]:
            parts.empty("search_off", "No appliance has stored anything there", parts.sentence_of(found["hint"] or ""))
            self._begin()
            return
        for each in found["appliances"]:
            self._appliance(each)

    def _appliance(self, each: dict[str, Any]) -> None:
        with parts.card(each["appliance_id"], level=3):
            unknown = each["unknown_here"]
            parts.text(f"{count(each['archives'], 'archive')} with {size(each['bytes'])}; {unknown} of them unknown here.", "p")
            with parts.row().classes("pa-muted pa-small"):
                parts.pill("This appliance" if each["ours"] else "Another appliance", "ok" if each["ours"] else "wait")
                parts.text("Copy of its catalog:")
                parts.when(each["catalog_copy_at"], none="none; titles come from the archives themselves")
            parts.action(f"Recover {count(unknown, 'archive')} …", lambda: self._start(each), icon="history", kind="main")

    async def _start(self, each: dict[str, Any]) -> None:
        words = "The archives are listed here again; their content stays there until you restore it. Nothing there is changed or deleted."
        if not each["ours"]:
            words += (
                f"\n\nThis appliance becomes {each['appliance_id']}, and starts anew. Should the old one still run, it stops writing "
                "there within a minute, and says so."
            )
        if not await parts.confirm("Recover these archives?", words, "Recover"):
            return
        if await self._notice.attempt(
            lambda: here.ask("recovery/start", timeout_s=120.0, connection=self._id, appliance_id=each["appliance_id"])
        ):
            self._notice.show("The recovery has begun. This page may load anew meanwhile.", "busy")
            self._timer.activate()

    def _follow(self, progress: dict[str, Any]) -> None:
        self._area.show("running", self._running)
        self._show(progress)
        self._timer.activate()

    def _running(self) -> None:
        self._line = parts.text("", "p").classes("pa-num")
        self._bar = parts.bar("Archives recovered")
        self._waits = parts.text("", "p").classes("pa-muted")

    def _show(self, progress: dict[str, Any]) -> None:
        done, total = progress["archives_done"], progress["archives_total"]
        self._line.set(f"{done} of {count(total, 'archive')}")
        self._bar.show(done / total if total else 0.0)
        self._waits.set(f"It waits, and goes on by itself: {progress['error']}" if progress["error"] else "")

    async def _tick(self) -> None:
        try:
            progress = await here.ask("recovery/state")
        except Failed:
            return  # it starts anew under its other id
        if progress["connection_id"] != self._id or progress["state"] == "none":
            return
        self._notice.clear_words()
        if progress["state"] == "running":
            self._follow(progress)
            return
        self._timer.deactivate()
        self._area.show(progress["state"], lambda: self._ended(progress))

    def _ended(self, progress: dict[str, Any]) -> None:
        if progress["state"] == "failed":
            parts.banner("bad", "error", parts.sentence_of(progress["error"] or "the recovery failed"))
        else:
            here_already = f"; {progress['already_here']} were here already" if progress["already_here"] else ""
            parts.banner("ok", "check_circle", f"{count(progress['adopted'], 'archive')} recovered{here_already}.")
        for words in came_back(progress):
            parts.text(words, "p")
        if progress["skipped"]:
            _skipped(progress)
        with parts.row():
            parts.go("See the archives", "/archives", kind="main")
            parts.go("Back to the connection", f"/connections/{self._id}")
            parts.action("Look again", self._look, icon="search")


def came_back(progress: dict[str, Any]) -> list[str]:
    """What came back beside the archives, and what has to be added again. Pure."""
    more = [f"{count(progress[key], noun)}{f' ({note})' if note else ''}" for key, noun, note in _BACK if progress[key]]
    words = [f"Back as well: {', '.join(more)}."] if more else []
    words += [f"To be added again: the connection “{one['name']}” ({one['path'] or one['kind']})." for one in progress["connections"]]
    return words


def _skipped(progress: dict[str, Any]) -> None:
    with ui.element("details").classes("pa-fold").props("open"):
        parts.text(f"{count(progress['skipped_total'], 'archive')} did not come back, or not whole", "summary")
        with ui.element("ul").classes("pa-list"):
            for one in progress["skipped"][:100]:
                parts.text(f"{one['archive_id']}: {one['why']}", "li").classes("pa-list-row pa-prewrap")
