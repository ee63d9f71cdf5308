"""A disk in a file: ext4 on a loop device, which can lose its power."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.installation.kernel import cut_off
from tests.waiting import wait_for


class Disk:
    """``image`` is the file, ``at`` the folder where it is mounted. Each call can be repeated."""

    def __init__(self, image: Path, at: Path) -> None:
        self.image = image
        self.at = at

    def format(self, size_gib: int) -> None:
        """Empty. The file is sparse: it takes what is written to it."""
        self.image.unlink(missing_ok=True)
        with self.image.open("wb") as file:
            file.truncate(size_gib << 30)
        _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1", str(self.image))

    def copy_of(self, other: Path) -> None:
        """The same as that image, which must not be mounted."""
        _run("cp", "--sparse=always", "--reflink=auto", str(other), str(self.image))

    @property
    def is_mounted(self) -> bool:
        return self.at.is_mount()

    def mount(self, *, heedless: bool = False) -> None:
        """A rare commit: what nobody synced is lost by a power cut minutes later, too. Heedless: quick, and a sync is none."""
        self.at.mkdir(parents=True, exist_ok=True)
        if not self.is_mounted:
            wait_for(lambda: self._is_mounted_anew(heedless=heedless), 60, "nobody else to have the disk mounted")

    def _is_mounted_anew(self, *, heedless: bool) -> bool:
        """A file system without power stays so while anybody has it mounted still: a namespace that is about to end."""
        _run("mount", "-o", f"loop,commit=300{',nobarrier' if heedless else ''}", str(self.image), str(self.at))
        probe = self.at / ".pyarchive-probe"
        try:
            probe.touch()
            probe.unlink()
        except OSError:
            self.unmount()
            return False
        return True

    def unmount(self) -> None:
        if self.is_mounted:
            _run("umount", "--recursive", str(self.at))

    def lose_power(self) -> None:
        """From now on every write fails, and what was not synced is gone. Unmount it when nobody uses it any more."""
        cut_off(self.at)

    def remove(self) -> None:
        self.unmount()
        self.image.unlink(missing_ok=True)
        shutil.rmtree(self.at, ignore_errors=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
