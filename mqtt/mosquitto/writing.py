"""All files of the broker, written so that a second call with the same choices changes nothing."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from mqtt.contract import Login
from mqtt.mosquitto import credentials, render
from mqtt.mosquitto.choices import CHOICES_FILE, BadChoice, Choices, as_toml
from mqtt.mosquitto.credentials import BridgeLogin
from mqtt.mosquitto.passwords import fits, hashed
from mqtt.topics import Topics


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a file is; None: whoever runs this."""

    uid: int
    gid: int


def broker_owner(user: str) -> Owner | None:
    """Mosquitto, started by root, reads its files as that user. None where we are not root. Raises BadChoice: no such user."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise BadChoice(f"there is no user {user!r}; install Mosquitto first (Debian: apt-get install mosquitto), or give --user") from None
    return Owner(entry.pw_uid, entry.pw_gid)


def admins(group: str) -> Owner | None:
    """The group that may read the credentials of ``cli``; None where it does not exist or we are not root."""
    with contextlib.suppress(KeyError):
        if os.geteuid() == 0:
            return Owner(0, grp.getgrnam(group).gr_gid)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Writes below ``folder``, which is made where it is missing. Raises BadChoice where a file cannot be read or written."""

    folder: Path
    topics: Topics
    choices: Choices
    bridge: BridgeLogin | None = None
    broker: Owner | None = None
    admins: Owner | None = None

    def write(self) -> bool:
        """Whether anything changed."""
        words = credentials.passwords(self.folder)
        hashes = {login: self._hash(login, word) for login, word in words.items()}
        try:
            for folder, mode in ((".", 0o755), ("conf.d", 0o755), (credentials.CREDENTIALS, 0o755)):
                self._make(self.folder / folder, mode)
            changed = [self._credentials(words), self._of_broker(hashes), self._bridge()]
            # Last: what is kept as chosen is in force.
            changed.append(self._put(CHOICES_FILE, as_toml(self.choices), 0o644, None))
        except OSError as error:
            raise BadChoice(f"{error.filename or self.folder} cannot be written: {error.strerror}; mend that and try again") from error
        return any(changed)

    def _credentials(self, words: dict[Login, str]) -> bool:
        changed = [
            self._put(
                credentials.file_of(login),
                credentials.as_toml(login, word, self.topics.appliance_id, self.choices),
                0o640 if login == Login.CLI and self.admins else 0o600,
                self.admins if login == Login.CLI else None,
            )
            for login, word in words.items()
        ]
        return any(changed)

    def _of_broker(self, hashes: dict[Login, str]) -> bool:
        changed = [self._put(render.MAIN_FILE, render.main_file(self.folder, self.topics, self.choices), 0o644, None)]
        for listener in render.listeners(self.choices):
            acl = render.acl_file(self.topics, listener.logins)
            changed.append(self._put(f"acl-{listener.name}", acl, 0o600, self.broker))
            changed.append(self._put(f"passwords-{listener.name}", render.password_file(hashes, listener.logins), 0o600, self.broker))
        return any(changed)

    def _bridge(self) -> bool:
        if not self.choices.bridge_host:
            return any([self._remove(render.BRIDGE_FILE), self._remove(credentials.BRIDGE_FILE)])
        if self.bridge is None:
            raise BadChoice("a bridge needs our login at the other broker; give --bridge-username and --bridge-password-file")
        kept = credentials.bridge_as_toml(self.bridge, self.topics.appliance_id)
        text = render.bridge_file(self.topics, self.choices, self.bridge)
        return any([self._put(credentials.BRIDGE_FILE, kept, 0o600, None), self._put(render.BRIDGE_FILE, text, 0o600, self.broker)])

    def _hash(self, login: Login, password: str) -> str:
        """The one that stands there, if it is right: another salt would be another file."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in (self.folder / f"passwords-{render.LOOPBACK.name}").read_text().splitlines():
                name, _, given = line.partition(":")
                if name == login and fits(password, given):
                    return given
        return hashed(password)

    def _make(self, folder: Path, mode: int) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(mode)

    def _remove(self, name: str) -> bool:
        path = self.folder / name
        was_there = path.exists()
        path.unlink(missing_ok=True)
        return was_there

    def _put(self, name: str, text: str, mode: int, owner: Owner | None) -> bool:
        """The old content or the new one, whatever happens in between; never readable by more than ``mode`` says."""
        path = self.folder / name
        same = path.is_file() and path.read_bytes() == text.encode()
        if same and _is_so(path, mode, owner):
            return False
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(text.encode())
            if owner:
                os.fchown(file.fileno(), owner.uid, owner.gid)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        return True


def _is_so(path: Path, mode: int, owner: Owner | None) -> bool:
    found = path.stat()
    return found.st_mode & 0o777 == mode and (owner is None or (found.st_uid, found.st_gid) == (owner.uid, owner.gid))
