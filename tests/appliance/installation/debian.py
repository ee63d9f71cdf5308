"""A folder that looks like a Debian to the installation, and programs that change it as the real ones change a real one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.installation.choices import Choices
from appliance.installation.layout import Layout
from appliance.installation.running import Programs, Result
from appliance.installation.site import Site
from appliance.installation.writing import numbers

SOURCE = Path(__file__).resolve().parents[3]
_REAL = {"openssl", "ip"}


class PowerCut(Exception):
    """Nothing after this was done."""


class Debian(Programs):
    """``changes``: programs that were to change something, by their first words. ``cut_after``: so many of them, then power fails."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changes: list[str] = []
        self.cut_after: int | None = None
        self._write("etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n')
        self._write("etc/hostname", "attic\n")
        self._write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        self._write("etc/group", "root:x:0:\n")
        self._write("var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\n")
        self._write("lib/systemd/systemd", "")
        self._write("run/systemd/system/.here", "")

    def run(self, *command: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None, given: str = "") -> Result:
        name, *words = map(str, command)
        if name in _REAL:
            return super().run(*command, environment=environment, cwd=cwd, given=given)
        does = getattr(self, f"_{Path(name).name.replace('-', '_').partition('.')[0]}", lambda _: 0)
        status = does(words)
        return Result(status, "active" if not status else "no")

    def _changed(self, what: str) -> None:
        if self.cut_after is not None and len(self.changes) >= self.cut_after:
            raise PowerCut
        self.changes.append(what)

    def _apt_get(self, words: list[str]) -> int:
        for package in words[words.index("install") + 1 :] if "install" in words else []:
            if not package.startswith("-"):
                self._changed(f"apt {package}")
                self._add("var/lib/dpkg/status", f"\nPackage: {package}\nStatus: install ok installed\n")
        return 0

    def _groupadd(self, words: list[str]) -> int:
        self._changed(f"group {words[-1]}")
        self._add("etc/group", f"{words[-1]}:x:{self._number('group')}:\n")
        return 0

    def _useradd(self, words: list[str]) -> int:
        self._changed(f"user {words[-1]}")
        if "--user-group" in words:
            self._add("etc/group", f"{words[-1]}:x:{self._number('group')}:\n")
        self._add("etc/passwd", f"{words[-1]}:x:{self._number('passwd')}:100::/nonexistent:/usr/sbin/nologin\n")
        return 0

    def _usermod(self, words: list[str]) -> int:
        _, _, group, user = words
        self._changed(f"member {group} {user}")
        lines = (self.root / "etc/group").read_text().splitlines()
        joined = [f"{line}{'' if line.endswith(':') else ','}{user}" if line.startswith(f"{group}:") else line for line in lines]
        self._write("etc/group", "".join(f"{line}\n" for line in joined))
        return 0

    def _python(self, words: list[str]) -> int:
        """The system's makes an environment; that has pip, and writes the broker's files."""
        if words[:2] == ["-m", "venv"]:
            self._changed("venv")
            (Path(words[2]) / "bin").mkdir(parents=True)
        elif "install" in words:
            self._changed("pip")
        elif "mqtt.mosquitto" in words:
            self._changed("broker")
            self._write("etc/pyarchive/mosquitto/broker.toml", f'lan_address = "{"none" if "none" in words else "all"}"\n')
            self._write("etc/pyarchive/mosquitto/mosquitto.conf", "")
            for login in ("appliance", "panel", "cli", "scripts", "homeassistant"):
                self._write(f"etc/pyarchive/mosquitto/credentials/{login}.toml", 'appliance_id = "pyarchive-1"\n')
        return 0

    _python3 = _python

    def _runuser(self, words: list[str]) -> int:
        self._changed("data")
        data = self.root / words[-1].lstrip("/")
        for name in ("catalog", "store", "inbox"):
            (data / name).mkdir(exist_ok=True)
        self._write(f"{words[-1].lstrip('/')}/appliance_id", "pyarchive-1\n")
        return 0

    def _systemctl(self, words: list[str]) -> int:
        verb, names = words[0], [word for word in words[1:] if "." in word]
        folder = self.root / "state"
        if verb in {"enable", "disable", "restart", "stop", "mask", "unmask"}:
            self._changed(" ".join([verb, *names]))
        for name in names:
            match verb:
                case "enable" | "restart":
                    self._write(f"state/{verb}/{name}", "")
                case "disable" | "stop":
                    (folder / {"disable": "enable", "stop": "restart"}[verb] / name).unlink(missing_ok=True)
                case "is-enabled":
                    return int(not (folder / "enable" / name).exists())
                case "show":
                    return int(not (folder / "restart" / name).exists())
        return 0

    def _pdbedit(self, words: list[str]) -> int:
        return int(not (self.root / "state/share").exists())

    def _smbpasswd(self, words: list[str]) -> int:
        self._changed(f"share {words[0]}")
        if "-x" in words:
            (self.root / "state/share").unlink(missing_ok=True)
        else:
            self._write("state/share", "")
        return 0

    def _number(self, table: str) -> int:
        return 900 + len(numbers(self.root / "etc" / table))

    def _write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def _add(self, name: str, text: str) -> None:
        with (self.root / name).open("a") as file:
            file.write(text)


def site(debian: Debian, **chosen: Any) -> Site:
    """An installation on it."""
    return Site(layout=Layout(debian.root), choices=Choices(**chosen), source=SOURCE, programs=debian)


def tree(root: Path) -> dict[str, tuple[int, int, int, str | bytes]]:
    """What is in there: kinds, rights, owners, contents and targets of links, by name."""
    found: dict[str, tuple[int, int, int, str | bytes]] = {}
    for path in sorted(root.rglob("*")):
        about = path.lstat()
        content: str | bytes = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[path.relative_to(root).as_posix()] = (about.st_mode, about.st_uid, about.st_gid, content)
    return found
