"""While an upgrade is tested nothing is acknowledged and nothing changes, on disk or remote; once it is accepted everything goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from appliance.app import answer
from appliance.errors import ApplianceError, Conflict, Upgrading
from appliance.front_panel.truth import row_of
from appliance.safe_mode import SafeMode
from appliance.trial import FILE_NAME
from mqtt.commands import CommandName
from mqtt.messages import SelfTestEcho
from mqtt.topics import Topics
from mqtt.verb import Access
from mqtt.verb_answers import JobStarted
from mqtt.verbs import VERBS
from tests.appliance.accounts.people import PASSWORD, claimed
from tests.appliance.test_access import Scene
from tests.inside import Inside
from tests.processes import House
from tests.waiting import wait_for

TRIAL_ID = "f00dfeed"
LOOKS = {verb for verb, shape in VERBS.items() if shape.looks and shape.answer is not JobStarted} | {"upgrade/self-test"}
NOT_KEPT = {"log", ".lock"}
"""Below the data folder: what tells nothing of what was handed in."""


def mark(data: Path, content: str = json.dumps({"trial_id": TRIAL_ID})) -> None:
    (data / FILE_NAME).write_text(content)


def all_bytes(*folders: Path) -> dict[str, str]:
    """Every file with its digest; folders too."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if name.parts[0] not in NOT_KEPT:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


class Echo:
    """In place of the broker's client: what is said is heard."""

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[str, bytes, bool], None]] = {}

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> None:
        self._handlers[topic_filter] = handler

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self._handlers[topic](topic, payload, retain)


