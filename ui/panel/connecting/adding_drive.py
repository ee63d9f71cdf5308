"""Google Drive as a connection: the OAuth client's file first; the sign-in comes next, on the connection's page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import UploadEventArguments

from ui.panel import here, parts
from ui.panel.connecting import credentials_file
from ui.panel.connecting.adding_folder import Added
from ui.panel.connecting.credentials_file import CredentialsFile
from ui.panel.connecting.drive_help import how_to_get_a_client

Take = Callable[[CredentialsFile], Awaitable[object]]


class AddDrive:
    """In the place where it is made. ``added(connection_id)`` at the end."""

    def __init__(self, added: Added) -> None:
        self._added = added
        with parts.stack().classes("pa-narrow"):
            parts.text(
                "The appliance signs in with an OAuth client of your own: nobody else's app stands between you and your files, and it "
                "sees only what it made itself. Making one takes about ten minutes and costs nothing.", "p",
            )  # fmt: skip
            how_to_get_a_client()
            self._name = ui.input("Name", value="Google Drive").props("outlined maxlength=64").classes("pa-field")
            CredentialsForm("Add Google Drive", self._add)

    async def _add(self, given: CredentialsFile) -> None:
        name = (self._name.value or "").strip() or "Google Drive"
        answer = await here.ask("connection/add", timeout_s=60.0, kind="drive", name=name, credentials=given.text)
        self._added(answer["id"])


class CredentialsForm:
    """A file to be chosen, or its text pasted; looked at at once, sent by ``take``, and never shown again."""

    def __init__(self, verb: str, take: Take) -> None:
        self._take = take
        self._given: CredentialsFile | None = None
        self._notice: parts.Notice
        self._upload = ui.upload(on_upload=self._chosen, auto_upload=True, max_file_size=credentials_file.LARGEST_BYTES + 1, max_files=1)
        self._upload.classes("pa-upload-hidden").props('accept=".json,application/json" aria-hidden="true"')
        self._upload.on_rejected(
            lambda: self._notice.show("This file is too large, so it holds no credentials. Choose the JSON from Google.")
        )
        with parts.row():
            parts.action("Choose the JSON file …", self._choose, icon="upload_file")
            parts.text("or paste its text:")
        self._pasted = ui.textarea("Text of the JSON file").props("outlined rows=3 autocomplete=off spellcheck=false").classes("pa-field")
        self._pasted.on_value_change(lambda event: self._look(event.value) if event.value else None)
        self._notice = parts.notice()
        with parts.row():
            self._go = parts.action(verb, self._send, icon="add_to_drive", kind="main")
            self._go.disable()

    async def _choose(self) -> None:
        self._upload.run_method("pickFiles")

    async def _chosen(self, event: UploadEventArguments) -> None:
        content = await event.file.read()
        self._upload.reset()
        await self._notice.attempt(lambda: self._read(credentials_file.decoded, content))

    def _look(self, text: str) -> None:
        ui.timer(0, lambda: self._notice.attempt(lambda: self._read(lambda given: given, text)), once=True)

    async def _read(self, decode: Callable[..., str], content: bytes | str) -> None:
        self._given = None
        self._go.disable()
        self._given = credentials_file.read(decode(content))
        self._pasted.set_value("")  # a secret is not left standing
        client = f" · {self._given.client_id}" if self._given.client_id else ""
        self._notice.show(f"{self._given.words}{client}", "ok")
        self._go.enable()

    async def _send(self) -> None:
        given = self._given
        if given and await self._notice.attempt(lambda: self._take(given)):
            self._given = None
            self._go.disable()
