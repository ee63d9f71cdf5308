"""Passwords, tokens and codes: in no log, topic, answer, error, and not in the copy of the catalog that goes to the remote."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from appliance.app import answer
from appliance.errors import ApplianceError
from mqtt import user_verbs as verbs
from mqtt.verbs import VERBS
from tests.appliance.accounts.people import claimed, joined, panel
from tests.inside import Inside

WORDS = {"password": "Open-Sesame-1", "old": "Open-Sesame-2", "new": "Open-Sesame-3", "code": "Open-Sesame-4", "session": "Open-Sesame-5"}


def test_a_whole_life_of_accounts_leaves_no_secret_where_others_look(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    disk = tmp_path / "disk"
    with Inside(tmp_path / "data", log_level="debug", catalog_copy_minutes=1) as inside:
        inside.connect(disk)
        first, second = (inside.ask("user/setup-code")["code"] for _ in range(2))
        with pytest.raises(ApplianceError):
            panel(inside, "user/claim", code=first, name="anna", password=WORDS["password"])
        anna = panel(inside, "user/claim", code=second, name="anna", password=WORDS["password"])["session"]
        bert = joined(inside, "bert")
        invited = inside.ask("user/invite")["code"]
        with pytest.raises(ApplianceError):
            panel(inside, "user/login", name="anna", password=WORDS["old"])
        answer(inside.app, "panel", "user/password", {"old": WORDS["password"], "new": WORDS["new"], "session": anna})
        hashes = [inside.app.household.users.find(name).password_hash or "" for name in ("anna", "bert")]
        keys = inside.app.db.table("sessions").ids()
        assert inside.app.copier.run_once()
        published = [*inside.outbox.retained.values(), *inside.outbox.events]
        asked = [inside.ask(verb) for verb in ("user/list", "user/invitations", "audit/query", "settings/get")]
        asked += [inside.ask("log/query", limit=1000, level="debug"), bert.ask("user/sessions"), bert.ask("user/me")]
    seen = "\n".join([caplog.text, json.dumps(asked), *(payload.decode() for payload in published)])
    copied = "\n".join(path.read_text(errors="replace") for path in disk.rglob("*") if path.is_file())
    assert "anna" in copied
    assert "bert" in copied
    secrets = [first, second, invited, anna, bert.session, *WORDS.values(), *hashes, *keys]
    assert [secret for secret in secrets if secret in seen] == []
    assert [secret for secret in secrets if secret in copied] == []
    assert [word for word in ("argon2", "code_hash", '"sessions"', '"tries"', '"audit"', '"invitations"') if word in copied] == []
    catalog = "".join(path.read_text(errors="replace") for path in (tmp_path / "data" / "catalog").iterdir())
    assert [secret for secret in (first, second, invited, anna, bert.session, *WORDS.values()) if secret in catalog] == []


@pytest.mark.parametrize("verb", [verb for verb, shape in VERBS.items() if WORDS.keys() & shape.model_fields.keys()])
def test_what_is_secret_in_a_request_is_in_no_repr_and_in_no_error(verb: str, tmp_path: Path) -> None:
    shape = VERBS[verb]
    given: dict[str, Any] = {name: WORDS[name] for name in shape.model_fields if name in WORDS}
    whole = {"name": "anna", **given} if "name" in shape.model_fields else given
    assert [word for word in WORDS.values() if word in repr(shape.model_validate(whole))] == []
    with Inside(tmp_path / "data") as inside:
        claimed(inside)
        for wrong in ({}, {"unknown": 1}, {"name": 5}, {name: [word] for name, word in given.items()}):
            with pytest.raises(ApplianceError) as refused:
                answer(inside.app, "cli", verb, {**whole, **wrong, **({} if wrong else {"name": "\0"})})
            assert [word for word in WORDS.values() if word in str(refused.value)] == []


def test_the_picture_and_the_credentials_of_a_request_are_not_in_its_repr() -> None:
    assert "iVBORw0KGgo" not in repr(verbs.UserProfile(picture="iVBORw0KGgo"))