def with_echo(inside: Inside) -> Inside:
    inside.app.self_test.attach(Echo(), Topics(inside.app.folder.appliance_id))
    return inside


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The data of a stopped appliance with one archive, which is remote."""
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "disk")
        inside.wait_remote(inside.put(b"kept" * 1000))
    mark(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """On trial, over data in which every request would do something."""
    folder = tmp_path_factory.mktemp("trial")
    with Inside(folder / "data") as before:
        before.connect(folder / "disk")
        before.ask("transfer/pause")
        admin = claimed(before, "carla")
        archive_id = before.put(b"of anna", "anna-file.bin", owner="anna", title="Letters")
        upload_id = before.begin(b"on its way", "next.bin", owner="anna")
    mark(folder / "data")
    inbox = folder / "data/inbox/anna"
    inbox.mkdir(exist_ok=True)
    (inbox / "waits.bin").write_bytes(b"put in meanwhile")
    with Inside(folder / "data") as inside:
        admin.inside = inside
        yield Scene(with_echo(inside), admin, admin, admin, archive_id, archive_id, upload_id)


@pytest.mark.parametrize("login", ["cli", "panel"])
def test_every_verb_that_would_change_anything_is_refused_and_says_what_to_do(scene: Scene, login: str) -> None:
    data = scene.inside.data
    before = all_bytes(data, data.parent / "disk")
    session = {"session": scene.admin.session} if login == "panel" else {}
    for verb in VERBS:
        parameters = scene.parameters(verb, scene.annas, scene.berts_upload)
        code, words = "ok", ""
        try:
            answer(scene.inside.app, login, verb, {**parameters, **session})
        except ApplianceError as error:
            code, words = error.code, str(error)
        if verb == "upgrade/accept":
            assert code == "conflict", "another upgrade is meant"
        elif verb in LOOKS:
            assert code != "upgrading", verb
        else:
            assert (code, words) == ("upgrading", str(Upgrading())), verb
            assert "try again in a minute" in words
    scene.inside.app.household.sessions.find(scene.admin.session)
    assert all_bytes(data, data.parent / "disk") == before


def test_nobody_signs_in_and_a_wrong_password_leaves_no_trace(scene: Scene) -> None:
    before = all_bytes(scene.inside.data)
    anyone = {verb for verb, shape in VERBS.items() if shape.access is Access.ANYONE} - LOOKS
    for verb in anyone:
        with pytest.raises(Upgrading):
            answer(scene.inside.app, "panel", verb, {**scene.parameters(verb, scene.annas), "password": PASSWORD + "?"})
    assert "user/login" in anyone
    assert all_bytes(scene.inside.data) == before


def test_it_says_so_on_every_face_and_the_numbers_are_right(scene: Scene) -> None:
    app = scene.inside.app
    state = app.states.appliance()
    assert (state.status, state.status_reason) == ("starting", str(Upgrading()))
    assert (state.counts.archives, state.bytes_at_risk) == (1, len(b"of anna"))
    assert app.states.archive(app.library.view(scene.annas)).waiting_for == str(Upgrading())
    assert row_of(app.states) == ("waiting", str(Upgrading()))


def test_button_inbox_and_the_threads_that_work_do_nothing(scene: Scene) -> None:
    app = scene.inside.app
    before = all_bytes(scene.inside.data)
    for deed in (app.front_panel._deeds.sync, app.front_panel._deeds.pause):
        with pytest.raises(Upgrading):
            deed()
    with pytest.raises(Upgrading):
        app.db.apply({"settings": {"state": {"paused": False}}})
    parts = (app.inbox._thread, app.engine._threads, app.housekeeper._threads)
    assert not any(thread.is_alive() for part in parts for thread in (part if isinstance(part, list) else [part]))
    assert all_bytes(scene.inside.data) == before
    assert (scene.inside.data / "inbox/anna/waits.bin").exists()


def test_it_is_accepted_once_it_has_passed_and_then_everything_goes_on(kept: Path) -> None:
    with Inside(kept) as inside:
        with pytest.raises(Conflict, match="did not pass"):
            inside.ask("upgrade/accept", trial_id=TRIAL_ID)
        tested = with_echo(inside).ask("upgrade/self-test")
        assert (tested["passed"], tested["trial_id"]) == (True, TRIAL_ID), tested
        with pytest.raises(Conflict, match="another upgrade"):
            inside.ask("upgrade/accept", trial_id="older")
        inside.ask("upgrade/accept", trial_id=TRIAL_ID)
        assert not (kept / FILE_NAME).exists()
    with Inside(kept) as inside:
        inside.wait_remote(inside.put(b"after it"))
        inside.ask("upgrade/accept", trial_id=TRIAL_ID)


@pytest.mark.parametrize("content", ["", "[]", '{"trial_id": 1}', "\x00"])
def test_a_marker_that_cannot_be_read_is_one_that_nobody_can_accept(kept: Path, content: str) -> None:
    mark(kept, content)
    with Inside(kept) as inside:
        with_echo(inside).ask("upgrade/self-test")
        with pytest.raises(Upgrading):
            inside.ask("transfer/pause")
        with pytest.raises(ApplianceError):
            inside.ask("upgrade/accept", trial_id=TRIAL_ID)


def without_store(data: Path) -> None:
    (data / "store/.pyarchive").unlink()


def with_bad_batches(data: Path) -> None:
    (local,) = [path for path in (data / "store").rglob("*") if path.is_file() and path.name != ".pyarchive"]
    local.write_bytes(b"x" * local.stat().st_size)


def with_a_bad_ledger(data: Path) -> None:
    (ledger,) = (data / "ledger").iterdir()
    ledger.write_bytes(b"x" * 100)


def with_an_open_secret(data: Path) -> None:
    (data / "secrets/epochs.json").chmod(0o644)


def with_a_broken_secret(data: Path) -> None:
    (data / "secrets/epochs.json.json").write_text("{")
    (data / "secrets/epochs.json.json").chmod(0o600)


@pytest.mark.parametrize(
    ("harm", "name", "words"),
    [
        (without_store, "store", "connect and mount its disk"), (with_bad_batches, "store", "none of 1 batches"),
        (with_a_bad_ledger, "ledgers", "1 ledgers cannot be read"), (with_an_open_secret, "secrets", "chmod 600"),
        (with_a_broken_secret, "secrets", "no JSON any more"), (lambda _: None, "broker", "no broker to speak to"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_and_nothing_is_accepted(kept: Path, harm: Callable[[Path], None], name: str, words: str) -> None:
    harm(kept)
    with Inside(kept) as inside:
        if name != "broker":
            with_echo(inside)
        tested = inside.ask("upgrade/self-test")
        assert [(each["name"], words in each["words"]) for each in tested["checks"] if not each["passed"]] == [(name, True)], tested
        wrong = [check for check in tested["checks"] if not check["passed"]]
        for known in ([], [{**wrong[0], "words": "something else"}]):
            with pytest.raises(Conflict):
                inside.ask("upgrade/accept", trial_id=TRIAL_ID, known=known)
        assert (kept / FILE_NAME).exists()
        inside.ask("upgrade/accept", trial_id=TRIAL_ID, known=wrong)
    assert not (kept / FILE_NAME).exists()


def test_a_version_that_got_no_further_than_safe_mode_is_not_accepted_whatever_the_one_before_did(kept: Path) -> None:
    inside = Inside(kept)
    inside.app.self_test._safe_mode = SafeMode("the appliance ended 5 times")
    with inside:
        wrong = [check for check in with_echo(inside).ask("upgrade/self-test")["checks"] if not check["passed"]]
        assert [check["name"] for check in wrong] == ["start"]
        with pytest.raises(Conflict):
            inside.ask("upgrade/accept", trial_id=TRIAL_ID, known=wrong)


def test_who_hands_in_meanwhile_waits_and_goes_on_and_nobody_needs_to_start_anything(tmp_path: Path) -> None:
    def seen(house: House, topic: str) -> Any:
        return json.loads(house.seen.get(house.topics(topic)) or "null")

    (tmp_path / "data").mkdir()
    mark(tmp_path / "data")
    with House(tmp_path) as house, ThreadPoolExecutor(1) as beside:
        wait_for(lambda: house.seen.get(house.topics.availability) == b"online")
        house.client.publish(house.topics(f"command/{CommandName.PAUSE}"), b"ON", retain=False)
        house.client.publish(house.topics(SelfTestEcho.topic), b"x", retain=False)
        assert house.ask("upgrade/self-test")["passed"]
        assert seen(house, "appliance/state")["status"] == "starting"
        with pytest.raises(Exception, match="an upgrade is being tested"):
            house.requester.request("transfer/pause", {}, 1.0)
        handed_in = beside.submit(house.put, b"handed in")
        wait_for(lambda: house.requester._asked)
        house.ask("upgrade/accept", trial_id=TRIAL_ID)
        assert house.show(handed_in.result(60))["size_bytes"] == len(b"handed in")
        assert seen(house, "appliance/state")["paused"] is False
