"""On which disk a folder lies: the mount that holds it, and the block device below that."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ui.doctor.machine import Machine


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """``device``: major:minor, as /sys/dev/block has it. ``disk``: the whole device, such as mmcblk0; empty where none is seen."""

    point: str
    kind: str
    options: frozenset[str]
    device: str
    disk: str

    @property
    def is_sd_card(self) -> bool:
        return self.disk.startswith("mmcblk")


def holding(machine: Machine, folder: Path) -> Mount | None:
    """None where the kernel does not tell."""
    found = None
    for line in (machine.text("/proc/self/mountinfo") or "").splitlines():
        fields = line.split()
        if "-" not in fields[6:]:
            continue
        point = _unescaped(fields[4])
        # The last that fits and is no shorter: mounts may lie on top of each other.
        if folder.is_relative_to(point) and (found is None or len(point) >= len(found.point)):
            kind, _, more = fields[fields.index("-", 6) + 1 :][:3]
            options = frozenset(f"{fields[5]},{more}".split(","))
            found = Mount(point=point, kind=kind, options=options, device=fields[2], disk=_disk(machine, fields[2]))
    return found


def _unescaped(text: str) -> str:
    return text.encode().decode("unicode_escape") if "\\" in text else text


def _disk(machine: Machine, device: str) -> str:
    """A partition's folder in /sys lies in that of its disk."""
    folder = Path(os.path.realpath(machine.at(f"/sys/dev/block/{device}")))
    if not folder.is_dir() or not device.partition(":")[0].isdecimal():
        return ""
    return folder.parent.name if (folder / "partition").exists() else folder.name
