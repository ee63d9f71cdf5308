"""Names from outside are made safe or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadRequest
from appliance.names import ARCHIVE_ID, MAX_FILE_NAME_BYTES, checked_owner, clean_title, new_archive_id, safe_file_name


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_every_file_system_takes(name: str) -> None:
    safe = safe_file_name(name)
    assert safe
    assert safe not in {".", ".."}
    assert not safe.startswith(".")
    assert len(safe.encode()) <= MAX_FILE_NAME_BYTES
    assert not set(safe) & set('/\\\0\n<>:"|?*')
    assert safe_file_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"), ("..", "unnamed"), ("", "unnamed"), ("a\0b.txt", "a_b.txt"), ("C:\\x\\film.mkv", "film.mkv"),
        (".hidden", "hidden"), ("a/b/", "unnamed"), ("Übung ☕.txt", "Übung ☕.txt"), ("\udcff.bin", "_.bin"),
    ],
)  # fmt: skip
def test_names_that_could_do_harm_are_defused(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


def test_a_name_of_255_bytes_is_shortened_and_keeps_its_ending() -> None:
    safe = safe_file_name("ä" * 126 + ".mp4")
    assert len(safe.encode()) <= MAX_FILE_NAME_BYTES
    assert safe.endswith("ä.mp4")


def test_a_title_is_one_line_without_control_characters() -> None:
    assert clean_title("a\x1b[31m\nb\u2028c ") == "a [31m b c"


@pytest.mark.parametrize("title", ["", " \n\t ", "\0"])
def test_an_empty_title_is_refused(title: str) -> None:
    with pytest.raises(BadRequest, match="title is empty"):
        clean_title(title)


@pytest.mark.parametrize("owner", ["", "../x", "Anna", "a b", "-x", "x" * 65, "a\n"])
def test_an_owner_that_is_no_name_is_refused(owner: str) -> None:
    with pytest.raises(BadRequest, match="no owner's name"):
        checked_owner(owner)


def test_a_new_id_is_one_of_the_contract() -> None:
    assert ARCHIVE_ID.fullmatch(new_archive_id())
