"""The disk of the data folder: what it is, how full, how worn, and whether the kernel complains of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from ui.doctor import mounts
from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.doctor.machine import Unseen
from ui.doctor.mounts import Mount
from ui.words import clean, duration, percent, size

_NO_RIGHTS = {"vfat", "exfat", "msdos", "ntfs", "ntfs3", "fuseblk", "hfsplus"}
_FAR = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"}
_IN_MEMORY = {"tmpfs", "ramfs"}
_MOVE = "docs/pi.md, Moving to another disk"
_SECTOR_BYTES = 512
_LOW, _FEW = 0.10, 0.05


def kind(case: Case) -> Iterator[Finding]:
    """What the data folder lies on, and whether that will do."""
    folder = case.place.data
    mount = mounts.holding(case.machine, folder)
    if mount is None:
        yield skipped("file system", "what the data folder lies on is not known: the kernel does not tell")
        return
    where = f"{clean(folder)} lies on {clean(mount.disk or 'a disk that cannot be seen')} ({clean(mount.kind)})"
    if mount.kind in _NO_RIGHTS:
        yield mend("file system", f"{where}, which knows no owners and no power cuts", f"make it ext4: {_MOVE}")
    elif mount.kind in _IN_MEMORY:
        yield mend("file system", f"{where}: in memory, and gone after a restart", f"put it on a disk: {_MOVE}")
    elif mount.kind in _FAR:
        yield look(
            "file system", f"{where}, on another computer: when that is away, nothing works", f"put it on a disk of its own: {_MOVE}"
        )
    elif mount.is_sd_card and _is_card(case, mount):
        yield look("file system", f"{where}, an SD card: it is small, slow and wears out", f"put the data on an SSD or USB disk: {_MOVE}")
    else:
        yield good("file system", where)
    if "ro" in mount.options:
        yield mend("read-only", f"{clean(mount.point)} is read-only: the kernel has found errors, or it was mounted so",
                   f"sudo dmesg | tail -50; then restart the computer, which checks the disk ({_MOVE} if it does not help)")  # fmt: skip


def _is_card(case: Case, mount: Mount) -> bool:
    return (case.machine.text(f"/sys/block/{mount.disk}/device/type") or "SD") == "SD"  # MMC: an eMMC that is soldered in


def room(case: Case) -> Iterator[Finding]:
    """By the appliance's own count where it is there: it knows its reserve."""
    try:
        stat = os.statvfs(case.machine.at(case.place.data))
    except OSError as error:
        yield mend("room", f"{clean(case.place.data)} cannot be looked at: {error.strerror}", "mount its disk: sudo mount -a")
        return
    told = case.told.state.get("disk") if case.told.online else None
    free, total = stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize
    if isinstance(told, dict):
        free, total = told["free_bytes"], told["total_bytes"]
    yield _of_room(free, total, told["reserve_bytes"] if isinstance(told, dict) else 0)
    yield _of_files(stat)


def _of_room(free: int, total: int, reserve: int) -> Finding:
    text = f"{size(free)} of {size(total)} are free" + (f", {size(reserve)} of them in reserve" if reserve else "")
    more = (
        "pyarchive list, then `pyarchive release ARCHIVE` for what is remote; or let it happen: pyarchive settings set keep_free_mib 20480"
    )
    if free <= reserve or free < total / 50:
        return mend("room", f"{text}: nothing more is taken in", more)
    return look("room", text, more) if free < total * _LOW else good("room", text)


def _of_files(stat: os.statvfs_result) -> Finding:
    if not stat.f_files:
        return good("files", "the file system has no limit of files")
    left = stat.f_favail / stat.f_files
    text = f"{percent(left)} of the file system's files are unused"
    return look("files", text, "remove small files that are not ours: sudo du --inodes -xd2 /") if left < _FEW else good("files", text)


