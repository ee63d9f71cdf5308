"""Which disk a folder lies on, and whether that is an SD card: asked of ``/proc`` and ``/sys``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.installation.layout import Layout

_KEEPS_OWNERS = {"ext2", "ext3", "ext4", "btrfs", "xfs", "f2fs", "zfs", "overlay", "tmpfs"}
_NOT_FOR_DATA = ("/boot", "/proc", "/sys", "/dev", "/run/lock", "/snap", "/var/snap")


@dataclass(frozen=True, slots=True)
class Mounted:
    """A file system and where it is mounted. ``number``: of its device, like ``179:2``; ``source``: like ``/dev/mmcblk0p2``."""

    place: str
    number: str
    kind: str
    source: str

    @property
    def keeps_owners(self) -> bool:
        """Whether files there have owners and rights, which data needs (those of Windows and of shares have none)."""
        return self.kind in _KEEPS_OWNERS


def mounted(layout: Layout) -> list[Mounted]:
    """All, as proc(5) lists them in mountinfo; of two at one place the last one is seen."""
    try:
        lines = layout.at("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return []
    found = {}
    for line in lines:
        words, _, rest = line.partition(" - ")
        fields, (kind, source, *_) = words.split(), rest.split()
        found[_plain(fields[4])] = Mounted(_plain(fields[4]), fields[2], kind, _plain(source))
    return list(found.values())


def holder_of(layout: Layout, path: str) -> Mounted | None:
    """The file system on which that path lies, or will lie; None where nothing is known."""
    wanted = Path(os.path.realpath(layout.at(path)))
    real = (
        Path("/") / wanted.relative_to(os.path.realpath(layout.root))
        if wanted.is_relative_to(os.path.realpath(layout.root))
        else Path(path)
    )
    fitting = [each for each in mounted(layout) if real.is_relative_to(each.place)]
    return max(fitting, key=lambda each: len(each.place), default=None)


def is_sd_card(layout: Layout, holder: Mounted) -> bool:
    """Whether it lies, at least in part, on an SD card: through partitions, LVM and encryption. An eMMC is none."""
    return any(_is_sd(disk) for disk in _whole_disks(_node(layout, holder)))


def other_disks(layout: Layout) -> list[Mounted]:
    """Where data could lie instead: mounted disks that are no SD card and keep owners."""
    return [
        each
        for each in mounted(layout)
        if each.source.startswith("/dev/") and each.place != "/" and not each.place.startswith(_NOT_FOR_DATA)
        and each.keeps_owners and not is_sd_card(layout, each)
    ]  # fmt: skip


def free_bytes(layout: Layout, path: str) -> int:
    """Room for us where that path is or will be."""
    place = layout.at(path)
    while not place.exists():
        place = place.parent
    about = os.statvfs(place)
    return about.f_bavail * about.f_frsize


def size_bytes(layout: Layout, path: str) -> int:
    about = os.statvfs(layout.at(path))
    return about.f_blocks * about.f_frsize


def comes_at_boot(layout: Layout, holder: Mounted) -> bool:
    """Whether the system itself mounts it: a line of fstab. What a desktop mounts for somebody who logs in comes too late."""
    if holder.place == "/":
        return True
    try:
        lines = layout.at("/etc/fstab").read_text().splitlines()
    except OSError:
        return False
    return any(
        len(words := line.split()) > 1 and _plain(words[1]).rstrip("/") == holder.place for line in lines if not line.startswith("#")
    )


def _node(layout: Layout, holder: Mounted) -> Path:
    """The device in /sys. Some file systems (btrfs) have a number of their own: then the device that was mounted tells."""
    by_number = layout.at("/sys/dev/block") / holder.number
    return (by_number if by_number.exists() else layout.at("/sys/class/block") / Path(holder.source).name).resolve()


def _whole_disks(node: Path) -> Iterator[Path]:
    below = sorted((node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
    for each in below:
        yield from _whole_disks(each.resolve())
    if not below:
        yield node.parent if (node / "partition").exists() else node


def _is_sd(disk: Path) -> bool:
    try:
        return (disk / "device/type").read_text().strip() == "SD"
    except OSError:
        return disk.name.startswith("mmcblk")


def _plain(text: str) -> str:
    """Without the octal escapes of mountinfo and fstab."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
