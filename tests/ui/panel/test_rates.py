"""Rates that are remembered, and how they are drawn."""

from __future__ import annotations

from ui.panel.overview.chart import draw, in_words, nice
from ui.panel.rates import Rate, _Said, means


def test_means_are_weighted_by_how_long_each_rate_was_true_and_unknown_where_nothing_was_said() -> None:
    said = [_Said(100.0, Rate(10.0, 0.0)), _Said(105.0, Rate(30.0, 2.0)), _Said(120.0, None), _Said(130.0, Rate(4.0, 4.0))]
    assert means(said, 139.0, 50.0, 5) == [None, Rate(20.0, 1.0), Rate(30.0, 2.0), None, Rate(4.0, 4.0)]


def test_a_rate_that_was_said_once_stands_until_another_one() -> None:
    assert means([_Said(0.0, Rate(7.0, 0.0))], 1e6 + 1, 60.0, 3) == [Rate(7.0, 0.0)] * 3
    assert means([], 1e6, 60.0, 3) == [None] * 3


def test_a_drawing_has_a_gap_where_nothing_is_known_and_a_scale_that_changes_seldom() -> None:
    drawn = draw([Rate(1e6, 0.0), None, Rate(5e5, 0.0)])
    assert drawn.up == "M0 2.0H200M400 61.0H600"
    assert drawn.top == 1e6
    assert [nice(value) for value in (1e5, 1.1e5, 2.3e5, 9e5)] == [1e5, 2e5, 5e5, 1e6]
    assert in_words([], "1 hour") == "Rates of the last 1 hour: nothing is known."
