"""Which code speaks to which kind of connection, and where its credentials are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance import durable
from appliance.errors import BadRequest, SignInNeeded
from appliance.remotes.folder import FolderRemote
from appliance.remotes.remote import Epoch, Remote

if TYPE_CHECKING:
    from appliance.remotes.drive_credentials import Credentials

# Google's libraries take some 25 MB of memory and half a second: they are imported where a connection needs them.
# ruff: noqa: PLC0415


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """The place of a connection: ``path`` of a folder, ``folder_id`` of the folder itself (on a disk: of its marker), once known."""

    connection_id: str
    kind: str
    path: str | None
    folder_id: str | None


@dataclass(frozen=True, slots=True)
class Kinds:
    """``secrets`` is the folder of credentials, one file a connection; ``endpoint`` stands in for Google (tests)."""

    appliance_id: str
    secrets: Path
    endpoint: str | None
    epoch_of: Callable[[str], Epoch]

    def open(self, where: Where, appliance_id: str | None = None) -> Remote:
        """Asks nothing yet. Raises SignInNeeded where no credentials are kept."""
        home = appliance_id or self.appliance_id
        if where.kind == "folder":
            return FolderRemote(Path(where.path or ""), home, where.connection_id, self.epoch_of, folder_id=where.folder_id)
        from appliance.remotes.drive import open_drive

        return open_drive(self.credentials(where.connection_id), self.endpoint, home, self.epoch_of, where.folder_id)

    def credentials(self, connection_id: str) -> Credentials:
        """Raises SignInNeeded where there are none, or none that can be read."""
        from appliance.remotes.drive_credentials import Credentials

        try:
            return Credentials.from_text(self._file(connection_id).read_text())
        except (OSError, BadRequest):
            raise SignInNeeded("the credentials of this connection are gone; `pyarchive connection sign-in` makes new ones") from None

    def is_signed_in(self, connection_id: str) -> bool:
        """The credentials there are do not wait for a person who signs in with them. Whether Google still takes them is another matter."""
        try:
            return self.credentials(connection_id).kind != "oauth_client"
        except SignInNeeded:
            return False

    def keep_credentials(self, where: Where, text: str | None) -> str | None:
        """Checked, then kept. Returns the OAuth client's id. Raises BadRequest where they do not fit the kind."""
        if where.kind == "folder":
            if text is not None:
                raise BadRequest("a folder needs a path, and no credentials")
            return None
        if where.path is not None or text is None:
            raise BadRequest("Google Drive needs credentials, and no path; see docs/google-drive.md for how to get them")
        from appliance.remotes.drive_credentials import Credentials
        from appliance.remotes.drive_objects import is_file_id

        if where.folder_id is not None and not is_file_id(where.folder_id):
            raise BadRequest(f"{where.folder_id[:64]!r} is no id of a folder on Google Drive: that is the last part of its address there")
        credentials = Credentials.from_text(text)
        durable.replace(self._file(where.connection_id), credentials.to_text().encode(), 0o600)
        return credentials.client_id

    def forget(self, connection_id: str) -> None:
        durable.unlink(self._file(connection_id), missing_ok=True)

    def _file(self, connection_id: str) -> Path:
        return self.secrets / f"connection-{connection_id}.json"
