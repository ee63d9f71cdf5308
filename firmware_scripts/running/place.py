"""The folder in which runs have their working folders, beside a copy of what every script needs."""

from __future__ import annotations

import contextlib
import py_compile
import shutil
import tempfile
from pathlib import Path

_HERE = Path(__file__).parent
_BOOT, _API = _HERE / "boot.py", _HERE.parent / "appliance_api.py"


class Place:
    """Made fresh in ``folder`` (none: the system's for temporary files), away from where we are installed: scripts may not read there."""

    def __init__(self, folder: Path | None) -> None:
        """Raises OSError."""
        self._root = Path(tempfile.mkdtemp(prefix="pyarchive-runs-", dir=folder))
        library = self._root / "lib"
        library.mkdir()
        for source in (_BOOT, _API):
            copy = Path(shutil.copyfile(source, library / source.name))
            py_compile.compile(str(copy))
        for path in (library, *library.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self._root.chmod(0o1733)  # anybody may make a folder of his own here, and see no other's
        self.boot = library / _BOOT.name

    def working(self, number: int) -> str:
        """The working folder of a run, to be made by its script's user."""
        return str(self._root / f"run-{number}")

    def remove(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)


def remove_if_unused(working: str) -> None:
    """The place of a runner that is gone, once no run has a working folder in it."""
    root = Path(working).parent
    with contextlib.suppress(OSError):
        if not any(root.glob("run-*")):
            shutil.rmtree(root)
