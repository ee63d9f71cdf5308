"""What a copy of the catalog, which may be forged, can set here and what not."""

from __future__ import annotations

import pytest

from appliance.recovery.bringing_back import _is_harmless


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("timetable", "daily 08:00-18:00 500", True),
        ("metered", True, True),
        ("undo_days", 60, True),
        ("undo_days", 0, False),
        ("keep_free_mib", 1, False),
        ("keep_free_mib", 10**9, False),
        ("mqtt_host", "elsewhere", False),
    ],
)
def test_nothing_that_a_copy_says_frees_local_copies_or_ends_a_time_earlier(name: str, value: object, taken: bool) -> None:
    assert _is_harmless(name, value) is taken
