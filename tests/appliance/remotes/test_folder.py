"""What is particular to a folder: the layout by hand, markers, disks that are full, read-only, failing or another one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from appliance import durable
from appliance.epochs import Epochs, PlaceEpoch
from appliance.errors import (
    BadRequest,
    LocalDamaged,
    RemoteAway,
    RemoteBusy,
    RemoteDamaged,
    RemoteError,
    RemoteForeign,
    RemoteFull,
    RemoteReadOnly,
)
from appliance.remotes import folder_place
from appliance.remotes.folder import TRASH_NAME, FolderRemote
from appliance.remotes.folder_place import MARKER_NAME, Place, translated
from appliance.remotes.layout import readme
from appliance.remotes.remote import PIECE_BYTES
from tests.appliance.remotes.conftest import Mount
from tests.appliance.remotes.rigs import ARCHIVE, CountingGate, FolderRig, Reader, Sessions, put

CONTENT = os.urandom(2 * PIECE_BYTES + 99)
NEWER_MARKER = json.dumps({"format": "pyarchive-folder", "version": 2, "folder_id": "a" * 32}).encode()
NAME = "00000003"


def new_remote(
    folder: Path, folder_id: str | None = None, *, appliance_id: str = "appliance-1", epochs: str = "epochs.json"
) -> FolderRemote:
    return FolderRemote(folder, appliance_id, "c0", Epochs(folder.with_name(epochs)).of, folder_id=folder_id)


def trashed(rig: FolderRig) -> list[Path]:
    trash = rig.folder / "appliance-1" / TRASH_NAME
    return sorted(trash.iterdir()) if trash.exists() else []


# Marker, owner, README


def test_the_folder_is_laid_out_as_the_contract_says(folder_rig: FolderRig) -> None:
    put(folder_rig.remote, "00000000", Reader(b"one"))
    put(folder_rig.remote, "manifest.json", Reader(b"{}"))
    found = sorted(str(path.relative_to(folder_rig.folder)) for path in folder_rig.folder.rglob("*") if path.is_file())
    assert found == [
        ".pyarchive", "README.txt", "appliance-1/archive-0001/00000000", "appliance-1/archive-0001/manifest.json", "appliance-1/owner.json",
    ]  # fmt: skip
    marker = json.loads((folder_rig.folder / ".pyarchive").read_text())
    assert (marker["kind"], marker["connection_id"], len(marker["folder_id"])) == ("folder", "c0", 32)
    word = json.loads((folder_rig.folder / "appliance-1" / "owner.json").read_text())["epoch"]
    assert Epochs(folder_rig.epochs).of(f"{marker['folder_id']}/appliance-1").accepts(word)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(RemoteAway):
        new_remote(tmp_path / "missing").create()
    assert not (tmp_path / "missing").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RemoteAway):
        new_remote(tmp_path / "file").create()


def test_two_appliances_share_a_folder_and_its_marker(folder_rig: FolderRig) -> None:
    other = new_remote(folder_rig.folder, appliance_id="appliance-2")
    assert other.create() == new_remote(folder_rig.folder).create()
    put(other, NAME, Reader(CONTENT))
    assert list(folder_rig.remote.list_archives()) == []
    folder_rig.remote.check()


def test_another_disk_at_the_same_path_is_foreign_and_left_alone(folder_rig: FolderRig) -> None:
    folder_rig.take_away()
    new_remote(folder_rig.folder, appliance_id="appliance-9").create()
    before = sorted(folder_rig.folder.rglob("*"))
    for ask in (folder_rig.remote.check, folder_rig.remote.prepare, lambda: put(folder_rig.remote, NAME, Reader(CONTENT))):
        with pytest.raises(RemoteForeign):
            ask()
    assert sorted(folder_rig.folder.rglob("*")) == before


def test_an_appliance_that_does_not_know_the_epoch_writes_nothing(folder_rig: FolderRig) -> None:
    other = new_remote(folder_rig.folder, epochs="epochs-of-another.json")
    other.create()
    before = sorted(folder_rig.folder.rglob("*"))
    for ask in (other.check, other.prepare, other.probe, lambda: put(other, NAME, Reader(CONTENT))):
        with pytest.raises(RemoteForeign):
            ask()
    assert sorted(folder_rig.folder.rglob("*")) == before


def test_of_two_that_know_the_epoch_the_one_that_comes_later_stops(folder_rig: FolderRig) -> None:
    folder_id = new_remote(folder_rig.folder).create()
    clone = folder_rig.folder.with_name("epochs-of-the-clone.json")
    clone.write_bytes(folder_rig.epochs.read_bytes())
    put(new_remote(folder_rig.folder, folder_id), NAME, Reader(CONTENT))
    late = new_remote(folder_rig.folder, folder_id, epochs=clone.name)
    with pytest.raises(RemoteForeign):
        put(late, "00000004", Reader(CONTENT))
    put(new_remote(folder_rig.folder, folder_id), "00000004", Reader(CONTENT))


def test_who_takes_over_fences_the_former_owner(folder_rig: FolderRig) -> None:
    folder_id = new_remote(folder_rig.folder).create()
    put(folder_rig.remote, NAME, Reader(CONTENT))
    new = new_remote(folder_rig.folder, folder_id, epochs="epochs-of-another.json")
    new.take_over()
    put(new, "00000004", Reader(CONTENT))
    with pytest.raises(RemoteForeign):
        put(folder_rig.remote, "00000005", Reader(CONTENT))


def test_a_word_that_another_slot_renews_while_it_is_judged_is_still_ours(folder_rig: FolderRig) -> None:
    folder_id = new_remote(folder_rig.folder).create()
    epochs = Epochs(folder_rig.epochs)  # of a process that has just started: its first writer renews the word

    class Slow(PlaceEpoch):
        def accepts(self, found: str) -> bool:
            FolderRemote(folder_rig.folder, "appliance-1", "c0", epochs.of, folder_id=folder_id).prepare()
            return super().accepts(found)

    slow = FolderRemote(folder_rig.folder, "appliance-1", "c0", lambda place: Slow(epochs, place), folder_id=folder_id)
    put(slow, NAME, Reader(CONTENT))


@pytest.mark.parametrize("cut", ["before it stands there", "after it stands there"])
def test_a_crash_while_the_epoch_changes_locks_nobody_out_and_no_clone_in(folder_rig: FolderRig, cut: str) -> None:
    folder_id = new_remote(folder_rig.folder).create()
    epoch = Epochs(folder_rig.epochs).of(f"{folder_id}/appliance-1")
    owner = folder_rig.folder / "appliance-1" / "owner.json"
    document = json.loads(owner.read_text())
    planned = epoch.next(document["epoch"])
    clone = folder_rig.folder.with_name("epochs-of-the-clone.json")
    clone.write_bytes(folder_rig.epochs.read_bytes())
    if cut == "after it stands there":
        owner.write_text(json.dumps({**document, "epoch": planned}))
    put(new_remote(folder_rig.folder, folder_id), NAME, Reader(CONTENT))
    put(new_remote(folder_rig.folder, folder_id), "00000004", Reader(CONTENT))
    with pytest.raises(RemoteForeign):
        put(new_remote(folder_rig.folder, folder_id, epochs=clone.name), "00000005", Reader(CONTENT))


@pytest.mark.parametrize("content", [b"", b"\0" * 300, b"[]", NEWER_MARKER, b"[" * 60_000])
def test_a_marker_that_cannot_be_understood_stops_everything(folder_rig: FolderRig, content: bytes) -> None:
    (folder_rig.folder / MARKER_NAME).write_bytes(content)
    with pytest.raises(RemoteForeign):
        folder_rig.remote.check()
    with pytest.raises(RemoteForeign):
        new_remote(folder_rig.folder).create()
    assert (folder_rig.folder / MARKER_NAME).read_bytes() == content


def test_an_owner_file_that_was_deleted_is_written_again_before_the_next_batch(folder_rig: FolderRig) -> None:
    owner = folder_rig.folder / "appliance-1" / "owner.json"
    owner.unlink()
    put(folder_rig.remote, NAME, Reader(CONTENT))
    assert owner.exists()
    put(folder_rig.restarted(), "00000004", Reader(CONTENT))


def test_somebody_elses_readme_stays_and_an_older_one_of_ours_is_renewed(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("family photographs")
    remote = new_remote(tmp_path)
    remote.create()
    assert (tmp_path / "README.txt").read_text() == "family photographs"
    (tmp_path / "README.txt").write_bytes(readme()[:500])
    remote.prepare()
    assert (tmp_path / "README.txt").read_bytes() == readme()


def test_the_commands_of_the_readme_give_the_file_back(folder_rig: FolderRig, tmp_path: Path) -> None:
    whole = os.urandom(25_000)
    for index in range(13):
        put(folder_rig.remote, f"{index:08d}", Reader(whole[index * 2000 : (index + 1) * 2000]))
    put(folder_rig.remote, "manifest.json", Reader(b"{}"))
    text = (folder_rig.folder / "README.txt").read_text()
    commands = [line.strip() for line in text.splitlines() if line.startswith(("    cat ", "    ls |", "    sha256sum "))]
    assert len(commands) == 3
    for restore in (commands[0], commands[2]):
        done = subprocess.run(
            ["sh", "-ec", f"{restore}\n{commands[1]}"], cwd=folder_rig.folder / "appliance-1" / ARCHIVE,
            env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.startswith(hashlib.sha256(whole).hexdigest())


# One batch


def test_a_batch_costs_the_remote_two_fsyncs(folder_rig: FolderRig) -> None:
    put(folder_rig.remote, "00000000", Reader(CONTENT))
    operations: list[durable.Operation] = []
    durable.observer = operations.append
    try:
        put(folder_rig.remote, "00000001", Reader(CONTENT))
    finally:
        durable.observer = None
    kinds = [operation.kind for operation in operations if operation.kind != "write"]
    assert kinds == ["create", "sync", "rename", "sync_dir"]


def test_a_folder_made_before_a_crash_has_its_name_synced_before_a_batch_counts(folder_rig: FolderRig) -> None:
    put(folder_rig.remote, "00000000", Reader(CONTENT))
    operations: list[durable.Operation] = []
    durable.observer = operations.append
    try:
        put(folder_rig.restarted(), "00000001", Reader(CONTENT))
    finally:
        durable.observer = None
    assert folder_rig.folder / "appliance-1" in [operation.path for operation in operations if operation.kind == "sync_dir"]


def test_names_that_were_synced_are_not_all_remembered_for_ever(folder_rig: FolderRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_place, "_REMEMBERED", 3)
    remote = folder_rig.remote
    assert isinstance(remote, FolderRemote)
    place = remote._place
    place.make_folder(folder_rig.folder / "appliance-1")
    for number in range(10):
        place.make_folder(folder_rig.folder / "appliance-1" / f"archive-{number:02}")
        assert len(place._synced) <= 3


@pytest.mark.parametrize("left", [
    CONTENT[:1000] + bytes(PIECE_BYTES), CONTENT[: PIECE_BYTES + 7], bytes(3), CONTENT + b"more", CONTENT, b"",
])  # fmt: skip
def test_a_part_file_is_believed_only_as_far_as_its_bytes_are_right(folder_rig: FolderRig, left: bytes) -> None:
    part = folder_rig.path(f"{ARCHIVE}/.{NAME}.part")
    part.parent.mkdir()
    part.write_bytes(left)
    right = next((at for at in range(len(left)) if left[at : at + 1] != CONTENT[at : at + 1]), len(left))
    gate = CountingGate()
    stored = put(folder_rig.remote, NAME, Reader(CONTENT), gate)
    assert folder_rig.stored_bytes(stored.remote_id) == CONTENT
    assert sum(gate.passed) == len(CONTENT) - min(right, len(CONTENT))
    assert not part.exists()


def test_what_the_disk_did_not_keep_never_gets_the_name_of_an_object(folder_rig: FolderRig) -> None:
    part = folder_rig.path(f"{ARCHIVE}/.{NAME}.part")

    class SpoilAfterTheSync(CountingGate):
        def __call__(self, size_bytes: int) -> None:
            super().__call__(size_bytes)
            if size_bytes == 0 and part.exists():
                part.write_bytes(part.read_bytes()[:-1] + b"?")

    reader = Reader(CONTENT[:-1] + b"!")
    with pytest.raises(RemoteDamaged):
        put(folder_rig.remote, NAME, reader, SpoilAfterTheSync())
    assert folder_rig.remote.stat(f"{ARCHIVE}/{NAME}") is None
    gate = CountingGate()
    put(folder_rig.remote, NAME, reader, gate)
    assert sum(gate.passed) == 1


def test_nothing_is_left_of_a_batch_that_was_damaged_before_it_was_sent(folder_rig: FolderRig) -> None:
    with pytest.raises(LocalDamaged):
        put(folder_rig.remote, NAME, Reader(CONTENT, claimed=b"something else"))
    assert list(folder_rig.path(ARCHIVE).iterdir()) == []


def test_an_id_is_that_of_its_archive_and_name(folder_rig: FolderRig) -> None:
    for archive_id, name in ((ARCHIVE, "00000004"), ("archive-0002", NAME)):
        with pytest.raises(BadRequest):
            folder_rig.remote.put(f"{ARCHIVE}/{NAME}", archive_id, name, Reader(b""), None, Sessions().confirmed, CountingGate())


def test_what_is_replaced_or_trashed_is_kept_in_the_trash(folder_rig: FolderRig) -> None:
    for content in (b"first", b"second", b"third"):
        stored = put(folder_rig.remote, "manifest.json", Reader(content))
    folder_rig.remote.trash(stored.remote_id)
    assert sorted(path.read_bytes() for path in trashed(folder_rig)) == [b"first", b"second", b"third"]
    assert all(path.name.startswith(f"{ARCHIVE}.manifest.json.") for path in trashed(folder_rig))
    assert list(folder_rig.remote.list_archives()) == [ARCHIVE]


def test_two_writers_of_one_object_do_not_meet(folder_rig: FolderRig) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Hang(CountingGate):
        def __call__(self, size_bytes: int) -> None:
            super().__call__(size_bytes)
            inside.set()
            assert go_on.wait(20)

    hanging = threading.Thread(target=put, args=(folder_rig.remote, NAME, Reader(CONTENT), Hang()), daemon=True)
    hanging.start()
    assert inside.wait(20)
    with pytest.raises(RemoteBusy):
        put(folder_rig.remote, NAME, Reader(CONTENT))
    go_on.set()
    hanging.join(20)
    gate = CountingGate()
    put(folder_rig.remote, NAME, Reader(CONTENT), gate)
    assert sum(gate.passed) == 0


def make_hostile(kind: str, path: Path, victim: Path) -> None:
    match kind:
        case "link":
            path.symlink_to(victim)
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case _:
            os.mknod(path, stat.S_IFSOCK | 0o600)


@pytest.mark.parametrize("hostile", ["link", "folder", "fifo", "socket"])
def test_what_is_no_file_is_neither_followed_nor_believed(folder_rig: FolderRig, tmp_path: Path, hostile: str) -> None:
    path = folder_rig.path(f"{ARCHIVE}/{NAME}")
    path.parent.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(CONTENT)
    make_hostile(hostile, path, victim)
    remote_id = f"{ARCHIVE}/{NAME}"
    seen = folder_rig.remote.stat(remote_id)
    assert seen is not None
    assert seen.sha256 == bytes(32)
    with pytest.raises(RemoteDamaged):
        list(folder_rig.remote.get(remote_id, 0, 1, CountingGate()))
    put(folder_rig.remote, NAME, Reader(b"ours"))
    assert (path.read_bytes(), victim.read_bytes()) == (b"ours", CONTENT)


def test_a_link_in_place_of_a_part_file_or_a_folder_is_not_written_through(folder_rig: FolderRig, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_bytes(b"precious")
    folder_rig.path(ARCHIVE).symlink_to(victim)
    with pytest.raises(RemoteError, match="in the way"):
        put(folder_rig.remote, NAME, Reader(CONTENT))
    folder_rig.path(ARCHIVE).unlink()
    folder_rig.path(ARCHIVE).mkdir()
    folder_rig.path(f"{ARCHIVE}/.{NAME}.part").symlink_to(victim / "file")
    with pytest.raises(RemoteError, match="in the way"):
        put(folder_rig.remote, NAME, Reader(CONTENT))
    assert [path.name for path in victim.iterdir()] == ["file"]
    assert (victim / "file").read_bytes() == b"precious"


def test_files_that_are_not_ours_are_not_listed(folder_rig: FolderRig) -> None:
    put(folder_rig.remote, NAME, Reader(CONTENT))
    for name in ("Thumbs.db", ".00000004.part", "00000004.txt", "._00000003"):
        folder_rig.path(f"{ARCHIVE}/{name}").write_bytes(b"")
    (folder_rig.folder / "appliance-1" / "catalog").mkdir()
    (folder_rig.folder / "appliance-1" / "not-a-folder").write_bytes(b"")
    assert [each.name for each in folder_rig.remote.list_objects(ARCHIVE, CountingGate())] == [NAME]
    assert list(folder_rig.remote.list_archives()) == [ARCHIVE]


# Disks


class UnmountedAfterALook(Place):
    """A disk that goes away between the look at its marker and what comes next."""

    def __init__(self, rig: FolderRig, folder_id: str) -> None:
        super().__init__(rig.folder, "appliance-1", "c0", Epochs(rig.epochs).of, folder_id)
        self._rig = rig
        self.armed = True

    def require(self, *, from_disk: bool = False) -> None:
        super().require(from_disk=from_disk)
        if self.armed:
            self.armed = False
            self._rig.take_away()


def test_a_disk_unmounted_between_the_look_at_its_marker_and_the_question_is_unknown(folder_rig: FolderRig) -> None:
    stored = put(folder_rig.remote, NAME, Reader(CONTENT))
    folder_id = new_remote(folder_rig.folder).create()
    for ask in (
        lambda remote: remote.stat(stored.remote_id), lambda remote: list(remote.list_archives()),
        lambda remote: list(remote.list_objects(ARCHIVE, CountingGate())), lambda remote: remote.trash(stored.remote_id),
        lambda remote: list(remote.get(stored.remote_id, 0, 1, CountingGate())), lambda remote: put(remote, "00000004", Reader(CONTENT)),
    ):  # fmt: skip
        remote = new_remote(folder_rig.folder, folder_id)
        remote._place = UnmountedAfterALook(folder_rig, folder_id)
        with pytest.raises(RemoteAway):
            ask(remote)
        assert not folder_rig.touched_while_away()
        folder_rig.bring_back()


def test_a_full_disk_says_so_with_numbers_and_the_batch_goes_on_when_there_is_room(tmp_path: Path, mount: Mount) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", disk)
    remote = new_remote(disk)
    remote.create()
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(700_000))
    with pytest.raises(RemoteFull, match=r"bytes needed, [\d,]+ free") as caught:
        put(remote, NAME, Reader(CONTENT))
    assert f"{len(CONTENT):,}" in str(caught.value)
    assert remote.stat(f"{ARCHIVE}/{NAME}") is None
    ballast.unlink()
    gate = CountingGate()
    put(remote, NAME, Reader(CONTENT), gate)
    assert 0 < sum(gate.passed) < len(CONTENT)


def test_a_disk_gone_read_only_says_so_and_can_still_be_read(tmp_path: Path, mount: Mount) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", disk)
    remote = new_remote(disk)
    remote.create()
    stored = put(remote, NAME, Reader(CONTENT))
    mount("-o", "remount,ro", disk)
    for write in (remote.check, remote.probe, lambda: put(remote, "00000004", Reader(CONTENT)), lambda: remote.trash(stored.remote_id)):
        with pytest.raises(RemoteReadOnly):
            write()
    assert remote.stat(stored.remote_id) == stored
    mount("-o", "remount,rw", disk)
    put(remote, "00000004", Reader(CONTENT))


def test_a_bad_sector_of_one_object_is_damage_and_not_a_disk_that_is_away(folder_rig: FolderRig, mount: Mount) -> None:
    stored = put(folder_rig.remote, NAME, Reader(CONTENT))
    mount("--bind", f"/proc/{os.getpid()}/mem", folder_rig.path(stored.remote_id))  # reading it is a real EIO
    seen = folder_rig.remote.stat(stored.remote_id)
    assert seen is not None
    assert seen.sha256 == bytes(32)
    with pytest.raises(RemoteDamaged):
        list(folder_rig.remote.get(stored.remote_id, 0, 1, CountingGate()))


def test_a_disk_that_is_unmounted_for_real_is_unknown(tmp_path: Path, mount: Mount) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", disk)
    remote = new_remote(disk)
    remote.create()
    stored = put(remote, NAME, Reader(CONTENT))
    subprocess.run(["umount", str(disk)], check=True)
    with pytest.raises(RemoteAway, match="not mounted"):
        remote.stat(stored.remote_id)
    with pytest.raises(RemoteAway, match="not mounted"):
        put(remote, NAME, Reader(CONTENT))
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, RemoteFull), (errno.EDQUOT, RemoteFull), (errno.EROFS, RemoteReadOnly), (errno.EACCES, RemoteReadOnly),
        (errno.EPERM, RemoteReadOnly), (errno.ENOENT, RemoteAway), (errno.EIO, RemoteAway), (errno.ESTALE, RemoteAway),
        (errno.ENOTCONN, RemoteAway), (errno.ENODEV, RemoteAway), (errno.ETIMEDOUT, RemoteAway), (errno.EHOSTDOWN, RemoteAway),
        (errno.EFBIG, RemoteError),
    ],
)  # fmt: skip
def test_what_the_file_system_says_becomes_one_of_our_causes(tmp_path: Path, number: int, error: type[RemoteError]) -> None:
    ours = translated(OSError(number, os.strerror(number)), tmp_path, "storing a batch", 17)
    assert type(ours) is error
    assert "storing a batch" in str(ours)


def test_a_file_system_that_has_no_fsync_of_folders_is_put_up_with() -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        os.fsync(os.open("/proc", os.O_RDONLY))
    durable.sync_dir(Path("/proc"))
