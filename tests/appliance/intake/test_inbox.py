"""The watched folder: what has arrived is taken in and leaves; what has not, stays untouched."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from appliance.intake.temporary import is_temporary
from tests.inside import Inside
from tests.waiting import wait_for


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel did not tell of, such as a file in a folder that was made with it, is found by the next look."""
    monkeypatch.setattr("appliance.intake.inbox._LOOK_EVERY_S", 0.2)


def listed(inside: Inside) -> list[dict[str, object]]:
    return list(inside.ask("archive/list")["archives"])


def is_gone(path: Path) -> bool:
    return not path.exists()


def drop(data: Path, name: str, content: bytes = b"content") -> Path:
    path = data / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_becomes_an_archive_of_the_folders_owner_and_leaves(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        path = drop(inside.data, "anna/photos/2024/ü.jpg", b"picture")
        wait_for(lambda: not path.exists())
        [archive] = listed(inside)
        assert (archive["owner"], archive["title"], archive["file_name"]) == ("anna", "photos/2024/ü.jpg", "ü.jpg")
        assert inside.local_bytes(str(archive["id"])) == b"picture"
        assert list((inside.data / "uploads").iterdir()) == []


def test_a_file_that_is_still_written_is_left_alone_until_it_is_closed(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        path = inside.data / "inbox" / "home" / "slow.bin"
        wait_for(path.parent.is_dir)
        with path.open("wb") as file:
            file.write(b"first ")
            file.flush()
            for _ in range(3):  # looked at, and found open
                inside.app.inbox.look()
            assert path.exists()
            assert listed(inside) == []
            file.write(b"second")
        wait_for(lambda: not path.exists())
        assert inside.local_bytes(str(listed(inside)[0]["id"])) == b"first second"


def test_a_file_must_settle_before_it_counts_as_arrived(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", inbox_settle_s=3600) as inside:
        path = drop(inside.data, "home/new.bin")
        inside.app.inbox.look()
        inside.app.inbox.look()
        assert path.exists()
        assert listed(inside) == []


@pytest.mark.parametrize("name", [".x", "~x", "x.part", "x.crdownload", "X.TMP", "x~", "Thumbs.db", ".~lock.x#", "x.filepart"])
def test_names_of_unfinished_files_are_ignored(name: str) -> None:
    assert is_temporary(name)


def test_a_rename_from_a_temporary_name_is_an_arrival(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        path = drop(inside.data, "home/film.mkv.part")
        inside.app.inbox.look()
        assert path.exists()
        path.rename(path.with_suffix(""))
        wait_for(lambda: listed(inside))
        assert listed(inside)[0]["title"] == "film.mkv"


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    with Inside(tmp_path / "data") as inside:
        wait_for((inside.data / "inbox" / "home").is_dir)
        (inside.data / "inbox" / "home" / "link").symlink_to(secret)
        os.mkfifo(inside.data / "inbox" / "home" / "fifo")
        inside.app.inbox.look()
        assert listed(inside) == []
        assert secret.exists()


def test_the_same_content_under_the_same_name_again_is_a_second_archive(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        for count in (1, 2):
            path = drop(inside.data, "home/again.bin")
            wait_for(partial(is_gone, path))
            assert len(listed(inside)) == count


def test_a_file_that_could_not_leave_before_the_end_is_not_taken_in_twice(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        path = drop(inside.data, "home/once.bin", b"once")
        kept = tmp_path / "kept"
        os.link(path, kept)  # the same inode comes back under the same name, as after a crash before the removal
        wait_for(lambda: not path.exists())
        kept.rename(path)
        wait_for(lambda: not path.exists())
        assert len(listed(inside)) == 1


def test_an_owner_that_cannot_be_is_a_problem_that_names_the_file_and_the_file_stays(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        path = drop(inside.data, "Not A Name/x.bin")
        wait_for(lambda: "bad_request" in inside.problems())
        assert "no owner's name" in inside.problems()["bad_request"]
        assert path.exists()
        path.unlink()


@pytest.mark.parametrize("closed", ["home/letter.txt", "home"])
def test_a_file_that_another_user_keeps_from_us_is_a_problem_and_is_not_taken_in_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    refused = tmp_path / "data" / "inbox" / closed  # root may everything: what the kernel says to others is told here
    really = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != refused and really(path, mode))
    with Inside(tmp_path / "data") as inside:
        path = drop(inside.data, "home/letter.txt")
        wait_for(lambda: "inbox/home/letter.txt may not be read" in inside.problems().get("inbox", ""))
        assert path.exists()
        assert listed(inside) == []
        monkeypatch.setattr(os, "access", really)
        wait_for(partial(is_gone, path))
        wait_for(lambda: not inside.problems())


def test_a_name_of_bytes_that_are_no_text_is_taken_in(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        wait_for((inside.data / "inbox" / "home").is_dir)
        name = os.fsencode(inside.data / "inbox" / "home") + b"/caf\xe9.txt"
        with open(name, "wb") as file:  # noqa: PTH123 (a path of bytes)
            file.write(b"latin")
        wait_for(lambda: not os.path.exists(name))  # noqa: PTH110 (a path of bytes)
        assert inside.local_bytes(str(listed(inside)[0]["id"])) == b"latin"