def wear(case: Case) -> Iterator[Finding]:
    """As far as the disk tells: most SD cards and USB sticks do not."""
    mount = mounts.holding(case.machine, case.place.data)
    if mount is None or not mount.disk:
        yield skipped("wear", "how worn the disk is is not known: it cannot be seen from here")
        return
    told = [*_of_mmc(case, mount), *_of_smart(case, mount)]
    yield from told or [
        skipped("wear", f"how worn {clean(mount.disk)} is is not known: it does not tell (SMART needs smartmontools, and root)")
    ]
    written = _written(case, mount)
    if written:
        yield good("written", written)


def _of_mmc(case: Case, mount: Mount) -> Iterator[Finding]:
    """eMMC: steps of 10 % of the life that the maker gives it, and what is left of the spare blocks (JEDEC 84-B50)."""
    folder = f"/sys/block/{mount.disk}/device"
    steps = [int(step, 16) for step in (case.machine.text(f"{folder}/life_time") or "").split()]
    spare = case.machine.number(f"{folder}/pre_eol_info")
    if not steps and not spare:
        return
    used = max([*steps, 0]) * 10
    text = f"{clean(mount.disk)} has used up at most {used} % of its life" if used else f"{clean(mount.disk)} tells nothing of its life"
    if used >= 100 or spare == 3:  # noqa: PLR2004 - more than its life; urgent
        yield mend("wear", f"{text}, and may fail any day", f"replace it: {_MOVE}")
    elif used >= 80 or spare == 2:  # noqa: PLR2004 - near its end; 80 % of the spare blocks are gone
        yield look("wear", f"{text}, or most of its spare blocks", f"replace it within months: {_MOVE}")
    else:
        yield good("wear", text)


def _of_smart(case: Case, mount: Mount) -> Iterator[Finding]:
    if mount.is_sd_card or os.geteuid() != 0:
        return
    ran = case.machine.run("smartctl", "--json", "--health", "--attributes", f"/dev/{mount.disk}")
    try:
        told = json.loads(ran.out) if ran else {}
    except ValueError:
        return
    passed = (told.get("smart_status") or {}).get("passed")
    used = (told.get("nvme_smart_health_information_log") or {}).get("percentage_used")
    if passed is None and used is None:
        return
    text = f"{clean(mount.disk)} says that it is {'well' if passed is not False else 'failing'}" + (
        f", {used} % of its life are used up" if used is not None else ""
    )
    if passed is False or (used or 0) >= 100:  # noqa: PLR2004 - percent
        yield mend("wear", text, f"replace it at once: {_MOVE}")
    elif (used or 0) >= 80:  # noqa: PLR2004 - percent
        yield look("wear", text, f"replace it within months: {_MOVE}")
    else:
        yield good("wear", text)


def _written(case: Case, mount: Mount) -> str:
    """By the kernel's count: all programs of this computer together."""
    up_s = float((case.machine.text("/proc/uptime") or "0").split()[0])
    for line in (case.machine.text("/proc/diskstats") or "").splitlines():
        fields = line.split()
        if len(fields) > 9 and fields[2] == mount.disk:  # noqa: PLR2004 - the tenth field: sectors written (Documentation/admin-guide/iostats)
            written = int(fields[9]) * _SECTOR_BYTES
            a_day = f", {size(written / up_s * 86_400)} a day" if up_s > 86_400 else ""  # noqa: PLR2004 - a day of seconds; less says nothing
            return f"{size(written)} were written to {clean(mount.disk)} since the computer started {duration(up_s)} ago{a_day}"
    return ""


def errors(case: Case) -> Iterator[Finding]:
    """What ext4 counts."""
    mount = mounts.holding(case.machine, case.place.data)
    paths = case.machine.glob("/sys/fs/ext4/*/errors_count") if mount and mount.kind == "ext4" else []
    for path in paths:
        device = path.split("/")[-2]
        if mount and not device.startswith(mount.disk or "?"):
            continue
        try:
            count = case.machine.number(path)
        except Unseen:
            continue
        if count:
            yield mend(
                "file system errors",
                f"ext4 has counted {count} errors on {clean(device)}",
                "restart the computer so that the disk is checked; then: sudo dmesg | grep -i ext4",
            )
        else:
            yield good("file system errors", f"ext4 has counted no errors on {clean(device)}")
