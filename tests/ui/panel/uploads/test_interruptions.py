"""Uploads that are cut off anywhere go on with every byte right, and what was acknowledged is an archive."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import House
from tests.ui.panel.uploads.rig import KIB, MIB, PEOPLE, Answer, Serving, Tus
from tests.waiting import wait_for

CONTENT = random.Random(6).randbytes(40 * MIB)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MARK = 32 * MIB  # ui/panel/files/uploads/content.py


@pytest.fixture(scope="module")
def running(folder: Path, house: House) -> Iterator[Serving]:
    with Serving(folder, house, _HOLD_S=1.0, _HEAD_HOLD_S=0.2, _WATCH_S=0.1) as panel:
        yield panel


def begun(tus: Tus, content: bytes = CONTENT) -> tuple[str, str]:
    made = tus.create(len(content))
    return made.id, made.headers["pyarchive-archive"]


def finish(tus: Tus, upload_id: str, content: bytes = CONTENT) -> int:
    """Goes on where the server says; how many bytes were sent for that."""
    offset = tus.head(upload_id).offset
    last = tus.patch(upload_id, offset, content[offset:])
    assert last.status in {204, 423}, last  # 423: a busy machine; it is said later then
    assert answered(200, lambda: tus.head(upload_id)).offset == len(content)
    return len(content) - offset


def answered(status: int, ask: Callable[[], Answer]) -> Answer:
    """The first answer of that status."""

    def wanted() -> Answer | None:
        answer = ask()
        return answer if answer.status == status else None

    found = wait_for(wanted, what=f"the answer {status}")
    assert found
    return found


def filled_to(file: Path, size_bytes: int) -> int:
    """Waits until it is; how long it is then."""
    wait_for(lambda: file.stat().st_size >= size_bytes, what="the bytes to be written")
    return file.stat().st_size


def file_of(house: House, archive_id: str) -> Path:
    return house.data / "uploads" / archive_id


def test_a_panel_killed_anywhere_goes_on_and_no_byte_is_wrong(panel: Serving, tus: Tus, house: House) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    upload_id, archive_id = begun(tus)
    written = 0
    for _ in range(4):
        offset = tus.head(upload_id).offset
        cut = dice.randrange(offset, len(CONTENT))
        with tus.half_patch(upload_id, offset, CONTENT[offset:cut], Content_Length=len(CONTENT) - offset):
            written = max(written, filled_to(file_of(house, archive_id), cut - MIB - 256 * KIB))
            panel.kill()
        panel.start()
        assert tus.head(upload_id).offset >= written - MARK - 2 * MIB  # no more than that is sent again
    finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256


def test_what_a_power_cut_left_behind_the_mark_is_not_believed(panel: Serving, tus: Tus, house: House) -> None:
    upload_id, archive_id = begun(tus)
    assert tus.patch(upload_id, 0, CONTENT[: 3 * MIB]).offset == 3 * MIB
    panel.kill()
    with file_of(house, archive_id).open("ab") as file:
        file.write(bytes(2 * MIB))  # a journal may keep the length and lose what was in it
    panel.start()
    assert tus.head(upload_id).offset == 3 * MIB
    assert file_of(house, archive_id).stat().st_size == 3 * MIB
    finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256


def test_what_a_disk_lost_before_the_mark_is_sent_again(panel: Serving, tus: Tus, house: House) -> None:
    upload_id, archive_id = begun(tus)
    tus.patch(upload_id, 0, CONTENT[: 3 * MIB])
    panel.kill()
    with file_of(house, archive_id).open("r+b") as file:
        file.truncate(MIB + 5)
    panel.start()
    assert tus.head(upload_id).offset == MIB + 5
    finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256


def test_a_connection_that_died_without_a_word_blocks_nobody(panel: Serving, tus: Tus, house: House) -> None:
    upload_id, archive_id = begun(tus)
    with tus.half_patch(upload_id, 0, CONTENT[: 2 * MIB + 5], Content_Length=len(CONTENT)) as dead:
        wait_for(lambda: file_of(house, archive_id).stat().st_size >= MIB, what="the bytes to be written")
        began_s = time.monotonic()
        offset = tus.head(upload_id).offset
        assert time.monotonic() - began_s < 5
        assert offset == 2 * MIB + 5  # what came is kept
        assert b" 423 " in dead.recv(4096)
        finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256


def test_of_two_patches_at_once_the_newer_one_writes(panel: Serving, tus: Tus, house: House) -> None:
    upload_id, archive_id = begun(tus)
    stop = threading.Event()

    def stubborn() -> None:
        while not stop.is_set():
            head = tus.head(upload_id)
            if head.status == 200:
                tus.patch(upload_id, head.offset, CONTENT[head.offset : head.offset + 3 * MIB])

    others = [threading.Thread(target=stubborn) for _ in range(2)]
    for other in others:
        other.start()
    wait_for(lambda: tus.unfinished_offset(upload_id) > 8 * MIB, 60, "both to come on")
    stop.set()
    for other in others:
        other.join()
    finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256


def test_a_client_from_which_nothing_comes_is_hung_up_on(folder: Path, house: House, tmp_path: Path) -> None:
    with Serving(tmp_path, house, _WATCH_S=0.1, _STALLED_S=0.5) as panel:
        tus = Tus(panel.port)
        upload_id, _ = begun(tus)
        with tus.half_patch(upload_id, 0, CONTENT[:KIB], Content_Length=len(CONTENT)) as silent:
            silent.settimeout(10)
            assert b" 408 " in silent.recv(4096)
        assert tus.head(upload_id).offset == KIB


def test_the_end_of_a_session_ends_what_comes_and_it_goes_on_after_a_sign_in(panel: Serving, tus: Tus, house: House) -> None:
    upload_id, archive_id = begun(tus)
    with tus.half_patch(upload_id, 0, CONTENT[:KIB], Content_Length=len(CONTENT)) as wire:
        wait_for(lambda: tus.unfinished_offset(upload_id) >= 0, what="it to be there")
        panel.let_in({})
        wire.settimeout(10)
        assert b" 401 " in wire.recv(4096)
    assert tus.head(upload_id).status == 401
    panel.let_in(PEOPLE)
    assert tus.head(upload_id).offset == KIB
    finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256


def test_while_the_appliance_is_away_the_last_byte_is_not_acknowledged_and_then_it_is(panel: Serving, tus: Tus, house: House) -> None:
    content = CONTENT[:MIB]
    upload_id, archive_id = begun(tus, content)
    house.stop()
    last = tus.patch(upload_id, 0, content)
    assert (last.status, last.headers["pyarchive-state"]) == (423, "checking")
    checking = tus.head(upload_id)
    assert (checking.status, "upload-offset" in checking.headers) == (423, False)
    house.start()
    done = answered(200, lambda: tus.head(upload_id))
    assert done.offset == len(content)
    assert house.show(archive_id)["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("committed", [False, True], ids=["before it was committed", "after it was committed"])
def test_a_panel_that_dies_between_the_last_byte_and_the_archive_loses_nothing(
    panel: Serving, tus: Tus, house: House, committed: bool
) -> None:
    content = CONTENT[: MIB + int(committed)]
    upload_id, archive_id = begun(tus, content)
    house.stop()
    assert tus.patch(upload_id, 0, content).status == 423
    panel.kill()
    house.start()
    if committed:
        house.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(content).hexdigest())
    panel.start()
    # Nobody is there who would ask for it.
    wait_for(lambda: house.ask("archive/upload", archive_id=archive_id)["state"] == "received", what="the archive")
    assert tus.head(upload_id).offset == len(content)


def test_a_panel_killed_before_it_knew_the_checksum_makes_it_from_the_disk(panel: Serving, tus: Tus, house: House) -> None:
    upload_id, archive_id = begun(tus)
    tus.patch(upload_id, 0, CONTENT[: 7 * MIB])
    panel.kill()
    panel.start()
    finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256


def test_a_file_that_the_appliance_refuses_says_why(panel: Serving, tus: Tus, house: House) -> None:
    content = CONTENT[:MIB]
    upload_id, archive_id = begun(tus, content)
    house.stop()
    assert tus.patch(upload_id, 0, content).status == 423
    with file_of(house, archive_id).open("r+b") as file:
        file.write(b"?")
    house.start()
    refused = answered(410, lambda: tus.patch(upload_id, 0, b""))
    assert refused.headers["pyarchive-state"] == "failed"
    assert "not what was sent" in refused.text
    assert [each["error"] for each in tus.unfinished() if each["id"] == upload_id] == [refused.text.strip()]


def test_a_disk_that_refuses_is_said_and_it_goes_on_later(folder: Path, house: House, tmp_path: Path) -> None:
    panel = Serving(tmp_path, house)
    panel.largest_file_bytes = 5 * MIB
    with panel:
        tus = Tus(panel.port)
        upload_id, archive_id = begun(tus)
        refused = tus.patch(upload_id, 0, CONTENT[: 8 * MIB])
        assert (refused.status, refused.headers["pyarchive-state"]) == (500, "disk")
        assert tus.head(upload_id).offset == 5 * MIB
        panel.stop()
        panel.largest_file_bytes = 0
        panel.start()
        finish(tus, upload_id)
        assert house.show(archive_id)["sha256"] == SHA256


def test_a_damaged_memory_is_kept_aside_and_uploads_begin_again(folder: Path, house: House, tmp_path: Path) -> None:
    with Serving(tmp_path, house) as panel:
        tus = Tus(panel.port)
        upload_id, _ = begun(tus)
        panel.kill()
        for name in ("uploads.sqlite-wal", "uploads.sqlite-shm"):
            (panel.folder / name).unlink(missing_ok=True)
        (panel.folder / "uploads.sqlite").write_bytes(b"no database, whatever it was" * 100)
        panel.start()
        assert tus.head(upload_id).status == 404
        assert list(panel.folder.glob("uploads.damaged-*"))
        other, archive_id = begun(tus, CONTENT[:KIB])
        assert tus.patch(other, 0, CONTENT[:KIB]).status == 204
        assert house.show(archive_id)["size_bytes"] == KIB
        assert panel.folder.stat().st_mode & 0o777 == 0o700


def test_two_panels_never_share_a_folder(folder: Path, house: House, tmp_path: Path) -> None:
    with Serving(tmp_path, house) as panel:
        tus = Tus(panel.port)
        upload_id, _ = begun(tus)
        (tmp_path / "other").mkdir()
        second = Serving(tmp_path / "other", house)
        second.folder = panel.folder
        second.let_in(PEOPLE)
        with pytest.raises(AssertionError, match="the panel ended"):
            second.start()
        assert "does another panel use that folder?" in (tmp_path / "other/panel.log").read_text()
        assert tus.head(upload_id).offset == 0
        assert not list(panel.folder.glob("uploads.damaged-*"))


def test_a_panel_that_is_told_to_stop_keeps_what_came(panel: Serving, tus: Tus, house: House) -> None:
    upload_id, archive_id = begun(tus)
    with tus.half_patch(upload_id, 0, CONTENT[: 5 * MIB], Content_Length=len(CONTENT)):
        filled_to(file_of(house, archive_id), 3 * MIB)
        panel.stop()
    panel.start()
    assert tus.head(upload_id).offset >= 4 * MIB - 256 * KIB  # but for the piece that was being gathered
    finish(tus, upload_id)
    assert house.show(archive_id)["sha256"] == SHA256
