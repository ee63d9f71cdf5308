"""Every message of a whole life of an appliance is as docs/asyncapi.yaml says: the file, not the classes it was made of."""

from __future__ import annotations

import base64
import contextlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mqtt.client import BrokerAddress
from mqtt.commands import COMMANDS, CommandName
from mqtt.messages import EventName
from mqtt.requests import Requester, RequestFailed
from mqtt.topics import Topics
from mqtt.verbs import VERBS
from tests.appliance.notifications.servers import Web
from tests.appliance.scripts.stand_in import StandIn
from tests.contract.published import Published
from tests.contract.recorder import Recorder
from tests.fakes.drive import FakeDrive
from tests.processes import House
from tests.waiting import wait_for

MIB = 1 << 20
NOT_ASKED_HERE = {"connection/claim", "recovery/start", "integrity/bury"}
"""The first two need a second life: see the test of a recovery. The third needs hundreds of tombstones."""


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


class Run:
    """A house, and the steps of its life."""

    def __init__(self, house: House, recorder: Recorder, drive: FakeDrive) -> None:
        self.house = house
        self.ask = house.ask
        self.recorder = recorder
        self.drive = drive
        self.random = random.Random(4)
        self.late: dict[str, bytes] = {}

    def refused(self, verb: str, code: str, **parameters: Any) -> None:
        with pytest.raises(RequestFailed) as failed:
            self.ask(verb, **parameters)
        assert failed.value.code == code, failed.value

    def state(self) -> Any:
        return json.loads(self.house.seen.get(self.house.topics("appliance/state"), b"{}"))

    def wait_told(self, published: Published) -> None:
        """Until one who comes now is told just what was said last; what is cleared may be half a second late."""

        def is_told() -> bool:
            self.late = self.recorder.retained_now()
            last = {topic for topic, payload in dict(self.recorder.heard()).items() if payload and published.is_said_to_stay(topic)}
            return last == self.late.keys()

        wait_for(is_told)

    # Steps

    def begin(self) -> None:
        wait_for(lambda: self.house.seen.get(self.house.topics.availability) == b"online")

    def hand_in(self) -> None:
        self.house.connect()
        self.ask("settings/set", name="upload_limit_kb_per_s", value=2000)
        self.one = self.house.put(self.random.randbytes(3 * MIB), "one.bin")
        slots = {self.recorder.topics(f"transfer/{slot}/state") for slot in range(3)}
        wait_for(lambda: any(topic in slots and payload for topic, payload in self.recorder.heard()), what="a slot to show what it moves")
        self.ask("settings/set", name="upload_limit_kb_per_s", value=None)
        self.two = self.house.put(b"", "ä\u202eß\n.bin")
        inbox = self.house.data / "inbox" / "anna"
        inbox.mkdir()
        (inbox / "three.bin").write_bytes(b"x" * 100)
        wait_for(lambda: self.ask("archive/list", owner="anna")["total"] == 1)
        self.ask("archive/abort", archive_id=self.house.begin(b"given up", "four.bin"))
        demo = self.ask("archive/demo", title="Made here", size_bytes=1000, owner="anna")["archive_id"]
        wait_for(lambda: self.ask("archive/upload", archive_id=demo)["state"] == "received")
        for archive_id in (self.one, self.two):
            self.house.wait_remote(archive_id)

    def look_around(self) -> None:
        of_one = ("archive/show", "archive/batches", "archive/locate", "archive/batch-map", "archive/removal", "archive/history")
        for verb in (*of_one, "transfer/retry"):
            self.ask(verb, archive=self.one)
        for verb in (
            "archive/list",
            "transfer/list",
            "connection/list",
            "recovery/state",
            "settings/get",
            "log/query",
            "integrity/tombstones",
            "archive/summary",
            "transfer/history",
            "upgrade/self-test",
        ):
            self.ask(verb)
        self.ask("upgrade/accept", trial_id="none is under way")
        for verb in ("connection/show", "connection/removal", "connection/recovery-kit"):
            self.ask(verb, connection="disk")
        self.ask("settings/preview-timetable", timetable="daily 18:00-23:00 pause")
        self.ask("settings/get", name="undo_days")
        self.ask("connection/rename", connection="disk", name="disk two")
        self.ask("archive/rename", archive=self.two, title="nothing at all")
        self.press()

    def press(self) -> None:
        self.ask("frontpanel/press", seconds=0.1)
        wait_for(lambda: self.ask("frontpanel/history")["presses"], what="the press to be over")
        self.ask("frontpanel/hold")
        self.ask("frontpanel/let-go")

    def pause(self) -> None:
        self.ask("transfer/pause")
        self.waiting = self.house.put(self.random.randbytes(MIB), "waits.bin")
        wait_for(lambda: self.ask("transfer/list")["waiting_total"])
        self.ask("transfer/first", archive=self.waiting)
        self.ask("transfer/usual", archive=self.waiting)
        self.ask("transfer/resume")
        self.ask("transfer/sync")
        self.house.wait_remote(self.waiting)

    def release_and_restore(self) -> None:
        assert self.house.job("archive/release", archive=self.one)["state"] == "done"
        self.refused("archive/locate", "not_local", archive=self.one)
        self.ask("archive/restore", archive=self.one)
        self.house.wait_local(self.one)

    def damage_and_repair(self) -> None:
        spoil(self.house.data / "store" / self.one / "one.bin")
        spoil(self.house.remote / self.house.topics.appliance_id / self.one / "00000001")
        job = self.house.job("integrity/verify", local=True, remote=True)
        assert (job["state"], job["result"]["batches_damaged"]) == ("done", 2)
        self.house.job("integrity/verify", repair=True)
        assert self.house.job("integrity/verify", read_back=True)["result"]["damage_left"] == 0
        assert self.house.show(self.one)["rung"] == "proven"
        self.house.job("integrity/orphans")

    def lose_the_remote(self) -> None:
        marker = self.house.remote / ".pyarchive"
        marker.rename(marker.with_name("away"))
        archive_id = self.house.put(self.random.randbytes(MIB), "later.bin")
        wait_for(lambda: self.state().get("problems"), 30)
        with contextlib.suppress(RequestFailed):
            self.ask("connection/validate", connection="disk two")
        marker.with_name("away").rename(marker)
        self.ask("connection/validate", connection="disk two")
        self.house.wait_remote(archive_id)
        wait_for(lambda: not self.state()["problems"], 30)

    def command(self) -> None:
        """As the house does; and back."""
        for command in COMMANDS.values():
            self.house.client.publish(self.house.topics(command.topic), command.example.encode(), retain=False)
        for name, payload in ((CommandName.PAUSE, b"OFF"), (CommandName.METERED, b"OFF"), (CommandName.UPLOAD_LIMIT, b"0")):
            self.house.client.publish(self.house.topics(COMMANDS[name].topic), payload, retain=False)
        self.house.client.publish("homeassistant/status", b"online", retain=False)

    def pin(self) -> None:
        for verb in ("archive/pin", "archive/unpin"):
            self.ask(verb, archive=self.one)
        assert self.house.job("archive/many", act="unpin", archives=[self.one])["state"] == "done"

    def connections(self) -> None:
        (self.house.remote.parent / "spare").mkdir()
        spare = self.ask("connection/add", kind="folder", name="spare", path=str(self.house.remote.parent / "spare"))["id"]
        self.ask("connection/validate", connection=spare)
        self.ask("connection/activate", connection=spare)
        self.house.wait_remote(self.one)
        self.ask("connection/activate", connection="disk two")
        for verb in ("connection/empty", "connection/trash", "recovery/look"):
            assert self.house.job(verb, connection=spare)["state"] == "done"
        self.ask("connection/remove", connection=spare)

    def sign_in(self) -> None:
        client = json.dumps({"installed": self.drive.client()})
        google = self.ask("connection/add", kind="drive", name="Drive", credentials=client)["id"]
        self.ask("connection/sign-in", connection=google)
        self.ask("connection/cancel-sign-in", connection=google)
        code = self.ask("connection/sign-in", connection=google)["user_code"]
        self.ask("connection/sign-in-state", connection=google)
        self.drive.approve(code)
        wait_for(lambda: self.ask("connection/show", connection=google)["sign_in"] != "pending")
        assert self.ask("connection/validate", connection=google)["sign_in"] == "ok"
        self.ask("connection/credentials", connection=google, credentials=json.dumps(self.drive.account()))
        self.ask("connection/validate", connection=google)
        self.ask("connection/remove", connection=google)

    def remove(self) -> None:
        self.ask("archive/remove", archive=self.two)
        self.ask("archive/undo", archive=self.two)
        self.ask("archive/remove", archive=self.waiting)
        self.ask("archive/list", removed=True)

    def live_together(self) -> None:
        """As the panel asks: somebody claims the appliance, others come and go."""
        panel = Requester(self.house.client, self.house.topics, "panel")

        def ask(verb: str, **parameters: Any) -> Any:
            return panel.request(verb, parameters, 30)

        good, better = {"password": "a long walk home"}, {"password": "another good one"}
        ask("user/standing")
        session = ask("user/claim", code=self.ask("user/setup-code")["code"], name="carla", **good)["session"]
        ask("user/profile", display_name="Carla", picture="iVBORw0KGgo=", session=session)
        for verb in (
            "user/me",
            "user/picture",
            "user/sessions",
            "user/list",
            "audit/query",
            "archive/list",
            "archive/uploads",
            "connection/list",
        ):
            ask(verb, session=session)
        ask("user/password", old=good["password"], new=better["password"], session=session)
        session = ask("user/login", name="carla", **better)["session"]
        ask("user/end-session", session=session)
        ask("user/register", code=self.ask("user/invite")["code"], name="bert", **good)
        assert self.ask("user/invitations")["invitations"] == []
        self.ask("user/uninvite", id=self.ask("user/invite")["id"])
        self.ask("user/give", from_owner="anna", to_owner="bert")
        self.ask("user/add", name="dora")
        self.ask("user/passwd", name="dora", **good)
        self.ask("user/role", name="dora", role="admin")
        self.ask("user/remove", name="dora")
        ask("user/logout", session=session)
        with pytest.raises(RequestFailed, match="sign in") as ended:
            ask("user/me", session=session)
        assert ended.value.code == "signed_out"

    def tell(self) -> None:
        """Somebody wants to know."""
        with Web() as web:
            told = self.ask("notification/add", url=f"json://127.0.0.1:{web.port}/told", name="somebody")["id"]
            self.ask("notification/list")
            self.ask("safe-mode/show")
            self.ask("safe-mode/end")
            self.ask("notification/test", id=told)
            assert web.posts
            self.ask("notification/remove", id=told)

    def scripts(self) -> None:
        runner = StandIn(self.house.client, self.house.topics)
        runner.come()
        source = base64.b64encode(b"print('hello')\n").decode()
        self.ask("script/save", script="hello", title="Hello", source_base64=source)
        self.ask("script/roll-back", script="hello", version=1)
        for verb in ("script/show", "script/versions"):
            self.ask(verb, script="hello")
        wait_for(lambda: self.ask("script/list")["runner"] == "online", what="the runner to be there")
        run_id = self.ask("script/run", script="hello")["run_id"]
        wait_for(lambda: run_id in runner.orders, what="the order to run")
        runner.write(run_id, "hello")
        scripts = Requester(self.house.client, self.house.topics, "scripts")
        scripts.request("script/value", {"run_id": run_id, "name": "free_space", "value": 1.5, "unit": "GB"}, 20)
        self.ask("script/kill", run_id=run_id)
        wait_for(lambda: runner.kills, what="the order to end it")
        runner.end(run_id, "killed", -15, "somebody ended it")
        wait_for(lambda: self.ask("script/output", run_id=run_id)["run"]["state"] == "killed", what="its end")
        self.ask("script/runs")
        self.ask("script/dismiss", run_id=run_id)
        deployed = self.ask("deployment/save", script="hello", cron="30 3 * * *")["id"]
        self.ask("deployment/pause-all", paused=True)
        self.ask("deployment/list")
        self.ask("deployment/remove", id=deployed)
        self.ask("script/delete", script="hello")

    def be_wrong(self) -> None:
        self.refused("no/such/verb", "not_found")
        self.refused("archive/show", "not_found", archive="nobody")
        self.refused("archive/show", "bad_request")
        self.refused("archive/list", "bad_request", limit=10**9)
        self.refused("archive/list", "bad_request", unknown=1)
        self.refused("archive/begin", "disk_full", file_name="x", size_bytes=10**18)
        self.refused("settings/set", "bad_request", name="no_such", value=1)
        self.refused("settings/set", "bad_settings", name="undo_days", value="many")
        self.refused("integrity/job", "not_found", job_id="x")
        self.refused("connection/remove", "refused", connection="disk two") if self.only_there() else None
        for login in ("panel", "scripts"):
            for payload in (b'{"transaction": "t1"}', b"not JSON", b'{"transaction": "t2", "x": ' + b"[" * 100 + b"]" * 100 + b"}"):
                self.house.client.publish(self.house.topics.request(login, "archive/list"), payload, retain=False)
        self.house.client.publish(
            self.house.topics.request("cli", "archive/list"), b'{"transaction": "t3", ' + b" " * 300_000, retain=False
        )
        wait_for(lambda: all(any(t in p for p in self.recorder.ear.payloads) for t in (b'"t1"', b'"t2"', b"too_large")))

    def only_there(self) -> bool:
        assert self.house.job("archive/release", archive=self.one)["state"] == "done"
        return True


