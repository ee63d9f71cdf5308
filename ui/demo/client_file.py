"""``DATA/client.toml``: how other commands find the demo, and what the demo remembers."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ui.client_settings import CLIENT_FILE
from ui.errors import Failed

DEFAULT_PANEL_PORT = 8080
USERNAME = "pyarchive"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientFile:
    """Port and password stay the same over restarts, so that a command that waits finds the demo again."""

    folder: Path
    port: int
    password: str = field(repr=False)
    appliance_id: str | None = None
    panel_port: int = DEFAULT_PANEL_PORT
    remote_added: bool = False

    @property
    def path(self) -> Path:
        return self.folder / CLIENT_FILE

    def changed(self, **changes: Any) -> ClientFile:
        """Kept at once. Raises Failed where it cannot be written."""
        new = replace(self, **changes)
        new.save()
        return new

    def save(self) -> None:
        """0600, the old content or the new one, whatever happens in between. Raises Failed."""
        fresh = self.path.with_name(f".{CLIENT_FILE}.new")
        try:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
                file.write(self._text())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise Failed(f"{self.path} cannot be written: {error.strerror}; check the folder's rights and the disk") from error

    def _text(self) -> str:
        identity = [f"appliance_id = {json.dumps(self.appliance_id)}"] if self.appliance_id else []
        mqtt = ['host = "127.0.0.1"', f"port = {self.port}", f'username = "{USERNAME}"', f"password = {json.dumps(self.password)}"]
        demo = [f"panel_port = {self.panel_port}", f"remote_added = {json.dumps(self.remote_added)}"]
        head = ["# Written by `pyarchive demo`: how the other commands find it.", *identity]
        return "\n".join([*head, "", "[mqtt]", *mqtt, "", "[demo]", *demo, ""])


def load(folder: Path) -> ClientFile:
    """What the last start left there; port 0 and a new password where it left nothing that can be used."""
    content: dict[str, Any] = {}
    with contextlib.suppress(OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        content = tomllib.loads((folder / CLIENT_FILE).read_text())
    mqtt, demo = _table(content, "mqtt"), _table(content, "demo")
    port, password = mqtt.get("port"), mqtt.get("password")
    return ClientFile(
        folder=folder,
        port=port if isinstance(port, int) else 0,
        password=password if isinstance(password, str) and password else secrets.token_urlsafe(24),
        panel_port=int(demo.get("panel_port", DEFAULT_PANEL_PORT)),
        remote_added=demo.get("remote_added") is True,
    )


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    table = content.get(name)
    return table if isinstance(table, dict) else {}
