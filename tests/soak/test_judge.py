"""What counts as growth, and what does not."""

from __future__ import annotations

import random

import pytest

from tests.soak.judge import COUNTED, EXACT, MEMORY, MIB, Curve, Tolerance, Verdict, Wear, slope, verdict

WHOLE_S = 1200.0


def judged(values: list[float], tolerance: Tolerance) -> Verdict:
    points = [(WHOLE_S * number / len(values), value) for number, value in enumerate(values)]
    return verdict(Curve(name="it", unit="", points=points, tolerance=tolerance), WHOLE_S)


def test_what_grows_only_while_it_warms_up_does_not_grow() -> None:
    assert judged([50.0 * MIB + n * MIB for n in range(25)] + [75.0 * MIB] * 75, MEMORY).is_good


def test_what_grows_slowly_and_steadily_grows() -> None:
    noise = random.Random(1)
    found = judged([70 * MIB + n * 0.1 * MIB + noise.uniform(-2, 2) * MIB for n in range(100)], MEMORY)
    assert not found.is_good
    assert found.per_hour == pytest.approx(30 * MIB, rel=0.3)


def test_noise_and_a_peak_are_no_growth() -> None:
    noise = random.Random(1)
    values = [70 * MIB + noise.uniform(-4, 4) * MIB for _ in range(100)]
    values[90] += 300 * MIB
    assert judged(values, MEMORY).is_good


def test_what_is_held_while_something_is_done_is_no_growth_and_what_is_never_let_go_is() -> None:
    assert judged([20.0, 21, 20, 20] * 13 + [20.0, 60, 80, 20] * 12, EXACT).is_good
    assert judged([20.0] * 80 + [22.0] * 20, COUNTED).is_good
    assert not judged([20.0 + n // 20 for n in range(100)], EXACT).is_good


def test_three_per_cent_of_much_may_be_more_than_4_mib() -> None:
    assert judged([400.0 * MIB] * 75 + [410.0 * MIB] * 25, MEMORY).is_good
    assert not judged([100.0 * MIB] * 75 + [110.0 * MIB] * 25, MEMORY).is_good


def test_a_quarter_without_a_value_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="a quarter"):
        verdict(Curve(name="it", unit="", points=[(0.0, 1.0), (1.0, 1.0)], tolerance=EXACT), WHOLE_S)


def test_an_outlier_does_not_move_a_slope_and_a_point_has_none() -> None:
    assert slope([(0, 0), (1, 1), (2, 200), (3, 3), (4, 4)]) == pytest.approx(1, abs=0.5)
    assert slope([(0, 7)]) == 0.0


def test_wear_within_its_budget_is_no_complaint() -> None:
    assert Wear(written_bytes=1024, syncs=4, changes=1).complaints() == []
    bytes_, syncs = Wear(written_bytes=2_049, syncs=9, changes=2).complaints()
    assert "1024 bytes" in bytes_ or "1025 bytes" in bytes_
    assert "4.5 fsyncs" in syncs
