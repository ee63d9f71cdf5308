"""What lies on an SD card is known by /proc and /sys, through partitions, LVM and file systems with numbers of their own."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from appliance.installation import asking, disks, install
from appliance.installation.choices import Choices
from appliance.installation.layout import Layout

MOUNTS = """\
24 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
25 24 179:1 / /boot/firmware rw shared:2 - vfat /dev/mmcblk0p1 rw
26 24 8:1 / /srv/my\\040disk rw shared:3 - ext4 /dev/sda1 rw
27 24 8:17 / /media/stick rw shared:4 - vfat /dev/sdb1 rw
28 24 254:0 / /srv/lvm rw shared:5 - ext4 /dev/mapper/pool-card rw
29 24 0:44 / /srv/tree rw shared:6 - btrfs /dev/mmcblk0p3 rw
30 24 179:33 / /srv/soldered rw shared:7 - ext4 /dev/mmcblk1p1 rw
31 24 0:50 / /srv/nas rw shared:8 - nfs4 nas:/volume rw
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A Pi with a card, a USB disk, an LVM volume on the card, and soldered flash."""
    write(tmp_path / "proc/self/mountinfo", MOUNTS)
    write(tmp_path / "etc/fstab", "# by hand\nLABEL=x /srv/my\\040disk ext4 defaults,nofail 0 2\n")
    card, soldered = disk(tmp_path, "mmcblk0", "SD"), disk(tmp_path, "mmcblk1", "MMC")
    usb = disk(tmp_path, "sda", None)
    for whole, part, number in (
        (card, "mmcblk0p2", "179:2"),
        (card, "mmcblk0p3", "179:3"),
        (soldered, "mmcblk1p1", "179:33"),
        (usb, "sda1", "8:1"),
    ):
        write(whole / part / "partition", "1")
        link(tmp_path / "sys/dev/block" / number, whole / part)
        link(tmp_path / "sys/class/block" / part, whole / part)
    mapped = tmp_path / "sys/devices/virtual/block/dm-0"
    link(mapped / "slaves/mmcblk0p3", card / "mmcblk0p3")
    link(tmp_path / "sys/dev/block/254:0", mapped)
    for place in ("srv/my disk", "srv/lvm", "srv/tree", "srv/soldered", "srv/nas", "media/stick", "boot/firmware"):
        (tmp_path / place).mkdir(parents=True)
    return Layout(tmp_path)


def disk(root: Path, name: str, kind: str | None) -> Path:
    folder = root / "sys/devices/platform" / name
    (folder / "device").mkdir(parents=True)
    if kind:
        write(folder / "device/type", f"{kind}\n")
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("path", "place", "is_card"),
    [
        ("/var/lib/pyarchive", "/", True),
        ("/srv/my disk/pyarchive", "/srv/my disk", False),
        ("/srv/lvm/pyarchive", "/srv/lvm", True),
        ("/srv/tree", "/srv/tree", True),
        ("/srv/soldered/x", "/srv/soldered", False),
        ("/srv/my disk2", "/", True),
        ("/srv/nas/x", "/srv/nas", False),
    ],
)
def test_where_a_folder_lies(layout: Layout, path: str, place: str, is_card: bool) -> None:
    holder = disks.holder_of(layout, path)
    assert holder is not None
    assert (holder.place, disks.is_sd_card(layout, holder)) == (place, is_card)


def test_a_link_to_another_disk_counts_as_that_disk(layout: Layout) -> None:
    link(layout.at("/var/lib/pyarchive"), layout.at("/srv/my disk"))
    holder = disks.holder_of(layout, "/var/lib/pyarchive/store")
    assert holder is not None
    assert holder.place == "/srv/my disk"


def test_disks_that_could_hold_data_are_no_cards_and_know_owners(layout: Layout) -> None:
    assert [each.place for each in disks.other_disks(layout)] == ["/srv/my disk", "/srv/soldered"]


def test_a_disk_that_the_system_does_not_mount_at_boot_is_known(layout: Layout) -> None:
    holders = [disks.holder_of(layout, path) for path in ("/var", "/srv/my disk/x", "/srv/soldered/x")]
    assert [holder and disks.comes_at_boot(layout, holder) for holder in holders] == [True, True, False]


def test_data_on_a_card_is_warned_of_with_the_disks_that_could_have_it(layout: Layout) -> None:
    said: list[str] = []
    assert asking.warn_of_sd_card(layout, "/var/lib/pyarchive", said.append)
    assert "lies on an SD card" in said[0]
    assert ["/srv/my disk" in said[1], "/srv/soldered" in said[2], len(said)] == [True, True, 3]
    said.clear()
    assert not asking.warn_of_sd_card(layout, "/srv/my disk/pyarchive", said.append)
    assert said == []


def test_a_folder_is_asked_for_on_a_terminal_where_it_would_lie_on_a_card(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "is_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("/srv/family\n\n"))
    assert chosen(layout).data == "/srv/family"
    assert chosen(layout).data == "/var/lib/pyarchive"  # Enter
    assert chosen(layout, data="/var/other").data == "/var/other"  # what was said is not asked for
    assert chosen(layout, yes=True).data == "/var/lib/pyarchive"


def chosen(layout: Layout, **given: object) -> Choices:
    return install.choices_of(argparse.Namespace(**{"yes": False} | given), layout, lambda _: None)
