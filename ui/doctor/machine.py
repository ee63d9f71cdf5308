"""The computer as the checks see it: files below a root, and its programs with a bounded time. Nothing else reads the system."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin", "usr/local/sbin")
_MOST_BYTES = 1 << 20


class Unseen(Exception):
    """We may not look there. The text is what."""


class NoAnswer(Exception):
    """A program of the system was not done in time. The text is which."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and what it printed."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Machine:
    """``root`` is / but in tests, whose prepared folders have the same names below it; programs are looked for there too."""

    root: Path = Path("/")

    def at(self, path: str | Path) -> Path:
        """Where that absolute path lies."""
        return self.root / str(path).lstrip("/")

    def text(self, path: str | Path) -> str | None:
        """What stands in that file, its first MiB; None where there is none. Raises Unseen."""
        try:
            with self.at(path).open("rb") as file:
                return file.read(_MOST_BYTES).decode(errors="replace").replace("\0", "").strip()
        except PermissionError:
            raise Unseen(str(path)) from None
        except OSError:
            return None  # /sys answers ENODEV, EINVAL and others for what a device does not have

    def number(self, path: str | Path) -> int | None:
        """A file that holds one number, decimal or 0x…; None where it does not. Raises Unseen."""
        try:
            return int((self.text(path) or "").split()[0], 0)
        except (IndexError, ValueError):
            return None

    def glob(self, pattern: str) -> list[str]:
        """The absolute paths that fit, in order."""
        return sorted("/" + str(found.relative_to(self.root)) for found in self.root.glob(pattern.lstrip("/")))

    def has(self, program: str) -> bool:
        return self._program(program) is not None

    def run(self, program: str, *arguments: str, timeout_s: float = 5.0) -> Ran | None:
        """None where that program is not here. Raises NoAnswer."""
        path = self._program(program)
        if path is None:
            return None
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
        try:
            done = subprocess.run(  # noqa: S603 - programs of the system, with words of ours
                [path, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, env=environment, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NoAnswer(program) from None
        except OSError:
            return None
        return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def _program(self, name: str) -> Path | None:
        found = (self.root / folder / name for folder in _FOLDERS)
        return next((path for path in found if path.is_file() and os.access(path, os.X_OK)), None)
