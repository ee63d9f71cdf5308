"""A timetable as rules and back: what the editor writes, the appliance reads, and it means the same."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.timetable import timetable
from ui.panel.settings_form.rules import DAYS, Rule, join, parse

_MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02d}:{minute % 60:02d}")
RULES = st.builds(
    Rule, days=st.frozensets(st.integers(0, 6), min_size=1), begin=_MINUTES, end=_MINUTES,
    limit_kb_per_s=st.one_of(st.none(), st.integers(0, 10_000_000)),
)  # fmt: skip


@given(rules=st.lists(RULES, max_size=8))
def test_rules_written_as_text_are_read_as_the_same_rules(rules: list[Rule]) -> None:
    assert parse(join(rules)) == rules


@given(rule=RULES)
def test_the_appliance_reads_a_written_rule_as_the_editor_shows_it(rule: Rule) -> None:
    assume(rule.begin != rule.end)
    (read,) = timetable(join([rule]), None).rules
    assert (read.days, read.limit_kb_per_s) == (rule.days, rule.limit_kb_per_s)
    assert [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (read.from_minute, read.to_minute)] == [rule.begin, rule.end]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily 0:00-24:00 free", DAYS),
        ("MON-FRI 08:00-18:00 500", DAYS[:5]),
        ("sat-mon 8:00-9:00 pause", ("mon", "sat", "sun")),
        ("tue,thu 22:00-06:00 pause;", ("tue", "thu")),
    ],
)
def test_what_people_write_is_understood(text: str, days: tuple[str, ...]) -> None:
    (rule,) = parse(text)
    assert tuple(DAYS[day] for day in sorted(rule.days)) == days
    assert parse(join([rule])) == [rule]


@pytest.mark.parametrize("text", ["always pause", "mon 8-9 pause", "mon 08:00-09:00 fast", "mo 08:00-09:00 5", "mon 08:00-09:00 -5", "x"])
def test_what_the_editor_does_not_know_is_left_as_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)
