"""What the overview says of the computer: only what it tells."""

from __future__ import annotations

from typing import Any

import pytest

from ui.panel.overview.this_pi import in_words


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, ""),
        ({"model": "A computer", "temperature_c": None, "under_voltage": None}, ""),
        ({"temperature_c": 52, "throttled": False, "under_voltage": False, "memory_used_ratio": 0.2, "load_ratio": 0.5},
         "52 °C. Power is good. Memory: 20 % used. Load: 50 %."),
        ({"temperature_c": 83, "throttled": True, "under_voltage": True}, "83 °C, slowed down. The power supply is too weak."),
        ({"under_voltage": False, "under_voltage_lately": True, "card_wear_ratio": 0.9},
         "The power supply was too weak lately. Card: 90 % of its life used up."),
    ],
)  # fmt: skip
def test_what_is_not_told_is_not_said(state: dict[str, Any], words: str) -> None:
    assert in_words(state) == words
