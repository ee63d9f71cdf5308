"""The data folder: its owner and rights, and the appliance's id. What is in it is made by the appliance's own code."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from appliance.installation import disks, writing
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import APPLIANCE_USER, FILES_GROUP
from appliance.installation.site import Site
from appliance.installation.steps import Step
from appliance.installation.writing import Owner

_TOP_MODE, _INBOX_MODE = 0o2755, 0o2750  # what is made below belongs to the group pyarchive, whoever makes it
_NEEDED_BYTES = 1 << 30
_MAKE = """
import sys
from pathlib import Path
from appliance.data_folder import DataFolder, DataFolderError
folder = DataFolder(Path(sys.argv[1]))
try:
    folder.open(None)
except DataFolderError as error:
    sys.exit(str(error))
folder.close()
"""


def check(site: Site) -> None:
    """Raises CannotGoOn where the folder holds something else, is in use by another program, or its disk will not do."""
    path, data = site.choices.data, site.data
    holder = disks.holder_of(site.layout, path)
    if holder and not holder.keeps_owners:
        raise CannotGoOn(
            f"{path} lies on a disk of the kind {holder.kind}, which knows no owners of files; others could read what is secret.",
            "Format it with ext4 (all that is on it goes), or choose another folder with --data.",
        )
    if disks.free_bytes(site.layout, path) < _NEEDED_BYTES and not _id_file(data).exists():
        raise CannotGoOn(f"the disk of {path} has less than 1 GiB free.", "Make room, or choose a folder on another disk with --data.")
    if data.exists() and not data.is_dir():
        raise CannotGoOn(f"{path} is not a folder.", "Choose another one with --data.")
    if _holds_something(data) and not _id_file(data).exists():
        raise CannotGoOn(f"{path} holds something that is not PyArchive's.", "Choose an empty or new folder with --data.")


def is_anothers(site: Site) -> bool:
    """It is data of PyArchive that belongs to another user: a disk of another computer, or what a demo kept."""
    return _id_file(site.data).exists() and not _is_owned(site, site.data)


def check_not_in_use(site: Site) -> None:
    """Raises CannotGoOn where an appliance is at work on it."""
    lock = site.data / ".lock"
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return
    except BlockingIOError:
        holder = lock.read_text(errors="replace").strip()
        raise CannotGoOn(f"{site.choices.data} is in use by an appliance ({holder}).", "Stop it, and try again.") from None


def steps(site: Site) -> Iterator[Step]:
    """The folder with its rights, what an appliance makes in it, and the inbox into which the group may look."""
    data = site.data
    if is_anothers(site):
        yield Step(
            words=f"give all of {site.choices.data} to {APPLIANCE_USER}", is_done=lambda: not is_anothers(site), do=lambda: _take_over(site)
        )
    yield Step(
        words=f"make the data folder {site.choices.data}",
        is_done=lambda: writing.has_rights(data, _TOP_MODE, _owner(site)),
        do=lambda: writing.make_folder(data, _TOP_MODE, _owner(site)),
    )
    yield Step(words="give this appliance its id", is_done=_id_file(data).exists, do=lambda: _make(site))
    yield Step(
        words="let members of the group pyarchive put files into the inbox",
        is_done=lambda: writing.has_rights(data / "inbox", _INBOX_MODE, _owner(site)),
        do=lambda: writing.make_folder(data / "inbox", _INBOX_MODE, _owner(site)),
    )


def appliance_id(site: Site) -> str:
    return _id_file(site.data).read_text().strip()


def _id_file(data: Path) -> Path:
    return data / "appliance_id"


def _holds_something(data: Path) -> bool:
    """``lost+found`` is of the file system."""
    return data.is_dir() and any(each.name != "lost+found" for each in data.iterdir())


def _owner(site: Site) -> Owner:
    return site.layout.owner(APPLIANCE_USER, FILES_GROUP)


def _is_owned(site: Site, path: Path) -> bool:
    try:
        return os.geteuid() != 0 or path.stat().st_uid == _owner(site).ids()[0]
    except KeyError:
        return False


def _make(site: Site) -> None:
    release = site.release
    if release is None:
        raise CannotGoOn("there is no release whose code could make the data folder.", "Try again; it begins with that.")
    python = site.layout.inside(release.python)
    who = ("runuser", "-u", APPLIANCE_USER, "-g", FILES_GROUP, "--")
    site.programs.must(
        *who, python, "-P", "-c", _MAKE, site.choices.data, next_step="Mend that, or choose another folder with --data.", cwd=Path("/")
    )


def _take_over(site: Site) -> None:
    """Its top comes last: what was broken off is done again. By descriptors, for whoever owns it now could put links in the way."""
    uid, gid = _owner(site).ids()
    for _, folders, names, descriptor in os.fwalk(site.data, topdown=False):
        for name in (*names, *folders):
            os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(site.data, uid, gid)
