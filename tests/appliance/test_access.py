"""Every verb, asked by everybody: it is decided as its declaration says, who may not learns nothing, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.accounts.sessions import IDLE
from appliance.app import answer
from appliance.errors import ApplianceError, Conflict, NotFound, Unauthorised
from mqtt.messages import RunnerState, ScriptState
from mqtt.verb import Access
from mqtt.verbs import VERBS
from tests.appliance.accounts.people import PASSWORD, Person, claimed, joined
from tests.inside import Inside
from tests.waiting import wait_for

STRANGERS = ["scripts", "homeassistant", "appliance", "", "CLI", "cli ", "clî", "root", "+", "#", "Panel"]
EXPECTED = {
    Access.ANYONE: "user/claim user/login user/logout user/register user/standing",
    Access.MEMBER: "archive/abort archive/begin archive/list archive/many archive/summary archive/uploads connection/list "
    "connection/show integrity/job integrity/verify transfer/history transfer/list transfer/sync user/end-session "
    "user/me user/password user/picture user/profile user/sessions",
    Access.OWN: "archive/batch-map archive/batches archive/history archive/locate archive/pin archive/release "
    "archive/removal archive/remove archive/rename archive/restore archive/show archive/undo archive/unpin transfer/retry",
    Access.HANDED_IN: "archive/commit archive/upload",
}  # fmt: skip
"""Written down here once more: whoever opens a verb to more people has to say so twice. All others are for admins."""
FOR_SCRIPTS = {
    "look": "archive/batch-map archive/batches archive/history archive/list archive/locate archive/removal archive/show archive/summary "
    "archive/upload archive/uploads connection/list connection/recovery-kit connection/removal connection/show frontpanel/history "
    "integrity/job integrity/tombstones log/query recovery/look recovery/state script/value settings/get settings/preview-timetable "
    "transfer/history transfer/list",
    "look without a word": "connection/empty connection/trash integrity/orphans integrity/verify",
    "change": "archive/abort archive/begin archive/commit archive/demo archive/many archive/pin archive/release archive/remove "
    "archive/rename archive/restore archive/undo archive/unpin connection/activate connection/claim connection/remove connection/rename "
    "connection/validate frontpanel/hold frontpanel/let-go frontpanel/press integrity/bury settings/set transfer/first transfer/pause "
    "transfer/resume transfer/retry transfer/sync transfer/usual",
}
"""What a running script may ask for: whatever its permission; so while nothing says to change anything; with the permission to change."""
VALUES: dict[str, dict[str, Any]] = {
    "archive/many": {"act": "pin"},
    "script/value": {"value": 1},
    "settings/preview-timetable": {"timetable": ""},
}
SAYS_SO: dict[str, dict[str, Any]] = {
    "connection/empty": {"confirm": "disk"}, "connection/trash": {"purge": True}, "integrity/orphans": {"adopt": True},
    "integrity/verify": {"repair": True},
}  # fmt: skip
ABOUT_ARCHIVES = [verb for verb, shape in VERBS.items() if {"archive", "archive_id", "archives"} & shape.model_fields.keys()]


@dataclass(frozen=True, slots=True)
class Scene:
    """Two members with an archive and a file on its way in each, and an admin."""

    inside: Inside
    admin: Person
    anna: Person
    bert: Person
    annas: str
    berts: str
    berts_upload: str

    def state(self) -> Any:
        """All that an act could change, but for when a session was used last."""
        catalog = {name: dict(self.inside.app.db.table(name).items()) for name in sorted(self.inside.app.db.tables())}
        return {name: rows for name, rows in catalog.items() if name not in {"seen", "clock"}}, self.inside.app.engine.paused

    def parameters(self, verb: str, archive_id: str, upload_id: str = "") -> dict[str, Any]:
        """Such that it would do something, were it allowed."""
        fields = VERBS[verb].model_fields if verb in VERBS else {}
        known = {
            "archive": archive_id, "archive_id": upload_id or archive_id, "title": "Taken over", "sha256": "0" * 64, "connection": "disk",
            "archives": [archive_id], "name": "anna", "role": "admin", "password": PASSWORD, "from_owner": "anna", "to_owner": "bert",
            "job_id": "0", "file_name": "x", "size_bytes": 1, "kind": "folder", "path": "/nowhere", "credentials": "{}", "confirm": "disk",
            "objects": 1, "old": PASSWORD, "new": "another good one", "code": "x", "id": "x",
            "script": "hello", "source_base64": "", "version": 1, "run_id": "x", "paused": True, "trial_id": "x",
        }  # fmt: skip
        if verb == "settings/set":
            return {"name": "undo_days", "value": 3}
        required = {name for name, field in fields.items() if field.is_required()} | ({"archives"} & fields.keys())
        return {name: value for name, value in known.items() if name in required}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("access")
    with Inside(folder / "data") as inside:
        inside.connect(folder / "disk")
        inside.ask("transfer/pause")
        admin = claimed(inside, "carla")
        anna, bert = joined(inside, "anna"), joined(inside, "bert")
        annas = inside.put(b"of anna", "anna-file.bin", owner="anna", title="Letters")
        berts = inside.put(b"of bert!", "bert-file.bin", owner="bert", title="Letters")
        upload = inside.begin(b"of bert too", "bert-next.bin", owner="bert")
        yield Scene(inside, admin, anna, bert, annas, berts, upload)


def outcome(scene: Scene, login: str, verb: str, parameters: dict[str, Any]) -> str:
    """``ok``, or the code of the error."""
    try:
        answer(scene.inside.app, login, verb, parameters)
    except ApplianceError as error:
        return error.code
    return "ok"


def test_each_verb_declares_who_may_ask_as_it_is_written_down_here() -> None:
    for access, verbs in EXPECTED.items():
        assert sorted(verb for verb, shape in VERBS.items() if shape.access is access) == sorted(verbs.split())


def test_each_verb_declares_what_a_script_may_ask_as_it_is_written_down_here(scene: Scene) -> None:
    kinds: dict[str, list[str]] = {kind: [] for kind in FOR_SCRIPTS}
    for verb, shape in sorted(VERBS.items()):
        if shape.for_scripts:
            changes = shape.model_validate({**scene.parameters(verb, scene.annas), **VALUES.get(verb, {})}).changes()
            kinds["look without a word" if verb in SAYS_SO else "change" if changes else "look"].append(verb)
    assert {kind: " ".join(verbs) for kind, verbs in kinds.items()} == FOR_SCRIPTS
    for verb, more in SAYS_SO.items():
        parameters = scene.parameters(verb, scene.annas)
        asked = [VERBS[verb].model_validate({**parameters, **words}).changes() for words in ({}, more)]
        assert asked == [False, True], verb


@pytest.mark.parametrize("login", STRANGERS)
def test_every_verb_is_refused_to_a_login_that_may_not_ask_and_nothing_changes(scene: Scene, login: str) -> None:
    before = scene.state()
    for verb in [*VERBS, "no/such/verb", ""]:
        for parameters in ({}, {"session": scene.admin.session, "run_id": "x"}, scene.parameters(verb, scene.annas)):
            with pytest.raises(Unauthorised) as refused:
                answer(scene.inside.app, login, verb, parameters)
            assert refused.value.code == "unauthorised"
            assert "cli" in str(refused.value) or "pyarchive" in str(refused.value)
    assert scene.state() == before


def test_the_panel_for_nobody_hands_over_what_was_sent_to_it_and_does_nothing_else(scene: Scene) -> None:
    before = scene.state()
    for verb in VERBS:
        got = outcome(scene, "panel", verb, scene.parameters(verb, scene.annas))
        if verb in EXPECTED[Access.HANDED_IN].split():
            assert got == "ok", verb
        elif verb not in EXPECTED[Access.ANYONE].split():
            assert got == "signed_out", verb
    after = scene.state()
    assert without(after, "audit", "tries", "sessions") == without(before, "audit", "tries", "sessions")
    scene.inside.app.household.tries.succeeded("anna")


@pytest.mark.parametrize("session", [None, "", "x" * 43, 1, [], {}, "x" * 100_000, "\ud800"], ids=lambda value: repr(value)[:12])
def test_the_panel_without_a_good_session_gets_what_is_for_anyone_and_nothing_else(scene: Scene, session: Any) -> None:
    before = scene.state()
    for verb in [*VERBS, "no/such/verb"]:
        got = outcome(scene, "panel", verb, {**scene.parameters(verb, scene.annas), "session": session})
        if verb not in EXPECTED[Access.ANYONE].split():
            assert got == "signed_out", verb
        else:
            assert got in {"ok", "conflict", "wrong_login", "unauthorised"}, verb
    after = scene.state()
    assert without(after, "audit", "tries", "sessions") == without(before, "audit", "tries", "sessions"), "a login began a session"
    scene.inside.app.household.tries.succeeded("anna")


def without(state: Any, *tables: str) -> Any:
    return {name: rows for name, rows in state[0].items() if name not in tables}, state[1]


def test_a_session_that_is_over_is_none(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    old = scene.inside.app.household
    passed = IDLE + timedelta(days=1)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + passed)
    monkeypatch.setattr(old.ages._witness, "is_older", lambda at, age: clock.now() - at >= age)
    for verb, shape in VERBS.items():
        if shape.access is not Access.ANYONE:
            for person in (scene.anna, scene.admin):
                assert outcome(scene, "panel", verb, {**scene.parameters(verb, scene.annas), "session": person.session}) == "signed_out"


def test_a_member_is_refused_what_is_for_admins_whatever_the_parameters(scene: Scene) -> None:
    before = scene.state()
    for verb, shape in VERBS.items():
        if shape.access is Access.ADMIN:
            for parameters in ({}, {"no": "such"}, scene.parameters(verb, scene.annas)):
                assert outcome(scene, "panel", verb, {**parameters, "session": scene.anna.session}) == "unauthorised", verb
    assert scene.state() == before


@pytest.mark.parametrize(
    "verb", [verb for verb, shape in VERBS.items() if {"archive", "archive_id", "archives"} & shape.model_fields.keys()]
)
def test_what_is_anothers_is_answered_like_what_is_not_there(scene: Scene, verb: str) -> None:
    before = scene.state()
    fields, nowhere = VERBS[verb].model_fields, "00000000deadbeef"
    for whole in (scene.berts, scene.berts_upload) if "archive_id" in fields else (scene.berts, scene.berts[:9], "bert-file.bin"):
        answers = [said(scene, verb, word) for word in (whole, nowhere[: len(whole)])]
        words = [text.replace(whole, "*").replace(nowhere[: len(whole)], "*") for text in answers]
        assert words[0] == words[1]
        assert words[0] == {"archive/abort": "{}"}.get(verb, words[0])
        assert "bert" not in answers[0].replace(whole, "")
    assert scene.state() == before


def said(scene: Scene, verb: str, word: str) -> str:
    parameters = {**scene.parameters(verb, word, word), "session": scene.anna.session}
    try:
        return json.dumps(answer(scene.inside.app, "panel", verb, parameters))
    except ApplianceError as error:
        return f"{error.code}: {error}"


def test_an_act_on_many_archives_tells_nothing_of_those_of_others(scene: Scene) -> None:
    def result(archive_id: str) -> str:
        job_id = scene.anna.ask("archive/many", act="pin", archives=[archive_id])["job_id"]
        job = wait_for(lambda: (j := scene.anna.ask("integrity/job", job_id=job_id))["state"] != "running" and j, what="the job's end")
        return json.dumps(job).replace(archive_id, "*")

    before = scene.inside.app.library.archive(scene.berts)
    assert result(scene.berts) == result("00000000deadbeef")
    assert scene.inside.app.library.archive(scene.berts) == before


def test_a_title_that_two_people_use_means_ones_own(scene: Scene) -> None:
    with pytest.raises(Conflict, match="2 archives match"):
        scene.inside.ask("archive/show", archive="Letters")
    assert scene.anna.ask("archive/show", archive="Letters")["id"] == scene.annas
    assert scene.bert.ask("archive/show", archive="Letters")["id"] == scene.berts


def test_members_see_nothing_of_each_other_in_any_answer(scene: Scene) -> None:
    told = []
    for verb, shape in VERBS.items():
        if shape.access is Access.MEMBER and verb not in {"user/end-session", "user/password", "archive/begin"}:
            told.append(said(scene, verb, scene.annas))
    told += [said(scene, verb, scene.annas) for verb in ("archive/show", "archive/batches")]
    text = "\n".join(told)
    assert scene.annas in text
    assert [word for word in (scene.berts, scene.berts_upload, "bert", "of bert") if word in text] == []
    listed = scene.anna.ask("archive/list")
    assert (listed["total"], [each["id"] for each in listed["archives"]]) == (1, [scene.annas])
    assert scene.anna.ask("archive/list", owner="bert") == {"archives": [], "total": 0} == scene.anna.ask("archive/list", owner="nobody")
    assert scene.anna.ask("archive/list", search="bert")["total"] == 0
    assert scene.anna.ask("transfer/list")["waiting_total"] == 1
    assert [each["archive_id"] for each in scene.anna.ask("transfer/list")["waiting"]] == [scene.annas]


def test_members_see_how_connections_are_and_not_where_nor_how_full(scene: Scene) -> None:
    (state,) = scene.anna.ask("connection/list")["connections"]
    assert (state["name"], state["valid"], state["active"]) == ("disk", True, True)
    assert state == scene.anna.ask("connection/show", connection="disk")
    assert {state[name] for name in ("path", "account", "client_id", "folder_id", "free_bytes", "used_bytes", "last_error")} == {None}


def test_a_full_disk_does_not_tell_a_member_what_others_hand_in(scene: Scene) -> None:
    with pytest.raises(ApplianceError, match="not enough room") as full:
        scene.anna.ask("archive/begin", file_name="x", size_bytes=1 << 60)
    assert not any(character.isdigit() for character in str(full.value))
    with pytest.raises(ApplianceError, match="promised"):
        scene.admin.ask("archive/begin", file_name="x", size_bytes=1 << 60)


def test_a_member_hands_in_for_himself_an_admin_for_anybody(scene: Scene) -> None:
    app = scene.inside.app

    def owner_of(asker: Person, **more: Any) -> str:
        begun = asker.ask("archive/begin", file_name="x", size_bytes=1, **more)["archive_id"]
        owner = app.db.table("uploads").get(doc_id=begun)["owner"]
        scene.inside.ask("archive/abort", archive_id=begun)
        return str(owner)

    assert owner_of(scene.anna) == owner_of(scene.anna, owner="anna") == "anna"
    assert (owner_of(scene.admin), owner_of(scene.admin, owner="bert")) == ("carla", "bert")
    for other in ("bert", "nobody"):
        with pytest.raises(Unauthorised, match="for yourself only"):
            scene.anna.ask("archive/begin", file_name="x", size_bytes=1, owner=other)


def test_a_member_checks_his_own_archives_and_follows_that_job_alone(scene: Scene) -> None:
    mine = scene.anna.ask("integrity/verify", archives=[scene.annas], local=True)["job_id"]
    assert scene.anna.ask("integrity/job", job_id=mine)["state"] in {"running", "done"}
    with pytest.raises(NotFound) as foreign:
        scene.bert.ask("integrity/job", job_id=mine)
    with pytest.raises(NotFound) as unknown:
        scene.bert.ask("integrity/job", job_id="0")
    assert str(foreign.value) == str(unknown.value)
    with pytest.raises(ApplianceError, match="only an admin"):
        scene.anna.ask("integrity/verify", local=True)
    everything = scene.inside.ask("integrity/verify", local=True)["job_id"]
    with pytest.raises(NotFound):
        scene.anna.ask("integrity/job", job_id=everything)


@pytest.mark.parametrize("verb", VERBS)
def test_an_admin_may_ask_for_every_verb(scene: Scene, verb: str) -> None:
    for login, session in (("cli", {}), ("panel", {"session": scene.admin.session})):
        if verb != "user/logout":
            assert outcome(scene, login, verb, {**session, "no": "such"}) == "bad_request"


def test_who_asks_is_told_by_the_topic_alone(scene: Scene) -> None:
    for parameters in ({"login": "cli"}, {"session": scene.admin.session}, {"user": "anna"}):
        with pytest.raises(ApplianceError, match="not permitted"):
            answer(scene.inside.app, "cli", "archive/list", parameters)
    assert Path(scene.inside.data).exists()


def run_of(scene: Scene, permission: str) -> str:
    """A run that runs now, as far as the appliance knows."""
    running = scene.inside.app.scripts.running
    running.heard_runner(RunnerState(online=True, version="1"))
    for run in running.of():
        running.heard_state(ended(run.run_id))
    return str(scene.inside.ask("script/run", source_base64="", permission=permission)["run_id"])


def ended(run_id: str) -> ScriptState:
    return ScriptState(run_id=run_id, name="x", state="ended", exit_status=0, asked_at=clock.now(), ended_at=clock.now())


def for_script(scene: Scene, verb: str) -> dict[str, Any]:
    return {**scene.parameters(verb, scene.annas), **VALUES.get(verb, {})}


def test_a_script_without_a_run_that_runs_now_may_ask_for_nothing(scene: Scene) -> None:
    over = run_of(scene, "change")
    scene.inside.app.scripts.running.heard_state(ended(over))
    waits = scene.inside.app.scripts.history.newest_first()[0].run_id
    assert waits == over
    before = scene.state()
    wrong: list[Any] = [None, 1, [], "", "x", over, "0" * 16, scene.admin.session]
    for run_id in wrong:
        for verb in [*VERBS, "no/such/verb"]:
            assert outcome(scene, "scripts", verb, {**for_script(scene, verb), "run_id": run_id}) == "unauthorised", (verb, run_id)
    assert scene.state() == before


def test_a_script_that_may_look_gets_what_only_looks_and_changes_nothing(scene: Scene) -> None:
    run_id = run_of(scene, "read")
    before = scene.state()
    for verb, shape in VERBS.items():
        parameters = for_script(scene, verb)
        may = shape.for_scripts and not shape.model_validate(parameters).changes()
        got = outcome(scene, "scripts", verb, {**parameters, "run_id": run_id})
        assert (got != "unauthorised") is may, (verb, got)
        assert not may or got in {"ok", "not_found", "conflict", "bad_request", "not_local"}, (verb, got)
    for verb, more in SAYS_SO.items():
        assert outcome(scene, "scripts", verb, {**scene.parameters(verb, scene.annas), **more, "run_id": run_id}) == "unauthorised"
    assert without(scene.state(), "audit") == without(before, "audit")


@pytest.mark.parametrize("verb", VERBS)
def test_a_script_that_may_change_things_asks_for_what_its_verb_allows_scripts(scene: Scene, verb: str) -> None:
    run_id = run_of(scene, "change")
    got = outcome(scene, "scripts", verb, {"run_id": run_id, "no": "such"})
    assert got == ("bad_request" if VERBS[verb].for_scripts else "unauthorised")


def test_what_a_script_changes_names_its_run_and_who_may_have_an_account_is_not_for_it(scene: Scene) -> None:
    run_id = run_of(scene, "change")
    assert outcome(scene, "scripts", "settings/set", {"name": "registration", "value": "open", "run_id": run_id}) == "unauthorised"
    assert outcome(scene, "scripts", "archive/rename", {"archive": scene.annas, "title": "Letters", "run_id": run_id}) == "ok"
    line = scene.inside.ask("audit/query", limit=1)["lines"][0]
    assert (line["login"], line["what"], line["about"].endswith(f"by run {run_id} of Not saved")) == ("scripts", "archive/rename", True)
