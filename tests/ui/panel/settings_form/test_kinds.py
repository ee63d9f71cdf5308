"""Fields drawn from the published schema, and what is sent for what people type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.settings import SettingsStore
from ui.panel.settings_form.kinds import FieldKind, kind_of, read

NUMBER = {"type": "number", "minimum": 0.5, "maximum": 99.5}
WHOLE = {"type": "integer", "minimum": 1, "maximum": 16}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """As the appliance publishes it."""
    return SettingsStore({}).state().json_schema


def test_every_published_setting_gets_its_kind_of_field(schema: dict[str, Any]) -> None:
    kinds = {name: kind_of(name, one) for name, one in schema["properties"].items()}
    assert {kind.kind for kind in kinds.values()} == {"switch", "number", "choice", "text", "long_text"}
    assert kinds["metered"].kind == "switch"
    assert kinds["timetable"].kind == "long_text"
    assert kinds["registration"].choices == ("invitation", "open")
    limit, reserve = kinds["upload_limit_kb_per_s"], kinds["reserve_mib"]
    assert (limit.kind, limit.whole, limit.unit, limit.minimum, limit.nullable) == ("number", True, "kB/s", 0, False)
    assert (reserve.kind, reserve.nullable) == ("number", True)
    assert kinds["mqtt_host"].fixed
    assert {kind.group for kind in kinds.values()} <= set(schema["x-groups"])


def test_a_setting_that_nobody_described_is_a_text_under_its_own_name() -> None:
    kind = kind_of("new_in_next_year", {})
    assert (kind.title, kind.kind, kind.group) == ("New in next year", "text", "More")


@pytest.mark.parametrize(
    ("schema", "typed", "sent"),
    [
        ({"type": "boolean"}, True, True),
        (WHOLE, " 8 ", 8),
        (WHOLE, "", None),
        (NUMBER, "1,5", 1.5),
        (NUMBER, "1.5", 1.5),
        ({"type": "string"}, "", ""),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, " ", None),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, None),
    ],
)
def test_what_is_typed_is_sent_as_the_setting_takes_it(schema: dict[str, Any], typed: Any, sent: Any) -> None:
    found = read(kind_of("x", schema), typed)
    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("schema", "typed", "words"),
    [
        (WHOLE, "1.000", "without dots"),
        (WHOLE, "1,5", "without dots"),
        (WHOLE, "0", "1 or more"),
        (WHOLE, "17", "16 or less"),
        (WHOLE, "many", "'many' is not a number"),
        (NUMBER, "99,6", "99.5 or less"),
        (NUMBER, "nan", "not a number"),
        (NUMBER, "inf", "not a number"),
        (NUMBER, "1e3", "not a number"),
    ],
)
def test_what_is_no_such_number_is_refused_in_words(schema: dict[str, Any], typed: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(kind_of("x", schema), typed)


@given(typed=st.text(max_size=60), kind=st.sampled_from([WHOLE, NUMBER, {"type": "integer"}, {"type": "number"}]))
@example(typed="9" * 400, kind={"type": "integer"})
@example(typed="²", kind={"type": "integer"})
def test_whatever_is_typed_into_a_number_is_one_within_the_bounds_or_a_refusal(typed: str, kind: dict[str, Any]) -> None:
    field: FieldKind = kind_of("x", kind)
    try:
        value = read(field, typed)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either of both is right
        return
    assert value is None or (field.minimum or value) <= value <= (field.maximum or value)
