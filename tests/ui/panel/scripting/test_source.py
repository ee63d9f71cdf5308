"""What an editor makes of a source, and what becomes of its bytes."""

from __future__ import annotations

import pytest

from ui.panel.scripting import difference
from ui.panel.scripting.source import Source

_CONTENTS = [
    b"",
    b"print(1)",
    b"print(1)\n",
    b"a\r\nb\r\n",
    b"a\rb\r",
    b"a\r\nb\nc\r",
    "\ufeffprint('ä🐍')\r\n".encode(),
    b"\xff\xfe\n",
    b"a\x00\n\n",
]


@pytest.mark.parametrize("content", _CONTENTS)
def test_what_was_not_changed_is_saved_byte_for_byte(content: bytes) -> None:
    source = Source.of_base64(Source(content).base64)
    assert source.edited(source.text).content == content
    assert "\r" not in source.text


def test_a_change_keeps_the_ends_of_line() -> None:
    assert Source(b"a\r\nb\r\n").edited("a\nc\n").content == b"a\r\nc\r\n"
    assert Source(b"a\rb").edited("a\nc\n").content == b"a\rc\r"
    assert Source(b"").edited("a\n").content == b"a\n"


def test_ends_of_line_that_differ_are_known() -> None:
    mixed = Source(b"a\r\nb\n")
    assert mixed.mixes_line_ends
    assert mixed.edited("a\nb\nc\n").content == b"a\nb\nc\n"
    assert not Source(b"a\r\nb\r\n").mixes_line_ends


def test_bytes_that_are_no_text_are_known() -> None:
    assert not Source(b"\xff").is_text
    assert Source("ä".encode()).is_text


def test_a_difference_has_signs_and_says_what_cannot_be_seen() -> None:
    assert difference.lines(Source(b"a\nb\n"), Source(b"a\nc\n")) == ["@@ -1,3 +1,3 @@", " a", "-b", "+c", " "]
    assert difference.lines(Source(b"a\n"), Source(b"a\r\n")) == [
        "@ The lines are the same; their ends, or bytes that are no text, differ."
    ]
    assert difference.lines(Source(b"a"), Source(b"a")) == []