def spoil(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        was = file.read(1)
        file.seek(100)
        file.write(bytes([was[0] ^ 1]))


def test_every_message_of_a_whole_life_is_as_the_document_says(
    broker_address: BrokerAddress, topics: Topics, tmp_path: Path, published: Published
) -> None:
    with FakeDrive(tmp_path / "drive") as drive, Recorder(broker_address, topics) as recorder:
        drive.device(interval_s=0.05)
        with House(tmp_path, at=broker_address, topics=topics, drive_endpoint=drive.root) as house:
            run = Run(house, recorder, drive)
            steps: list[Callable[[], None]] = [
                run.begin, run.hand_in, run.look_around, run.pause, run.release_and_restore, run.damage_and_repair, run.lose_the_remote,
                run.command, run.pin, run.connections, run.sign_in, run.remove, run.live_together, run.tell, run.scripts, run.be_wrong,
            ]  # fmt: skip
            for step in steps:
                step()
            recorder.settle()
            run.wait_told(published)
        recorder.settle()
        every_message_is_as_the_document_says(run, published)
        every_message_that_this_version_sends_was_seen(run, published)
        every_event_was_seen(run)
        every_verb_was_answered(run)
        who_comes_late_is_told_what_is_retained_and_nothing_else(run, published)
        the_end_was_said(run)


def every_message_is_as_the_document_says(run: Run, published: Published) -> None:
    assert run.recorder.complaints(published)[:5] == []


def every_message_that_this_version_sends_was_seen(run: Run, published: Published) -> None:
    sent = {name for name, channel in published.document["channels"].items() if channel["x-sent-by-this-version"]}
    unseen = {name for name in sent if not name.endswith(("_request", "_response"))} - run.recorder.channels(published).keys()
    assert unseen == set()


def every_event_was_seen(run: Run) -> None:
    assert run.recorder.events() == set(EventName)


def every_verb_was_answered(run: Run) -> None:
    ok, errors = run.recorder.answered()
    assert VERBS.keys() - NOT_ASKED_HERE - ok == set()
    codes = {code for found in errors.values() for code in found}
    assert codes >= {"not_found", "bad_request", "too_large", "unauthorised", "not_local", "disk_full", "bad_settings", "refused"}


def who_comes_late_is_told_what_is_retained_and_nothing_else(run: Run, published: Published) -> None:
    told = {topic: published.channel_of(topic) for topic in run.late}
    assert {topic: name for topic, name in told.items() if name is None or not published.is_retained(name)} == {}
    assert {"availability", "appliance_state", "appliance_settings", "archive_state", "connection_state"} <= set(told.values())


def the_end_was_said(run: Run) -> None:
    assert run.recorder.ear.last(run.recorder.topics.availability) == b"offline"


def test_every_message_of_a_recovery_is_as_the_document_says(
    broker_address: BrokerAddress, topics: Topics, tmp_path: Path, published: Published
) -> None:
    """A new data folder meets what an older one has left on the remote."""
    (tmp_path / "remote").mkdir()
    with Recorder(broker_address, topics) as recorder:
        for life in (first_life, second_life, third_life):
            (tmp_path / life.__name__).mkdir()
            house = House(tmp_path / life.__name__, at=broker_address, topics=topics)
            house.remote = tmp_path / "remote"
            with house:
                wait_for(lambda house=house: house.seen.get(house.topics.availability) == b"online")  # type: ignore[misc]  # a bound loop variable
                life(house)
        recorder.settle()
    assert recorder.complaints(published)[:5] == []
    assert recorder.answered()[0] >= NOT_ASKED_HERE - {"integrity/bury"}


def first_life(house: House) -> None:
    house.connect()
    house.wait_remote(house.put(b"x" * MIB))


def second_life(house: House) -> None:
    add_disk(house)
    house.ask("recovery/start", connection="disk")
    wait_for(lambda: house.ask("recovery/state")["state"] == "done", 30)


def third_life(house: House) -> None:
    add_disk(house)
    house.ask("connection/claim", connection="disk", confirm="disk")


def add_disk(house: House) -> None:
    house.ask("connection/add", kind="folder", name="disk", path=str(house.remote))
    house.ask("connection/validate", connection="disk")
    with contextlib.suppress(RequestFailed):
        house.ask("connection/activate", connection="disk")
