"""Which bytes a Range header asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.panel.files.ranges import NotSatisfiable, Span, wanted

_SIZE = 1000


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-", Span(0, 1000)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=999-", Span(999, 1000)),
        ("bytes=500-5000", Span(500, 1000)),
        ("bytes=-1", Span(999, 1000)),
        ("bytes=-5000", Span(0, 1000)),
        ("Bytes = 10-19", Span(10, 20)),
        ("bytes=0-99999999999999999999999999", Span(0, 1000)),
        ("bytes=10-19,20-29", Span(10, 30)),  # they touch
        ("bytes=20-29, 10-24", Span(10, 30)),  # they overlap, and come the other way round
        ("bytes=10-19,5000-", Span(10, 20)),  # one lies behind the end
        ("bytes=,10-19,", Span(10, 20)),
    ],
)
def test_one_range_is_the_span_that_it_names(header: str, span: Span) -> None:
    assert wanted(header, _SIZE) == span


@pytest.mark.parametrize(
    "header",
    [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=1-2-3", "bytes=+1-2", "bytes=0x1-2",
        "bytes=\uff11-\uff12",
        "rows=0-5", "bytes=0-1,5-6", "bytes=" + ",".join(["0-0"] * 500), "bytes=" + "9" * 5000 + "-",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_or_is_scattered_gives_the_whole_file(header: str) -> None:
    assert wanted(header, _SIZE) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0", "bytes=1000-,2000-"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        wanted(header, _SIZE)


def test_of_an_empty_file_the_end_is_the_whole_and_any_byte_is_none() -> None:
    assert wanted("bytes=-5", 0) is None
    with pytest.raises(NotSatisfiable):
        wanted("bytes=0-", 0)


@given(st.text(max_size=40), st.integers(0, 100))
def test_no_header_gives_anything_but_a_part_of_the_file(specs: str, size: int) -> None:
    try:
        span = wanted(f"bytes={specs}", size)
    except NotSatisfiable:
        return
    assert span is None or 0 <= span.start < span.stop <= size
