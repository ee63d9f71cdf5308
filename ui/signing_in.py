"""Signing in to Google Drive: credentials are read here, the code is shown large, and the end is waited for."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ui import output
from ui.errors import Failed, WrongUsage
from ui.link import Link
from ui.patience import endless
from ui.words import clean, duration, parsed

_LARGEST_BYTES = 65_536
_VALIDATE_S = 600.0
_PAUSE_S = 1.0
_REMARK_EVERY_S = 60.0


def read_credentials(name: str) -> str:
    """The text of the file; ``-`` is standard input. Raises Failed."""
    what = "standard input" if name == "-" else name
    try:
        content = sys.stdin.buffer.read(_LARGEST_BYTES + 1) if name == "-" else _beginning_of(Path(name).expanduser())
    except OSError as error:
        raise Failed(f"{what} cannot be read: {error.strerror}; name the JSON file with the credentials") from error
    if len(content) > _LARGEST_BYTES:
        raise Failed(
            f"{what} is larger than {_LARGEST_BYTES:,} bytes, so it holds no credentials; docs/google-drive.md says how to get them"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failed(f"{what} is no text; name the JSON file with the credentials (docs/google-drive.md)") from None


def _beginning_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST_BYTES + 1)


def needs_sign_in(credentials: str) -> bool:
    """They are an OAuth client, with which a person still has to sign in. What they are exactly is the appliance's to judge."""
    try:
        document = json.loads(credentials)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "installed" in document


class SignIn:
    """One sign-in of one connection. ``as_json``: stdout stays free for the document; the code is shown on stderr."""

    def __init__(self, link: Link, connection: str, *, as_json: bool) -> None:
        self._link = link
        self._connection = connection
        self._say = output.note if as_json else output.say

    def begin(self) -> dict[str, Any]:
        """What Google wants typed: ``{"user_code", "verification_url", "expires_at", "interval_s"}``, shown."""
        asked: dict[str, Any] = self._link.ask("connection/sign-in", timeout_s=60.0, connection=self._connection)
        good_for = duration(_left_s(asked))
        for line in (
            "To sign in to Google Drive, open this page on any phone or computer:", "",
            f"    {output.paint(clean(asked['verification_url']), 'bold')}", "",
            "and enter this code there:", "",
            f"    {output.paint(clean(asked['user_code']), 'bold')}", "",
            f"It is good for {good_for}. Leave the permission for Google Drive files ticked.",
        ):  # fmt: skip
            self._say(line)
        return asked

    def wait(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The connection's state once someone has signed in and it was found to work. Raises Failed: declined, too late, not working."""
        patience = endless(None, output.note)
        with _Waiting(asked) as waiting:
            while (state := self._link.ask_patiently("connection/show", patience, connection=self._connection))["sign_in"] == "pending":
                waiting.show(state.get("sign_in_message") or "")
                time.sleep(_PAUSE_S)
        if state["sign_in"] == "needed" and state.get("sign_in_message"):
            raise Failed(clean(state["sign_in_message"]), "sign_in_needed")
        return self.validated()

    def validated(self) -> dict[str, Any]:
        """The sign-in tried out: the connection's state. Raises Failed with the remote's words."""
        state: dict[str, Any] = self._link.ask("connection/validate", timeout_s=_VALIDATE_S, connection=self._connection)
        return state


class _Waiting:
    """How long there still is: one line that changes on a terminal, a line a minute elsewhere. On stderr."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._first: str | None = None
        self._said_s = time.monotonic()
        self._is_terminal = output.is_terminal(sys.stderr)

    def show(self, message: str) -> None:
        """``message`` is the appliance's: what it adds to the first one is trouble."""
        self._first = message if self._first is None else self._first
        trouble = message.removeprefix(self._first).removeprefix("; ") if len(message) > len(self._first) else ""
        line = f"waiting for Google, {duration(_left_s(self._asked))} left (Ctrl-C ends the waiting only)"
        if self._is_terminal:
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        if (trouble or not self._is_terminal) and time.monotonic() - self._said_s > _REMARK_EVERY_S:
            self._said_s = time.monotonic()
            self._clear()
            output.note(clean(trouble) or line)

    def _clear(self) -> None:
        if self._is_terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()


def _left_s(asked: dict[str, Any]) -> float:
    return max(0.0, (parsed(asked["expires_at"]) - datetime.now(UTC)).total_seconds())


def check_usage(kind: str, path: object, credentials: str | None, folder_id: str | None) -> None:
    """Raises WrongUsage where the options do not fit the kind."""
    if kind == "folder" and path is None:
        raise WrongUsage("a folder needs --path DIR")
    if kind == "folder" and (credentials or folder_id):
        raise WrongUsage("--credentials and --folder-id are for Google Drive")
    if kind == "drive" and credentials is None:
        raise WrongUsage("Google Drive needs --credentials FILE; docs/google-drive.md says how to get it")
    if kind == "drive" and path is not None:
        raise WrongUsage("--path is for a folder")
