"""Lines that come live, and lines that were asked for: joined without gaps or doubles."""

from __future__ import annotations

from typing import Any

from ui.panel.scripting.joining import Joining


def lines(first: int, end: int) -> list[dict[str, Any]]:
    return [{"sequence": number, "stream": "stdout", "text": f"{number}"} for number in range(first, end)]


def shown(found: list[dict[str, Any]] | None) -> list[int] | None:
    return None if found is None else [line["sequence"] for line in found]


def test_lines_that_go_on_are_shown() -> None:
    joining = Joining()
    assert shown(joining.live(lines(0, 3))) == [0, 1, 2]
    assert shown(joining.live(lines(3, 5))) == [3, 4]


def test_lines_that_were_shown_are_not_shown_again() -> None:
    joining = Joining()
    joining.asked(lines(0, 4), 0)
    assert shown(joining.live(lines(2, 6))) == [4, 5]
    assert shown(joining.live(lines(0, 6))) == []
    assert shown(joining.asked(lines(3, 8), 0)) == [6, 7]


def test_a_gap_is_asked_for() -> None:
    joining = Joining()
    joining.live(lines(0, 2))
    assert joining.live(lines(5, 7)) is None
    assert joining.live([*lines(2, 3), *lines(5, 6)]) is None
    assert shown(joining.asked(lines(2, 7), 0)) == [2, 3, 4, 5, 6]
    assert shown(joining.live(lines(7, 8))) == [7]
    assert joining.skipped == 0


def test_what_is_not_kept_or_left_out_is_counted() -> None:
    joining = Joining()
    assert shown(joining.asked(lines(8, 10), 8)) == [8, 9]
    assert joining.skipped == 8
    assert shown(joining.asked(lines(15, 16), 8)) == [15]
    assert joining.skipped == 13
    assert shown(joining.asked([], 20)) == []
    assert joining.skipped == 17
