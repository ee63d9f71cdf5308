"""Settings as a form, and a timetable before it is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from appliance.settings import FIXED_AT_START, SECRET, Settings
from appliance.settings_form import FORM, GROUPS
from tests.inside import Inside


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("settings") / "data", mqtt_password="hidden-words") as running:
        yield running


def test_every_setting_that_is_shown_has_its_place_in_the_form(inside: Inside) -> None:
    assert FORM.keys() == Settings.model_fields.keys() - SECRET
    state = inside.ask("settings/get")
    properties = state["json_schema"]["properties"]
    assert properties.keys() == {setting["name"] for setting in state["settings"]}
    assert {its["x-group"] for its in properties.values()} == set(GROUPS) == set(state["json_schema"]["x-groups"])
    assert len({its["title"] for its in properties.values()}) == len(properties)
    assert {name for name, its in properties.items() if its["x-fixed-at-start"]} == FIXED_AT_START - SECRET
    assert properties["upload_limit_kb_per_s"]["x-unit"] == "kB/s"
    assert "hidden-words" not in str(state)


def preview(inside: Inside, timetable: str, time_zone: str | None = "Europe/Berlin") -> Any:
    return inside.ask("settings/preview-timetable", timetable=timetable, time_zone=time_zone)


def test_a_timetable_is_drawn_as_a_week_without_gaps_before_it_is_set(inside: Inside) -> None:
    told = preview(inside, "mon-fri 08:00-18:00 500; fri 22:00-02:00 pause")
    monday = [(s["from_minute"], s["to_minute"], s["limit_kb_per_s"]) for s in told["week"] if s["weekday"] == 0]
    saturday = [(s["from_minute"], s["to_minute"], s["limit_kb_per_s"]) for s in told["week"] if s["weekday"] == 5]
    assert monday == [(0, 480, 0), (480, 1080, 500), (1080, 1440, 0)]
    assert saturday == [(0, 120, None), (120, 1440, 0)]
    assert all(sum(s["to_minute"] - s["from_minute"] for s in told["week"] if s["weekday"] == day) == 1440 for day in range(7))
    assert len(told["changes"]) == 10
    assert told["changes"] == sorted(told["changes"], key=lambda change: str(change["at"]))
    assert inside.ask("settings/get", name="timetable")["value"] == "", "nothing was set"


@pytest.mark.parametrize(
    ("timetable", "zone", "words"),
    [("mon 8-9 500", None, "span of time"), ("", "Atlantis/Center", "no time zone"), ("x", "Europe/Berlin", "days, times and a value")],
)
def test_a_timetable_that_is_none_is_answered_with_its_error(inside: Inside, timetable: str, zone: str | None, words: str) -> None:
    told = preview(inside, timetable, zone)
    assert words in told["error"]
    assert (told["week"], told["changes"]) == ([], [])


def test_an_empty_timetable_never_changes_anything(inside: Inside) -> None:
    told = preview(inside, "")
    assert (told["error"], told["now_kb_per_s"], told["changes"], len(told["week"])) == (None, 0, [], 7)
