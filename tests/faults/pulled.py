"""A disk with a real ext4, as on USB: pulled it answers from the cache, else with errors; put in again it is another device."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_CHUNK_BYTES = 1 << 20
_SIZE_MIB = 40


class UsbDisk:
    """Its image lies on a tmpfs. Pulled, the image is empty and nothing fits on the tmpfs any more: so each read and write fails."""

    def __init__(self, place: Path, aside: Path) -> None:
        self.place = place
        self._tmpfs = aside / "image"
        self._image = self._tmpfs / "disk.img"
        self._kept = aside / "kept.img"

    def attach(self) -> None:
        for folder in (self.place, self._tmpfs):
            folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE_MIB + 8}m", "tmpfs", str(self._tmpfs))
        with self._image.open("wb") as file:
            file.truncate(_SIZE_MIB << 20)
        _run("mkfs.ext4", "-q", "-F", "-N", "2048", str(self._image))
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.place))

    def unmount(self) -> None:
        _run("umount", "-l", str(self.place))

    def pull(self) -> None:
        """Whatever was synced is on it."""
        shutil.copyfile(self._image, self._kept)
        with self._image.open("r+b") as file:
            file.truncate(0)
        with (self._tmpfs / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while ballast.write(bytes(_CHUNK_BYTES)):
                pass

    def put_in_again(self) -> None:
        """As another device, mounted at the same place; whoever still has a file of the old one open has a stale one."""
        self.unmount()
        (self._tmpfs / "ballast").unlink()
        self._image.unlink()
        shutil.copyfile(self._kept, self._image)
        self.mount()

    def fail(self) -> None:
        """The file system finds an error, and becomes read-only by itself."""
        device = _run("findmnt", "-no", "SOURCE", str(self.place)).strip()
        Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("a test")

    def mend(self) -> None:
        self.unmount()
        subprocess.run(["fsck.ext4", "-fy", str(self._image)], check=False, capture_output=True)
        self.mount()

    def put_away(self) -> None:
        for folder in (self.place, self._tmpfs):
            while folder.is_mount() and subprocess.run(["umount", "-l", str(folder)], check=False).returncode == 0:
                pass


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


MakeUsbDisk = Callable[[Path], UsbDisk]


@pytest.fixture
def make_usb_disk(tmp_path: Path) -> Iterator[MakeUsbDisk]:
    with contextlib.ExitStack() as stack:

        def make(place: Path) -> UsbDisk:
            disk = UsbDisk(place, tmp_path / "usb")
            stack.callback(disk.put_away)
            try:
                disk.attach()
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"an ext4 cannot be mounted here (it takes root and a loop device): {error}")
            return disk

        yield make
