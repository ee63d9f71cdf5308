"""Conditional requests for a file that never changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.datastructures import Headers

from ui.panel.files.conditions import Validators

_SHA = "ab" * 32
_ETAG, _OTHER = f'"{_SHA}"', '"cd"'
_AT, _EARLIER, _LATER = "Sun, 22 Nov 2026 10:00:00 GMT", "Sun, 22 Nov 2026 09:59:59 GMT", "Sun, 22 Nov 2026 10:00:01 GMT"
_FILE = Validators(_SHA, datetime(2026, 11, 22, 10, tzinfo=UTC))


def test_the_validators_are_the_sha256_and_the_date() -> None:
    assert (_FILE.etag, _FILE.last_modified) == (_ETAG, _AT)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, None),
        ({"if-none-match": _ETAG}, 304),
        ({"if-none-match": f"W/{_ETAG}"}, 304),
        ({"if-none-match": f'W/"x, y", {_OTHER}, {_ETAG}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": _OTHER}, None),
        ({"if-none-match": _SHA}, None),
        ({"if-match": _ETAG}, None),
        ({"if-match": "*"}, None),
        ({"if-match": f"{_OTHER}, {_ETAG}"}, None),
        ({"if-match": _OTHER}, 412),
        ({"if-match": f"W/{_ETAG}"}, 412),
        ({"if-match": ""}, 412),
        ({"if-modified-since": _AT}, 304),
        ({"if-modified-since": _LATER}, 304),
        ({"if-modified-since": _EARLIER}, None),
        ({"if-modified-since": "nonsense"}, None),
        ({"if-modified-since": "Sun, 22 Nov 99999999999 10:00:00 GMT"}, None),
        ({"if-unmodified-since": _AT}, None),
        ({"if-unmodified-since": _EARLIER}, 412),
        ({"if-match": _ETAG, "if-unmodified-since": _EARLIER}, None),  # the tag counts, the date is passed over
        ({"if-none-match": _OTHER, "if-modified-since": _LATER}, None),
        ({"if-match": _OTHER, "if-none-match": _ETAG}, 412),
    ],
)
def test_conditions_are_judged_in_the_order_of_the_rfc(asked: dict[str, str], status: int | None) -> None:
    assert _FILE.refused(Headers(asked)) == status


def test_a_list_may_come_in_several_lines() -> None:
    raw = [(b"if-none-match", _OTHER.encode()), (b"if-none-match", _ETAG.encode())]
    assert _FILE.refused(Headers(raw=raw)) == 304


@pytest.mark.parametrize(
    ("if_range", "may"),
    [
        (_ETAG, True),
        (_OTHER, False),
        (f"W/{_ETAG}", False),
        (_AT, True),
        (_EARLIER, False),
        (_LATER, False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_a_part_goes_only_to_whoever_has_the_rest_of_this_content(if_range: str, may: bool) -> None:
    assert _FILE.may_be_ranged(Headers({"if-range": if_range})) is may


def test_without_if_range_a_part_is_a_part() -> None:
    assert _FILE.may_be_ranged(Headers({}))
