"""Where the copies are to go: the first connection, or the way back after a broken appliance."""

from __future__ import annotations

from nicegui import ui

from ui.panel import parts
from ui.panel.connecting.adding_drive import AddDrive
from ui.panel.connecting.adding_folder import AddFolder
from ui.panel.connecting.following import connection, connections, soon
from ui.panel.connecting.setup import Setup
from ui.panel.connecting.standing import State, next_step

_WAYS = (
    (
        "drive",
        "add_to_drive",
        "Google Drive",
        "Away from home: fire and theft do not take both. Your own account; 15 GB are free of charge.",
    ),
    ("folder", "folder", "A disk or NAS", "Quick, and yours alone. Best together with a copy elsewhere."),
    ("recover", "history", "I had an appliance before", "Its card or disk broke: bring back what it had stored."),
)
_RECOVER = "Add the place where the old appliance kept its copies. It is recognised, and bringing everything back is offered then."


class Place:
    """In the place where it is made. ``show()`` after each change of a connection."""

    def __init__(self) -> None:
        self._area = parts.area()
        self._chosen: str | None = None
        self._setup: Setup | None = None
        self._fresh: str | None = None

    async def show(self) -> None:
        state = self._due()
        self._area.show((state["id"] if state else None, self._chosen), lambda: self._build(state))
        if state and self._setup:
            await self._setup.show(state)

    def _due(self) -> State | None:
        """The connection that is being set up: the one just added, else any that is not finished."""
        if self._chosen:
            return None
        fresh = connection(self._fresh) if self._fresh else None
        return fresh or next((state for state in connections() if next_step(state) != "done"), None)

    def _build(self, state: State | None) -> None:
        self._setup = None
        if state:
            parts.text(f"“{state['name']}” is added. What is left:", "p")
            self._setup = Setup(state, begin=state["id"] == self._fresh)
            with parts.row():
                parts.action("Add another place instead", lambda: self._choose("all"), kind="quiet")
        elif self._chosen in {"drive", "folder"}:
            self._form(self._chosen)
        else:
            self._ways(recover=self._chosen == "recover")

    def _ways(self, *, recover: bool) -> None:
        if recover:
            parts.text(_RECOVER, "p")
        with ui.element("div").classes("pa-choices"):
            for way, icon, title, words in _WAYS:
                if not (recover and way == "recover"):
                    with parts.card() as card:
                        card.classes("pa-choice")
                        with parts.row():
                            parts.icon(icon)
                            parts.text(title, "h3").classes("pa-strong")
                        parts.text(words, "p").classes("pa-muted")
                        _button(way, title, self)

    def _form(self, chosen: str) -> None:
        with parts.stack():
            AddDrive(self._added) if chosen == "drive" else AddFolder(self._added)
            with parts.row():
                parts.action("Choose something else", lambda: self._choose("all"), kind="quiet")

    async def _choose(self, way: str) -> None:
        self._chosen = way
        await self.show()

    def _added(self, connection_id: str) -> None:
        self._fresh, self._chosen = connection_id, None
        soon(self.show)


def _button(way: str, title: str, place: Place) -> None:
    label = "Bring it back" if way == "recover" else f"Use {title}" if way == "drive" else "Use a disk or NAS"
    parts.action(label, lambda: place._choose(way), kind="main" if way == "drive" else "plain")  # noqa: SLF001 - of this module
