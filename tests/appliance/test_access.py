"""Every verb, asked by every login: who may not, learns nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.app import answer
from appliance.errors import ApplianceError, Unauthorised
from mqtt.verbs import VERBS
from tests.inside import Inside

REFUSED = ["panel", "scripts", "homeassistant", "appliance", "", "CLI", "cli ", "clî", "root", "+", "#"]


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("access") / "data") as running:
        running.put(b"x")
        yield running


@pytest.mark.parametrize("login", REFUSED)
def test_every_verb_is_refused_to_who_may_not_ask_and_nothing_changes(inside: Inside, login: str) -> None:
    before = inside.app.states.appliance().counts, inside.app.engine.paused, inside.app.settings.state()
    for verb in [*VERBS, "no/such/verb", ""]:
        for parameters in ({}, {"session": "x", "run_id": "x"}, minimal(inside, verb)):
            with pytest.raises(Unauthorised) as refused:
                answer(inside.app, login, verb, parameters)
            assert refused.value.code == "unauthorised"
            assert "cli" in str(refused.value) or "pyarchive" in str(refused.value)
    assert (inside.app.states.appliance().counts, inside.app.engine.paused, inside.app.settings.state()) == before


@pytest.mark.parametrize("verb", VERBS)
def test_an_admin_may_ask_for_every_verb(inside: Inside, verb: str) -> None:
    try:
        answer(inside.app, "cli", verb, {})
    except ApplianceError as error:
        assert error.code != "unauthorised"  # noqa: PT017 - most verbs rightly complain about something else


def minimal(inside: Inside, verb: str) -> dict[str, Any]:
    """Parameters that would do something, were they allowed."""
    fields = VERBS[verb].model_fields if verb in VERBS else {}
    return (
        {"archive": inside.app.library.ids()[0]} if "archive" in fields else {"name": "undo_days", "value": 3} if "value" in fields else {}
    )


def test_who_asks_is_told_by_the_topic_alone(inside: Inside) -> None:
    with pytest.raises(ApplianceError, match="login"):
        answer(inside.app, "cli", "archive/list", {"login": "cli"})
    assert Path(inside.data).exists()
