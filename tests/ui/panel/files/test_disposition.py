"""The name under which a browser saves a file."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.panel.files.disposition import attachment

_FORM = re.compile(
    r"attachment; filename=\"([^\"\\%/:\x00-\x1f\x7f-\U0010ffff]+)\"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]*)", re.ASCII
)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("holiday 2025.tar.gz", "holiday 2025.tar.gz"),
        ("Überraschung für Zoë.pdf", "Uberraschung fur Zoe.pdf"),
        ("写真.jpg", "__.jpg"),
        ("фото 🏖.png", "____ _.png"),
        ('a"b\\c.txt', "a_b_c.txt"),
        ("100%25.txt", "100_25.txt"),
        ("a/b:c", "a_b_c"),
        ("line\r\nSet-Cookie: x=1", "line__Set-Cookie_ x=1"),
        ("exe\u202egpj.txt", "exe_gpj.txt"),
        (" . ", "download"),
        ("", "download"),
    ],
)
def test_the_plain_name_is_ascii_and_the_exact_one_is_exact(name: str, plain: str) -> None:
    parts = _FORM.fullmatch(attachment(name))
    assert parts
    assert (parts[1], unquote(parts[2], errors="strict")) == (plain, name)


@given(st.text())
def test_no_name_leaves_its_quotes_or_its_line(name: str) -> None:
    value = attachment(name)
    assert _FORM.fullmatch(value), value
    value.encode("ascii")
