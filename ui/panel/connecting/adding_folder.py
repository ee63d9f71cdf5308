"""A folder as a connection: a USB disk, or a NAS."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from ui.panel import here, parts

Added = Callable[[str], None]
_GOOD_PLACES = (
    (
        "A USB disk",
        "Mount it where it is found after each start, for instance /media/backup, and make a folder on it: /media/backup/pyarchive.",
    ),
    ("A NAS", "Mount its share (NFS or SMB) in /etc/fstab, for instance at /mnt/nas, and make a folder there: /mnt/nas/pyarchive."),
    ("A folder downloaded from Drive", "Unpack it, and name the folder in which the folders of appliances lie. It can be recovered from."),
)
_BAD_PLACE = "A folder on the disk on which the archives lie already is no second copy: it dies with that disk."


class AddFolder:
    """In the place where it is made. ``added(connection_id)`` at the end."""

    def __init__(self, added: Added) -> None:
        self._added = added
        with parts.stack().classes("pa-narrow"):
            parts.text("A disk beside this appliance, or a NAS in the house. It has to be mounted on the appliance already.", "p")
            self._path = ui.input("Folder on the appliance", placeholder="/media/backup/pyarchive").props("outlined").classes("pa-field")
            self._name = ui.input("Name", value="USB disk").props("outlined maxlength=64").classes("pa-field")
            _places()
            self._notice = parts.notice()
            with parts.row():
                parts.action("Add this folder", self._add, icon="create_new_folder", kind="main")
        self._path.on("keydown.enter", self._add)

    async def _add(self) -> None:
        path, name = (self._path.value or "").strip(), (self._name.value or "").strip()
        if not path or not name:
            self._notice.show("Fill in the folder and a name for it.")
            return
        answers: list[str] = []

        async def add() -> None:
            answers.append((await here.ask("connection/add", timeout_s=60.0, kind="folder", name=name, path=path))["id"])

        if await self._notice.attempt(add):
            self._added(answers[0])


def _places() -> None:
    with ui.element("details").classes("pa-fold"):
        parts.text("What is a good place?", "summary")
        with ui.element("dl").classes("pa-terms"):
            for place, words in _GOOD_PLACES:
                parts.text(place, "dt")
                parts.text(words, "dd")
        parts.text(_BAD_PLACE, "p")
        parts.text("The program's user (pyarchive) needs to be allowed to write there: sudo chown pyarchive /media/backup/pyarchive", "p")
