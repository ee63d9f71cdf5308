"""Questions, on a terminal only. Without one, or with ``--yes``, what was given and the defaults hold."""

from __future__ import annotations

import sys

from appliance.installation import disks
from appliance.installation.layout import Layout
from appliance.installation.steps import Say

_GB = 1e9


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(question: str) -> bool:
    """Yes has to be typed."""
    return _answer(f"{question} [y/N] ").lower() in {"y", "yes"}


def warn_of_sd_card(layout: Layout, path: str, say: Say) -> bool:
    """Whether the data would lie on an SD card; says so, and where it could lie instead."""
    holder = disks.holder_of(layout, path)
    if holder is None or not disks.is_sd_card(layout, holder):
        return False
    say(f"{path} lies on an SD card. Cards are small, wear out, and die of power cuts: data is better kept on a USB disk (--data DIR).")
    others = disks.other_disks(layout)
    for each in others:
        free, size = disks.free_bytes(layout, each.place), disks.size_bytes(layout, each.place)
        say(f"  {each.place}  {free / _GB:.0f} GB free of {size / _GB:.0f} GB  ({each.source}, {each.kind})")
    if not others:
        say("  There is no other disk with a file system for data (ext4, btrfs, xfs) mounted at the moment.")
    return True


def warn_of_late_disk(layout: Layout, path: str, say: Say) -> None:
    """A disk that the system does not mount itself comes after the appliance has started, or not at all."""
    holder = disks.holder_of(layout, path)
    if holder and not disks.comes_at_boot(layout, holder):
        say(f"The disk at {holder.place} is not in /etc/fstab: after a reboot it may be missing. docs/pi.md tells how to mend that.")


def data_folder(path: str) -> str:
    """Another one, if somebody types it."""
    return _answer(f"Data folder (Enter: {path}): ") or path


def _answer(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
