"""What people and the house do all day: files come and go, pages are looked at, scripts run, lines break."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any, ClassVar

from mqtt.requests import RequestFailed
from tests.panels import PASSWORD
from tests.soak.scene import MIB, Actor, Scene
from tests.soak.visiting import Upload, Visitor
from tests.waiting import wait_for

PYARCHIVE = Path(sys.executable).parent / "pyarchive"
_RECEIVED_S = 90.0
_SIZES = ((0.5, 0, 64 << 10), (0.8, 64 << 10, 2 * MIB), (0.95, 2 * MIB, 12 * MIB), (1.0, 12 * MIB, 40 * MIB))
_LARGE, _LARGE_EVERY = 96 * MIB, 100
_WAYS = ("put", "tus", "inbox", "tus", "put")


class Files(Actor):
    """A file comes in; as soon as there are more than there should be, the oldest goes for good."""

    per_minute = 15.0
    turn = 0

    def act(self) -> None:
        self.turn += 1
        self.take_in(_WAYS[self.turn % len(_WAYS)], self._size())
        while len(self.kept.there()) > self.scene.archives:
            if not self._remove_oldest():
                break

    def _size(self) -> int:
        if self.turn % _LARGE_EVERY == _LARGE_EVERY // 2:
            return _LARGE
        chance = self.random.random()
        low, high = next((low, high) for below, low, high in _SIZES if chance <= below)
        return self.random.randrange(low, high)

    def take_in(self, way: str, size_bytes: int) -> None:
        getattr(self, f"_{way}")(self.random.randbytes(size_bytes), self.scene.name(way))

    def _put(self, content: bytes, name: str) -> None:
        source = self.scene.temporary / name
        source.write_bytes(content)
        try:
            done = subprocess.run(
                [PYARCHIVE, "put", source, "--json", "--timeout", "60"], env=self.scene.environment, capture_output=True, check=False,
            )  # fmt: skip
        finally:
            source.unlink()
        if done.returncode:
            raise AssertionError(f"put {name}: {done.stderr.decode()[-500:]}")
        self.kept.add(json.loads(done.stdout)["archives"][0]["id"], content, "home", "put")

    def _inbox(self, content: bytes, name: str) -> None:
        place = self.scene.house.data / "inbox" / "ben"
        place.mkdir(exist_ok=True)
        (place / name).write_bytes(content)
        wait_for(lambda: not (place / name).exists(), _RECEIVED_S, f"the inbox to take {name} in")
        found = self.ask("archive/list", search=name, limit=5)["archives"]
        self.kept.add(next(each["id"] for each in found if each["file_name"] == name), content, "ben", "inbox")

    def _tus(self, content: bytes, name: str) -> None:
        visitor = Visitor(self.scene.panel.port, self.scene.ada)
        upload = Upload.begin(visitor, name, content)
        if len(content) > 1000 and self.random.random() < 0.5:
            upload.send(cut_at=self.random.randrange(1, len(content)))
            self.kept.did("uploads through the panel cut off")
            if self.random.random() < 0.3:
                self._given_up(upload)
                return
        self._sent(upload)
        wait_for(lambda: self._is_received(upload.archive_id), _RECEIVED_S, f"{name} to be received")
        self.kept.add(upload.archive_id, content, "ada", "tus")

    def _sent(self, upload: Upload) -> None:
        for _ in range(20):  # a restart of the panel or the broker is one of the reasons to go on
            with contextlib.suppress(OSError, AssertionError, ValueError):
                if upload.send() == 204:
                    return
            time.sleep(0.5)
        raise AssertionError(f"the upload of {upload.archive_id} does not end")

    def _given_up(self, upload: Upload) -> None:
        """Half of them by a word; the others are forgotten, and expire."""
        if self.random.random() < 0.5:
            upload.end()
        self.kept.did("uploads through the panel given up")

    def _is_received(self, archive_id: str) -> bool:
        try:
            return bool(self.ask("archive/upload", archive_id=archive_id)["state"] == "received")
        except RequestFailed as error:
            if error.code == "not_found":  # it is an archive by now
                return bool(self.ask("archive/show", archive=archive_id))
            raise

    def _remove_oldest(self) -> bool:
        with self.kept.one(self.random, oldest=True) as archive_id:
            if archive_id is None:
                return False
            self.ask("archive/remove", archive=archive_id)
            self.kept.items[archive_id].is_removed = True
            self.kept.did("removals")
            return True


class Care(Actor):
    """What people do with what is there."""

    per_minute = 20.0
    _DEEDS = ("release", "restore", "rename", "undo", "download", "show", "pin", "get", "first")

    def act(self) -> None:
        with self.kept.one(self.random) as archive_id:
            if archive_id:
                deed = self.random.choice(self._DEEDS)
                getattr(self, f"_{deed}")(archive_id)
                self.kept.did(deed)

    def _release(self, archive_id: str) -> None:
        state = self.ask("archive/show", archive=archive_id)
        if state["rung"] in {"remote", "proven"} and state["local"]:
            self.scene.house.job("archive/release", archive=archive_id)

    def _restore(self, archive_id: str) -> None:
        self.ask("archive/restore", archive=archive_id)

    def _rename(self, archive_id: str) -> None:
        self.ask("archive/rename", archive=archive_id, title=f"Title {self.random.random()} " + "ü" * self.random.randrange(60))

    def _undo(self, archive_id: str) -> None:
        self.ask("archive/remove", archive=archive_id)
        time.sleep(self.random.uniform(0, 2))
        self.ask("archive/undo", archive=archive_id)

    def _download(self, archive_id: str) -> None:
        answer = Visitor(self.scene.panel.port, self.scene.ada).ask("GET", f"/files/{archive_id}")
        if answer.status == 200:
            self._compare(archive_id, answer.content)

    def _compare(self, archive_id: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != self.kept.items[archive_id].sha256:
            self.complain(f"a download of {archive_id} is not what was handed in")

    def _show(self, archive_id: str) -> None:
        self.ask("archive/show", archive=archive_id)
        self.ask("archive/batches", archive=archive_id)

    def _pin(self, archive_id: str) -> None:
        self.ask("archive/pin", archive=archive_id)
        self.ask("archive/unpin", archive=archive_id)

    def _get(self, archive_id: str) -> None:
        path = self.scene.temporary / f"got-{archive_id}"
        done = subprocess.run([PYARCHIVE, "get", archive_id, path], env=self.scene.environment, capture_output=True, check=False)
        if done.returncode == 0:
            self._compare(archive_id, path.read_bytes())
        path.unlink(missing_ok=True)

    def _first(self, archive_id: str) -> None:
        self.ask("transfer/first", archive=archive_id)
        self.ask("transfer/usual", archive=archive_id)


class Asking(Actor):
    """Lists, states and logs are looked at by programs."""

    per_minute = 110.0
    _QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
        ("archive/list", {"limit": 50}), ("archive/list", {"limit": 20, "search": "put"}), ("transfer/list", {}), ("settings/get", {}),
        ("connection/list", {}), ("log/query", {"limit": 100}), ("user/list", {}), ("audit/query", {}), ("script/runs", {}),
        ("script/list", {}), ("deployment/list", {}), ("frontpanel/history", {}), ("archive/uploads", {}), ("integrity/tombstones", {}),
        ("archive/list", {"removed": True}), ("recovery/state", {}), ("archive/summary", {}), ("transfer/sync", {}),
    )  # fmt: skip

    def act(self) -> None:
        verb, parameters = self.random.choice(self._QUESTIONS)
        self.ask(verb, **parameters)


class People(Actor):
    """Somebody looks at a page for a while. Several of these at once are a household."""

    per_minute = 9.0
    _PAGES = (
        "/", "/archives", "/upload", "/transfers", "/connections", "/front-panel", "/scripts", "/log", "/users", "/notifications",
        "/settings", "/profile", "/archives/{archive}", "/connections/{connection}", "/scripts/prints", "/scripts/new",
    )  # fmt: skip
    session: str | None = None

    def act(self) -> None:
        visitor = self._signed_in()
        if visitor is None:
            return
        archive_id = self.random.choice(self.kept.there() or ["none"])
        path = self.random.choice(self._PAGES).format(archive=archive_id, connection=self.scene.cloud)
        if self.random.random() < 0.1:
            visitor.fall_asleep_at(path, self.random.uniform(10, 60), self.scene.stopping.is_set)
            self.kept.did("pages that fell asleep")
        elif not visitor.look_at(path, self.random.expovariate(1 / 6), self.scene.stopping.is_set):
            self.session = None
        self.kept.did("pages")
        self._perhaps_leave(visitor)

    def _signed_in(self) -> Visitor | None:
        if self.session is None:
            name = self.random.choice(("ben", "eve", "eve"))
            self.session = Visitor(self.scene.panel.port).sign_in(name, PASSWORD)
            self.kept.did("logins")
        return Visitor(self.scene.panel.port, self.session) if self.session else None

    def _perhaps_leave(self, visitor: Visitor) -> None:
        chance = self.random.random()
        if chance < 0.15:
            visitor.ask("POST", "/logout")
            self.session = None
            self.kept.did("logouts")
        elif chance < 0.2:  # the browser is closed for good: the session stays until it ends by itself, or somebody ends it
            self.session = None
        if chance > 0.97:
            self.ask("user/end-session", name=self.random.choice(("ben", "eve")))
            self.kept.did("sessions ended from elsewhere")


class Guessing(Actor):
    """Wrong passwords, from many addresses."""

    per_minute = 4.0

    def act(self) -> None:
        address = f"127.7.{self.random.randrange(1, 250)}.{self.random.randrange(1, 250)}"
        Visitor(self.scene.panel.port, address=address).sign_in(self.random.choice(("ben", "nobody", "x" * 60)), "wrong")
        self.kept.did("failed logins")


class Scripts(Actor):
    """Runs by hand beside those of deployments; some are killed, some fail, one floods."""

    per_minute = 12.0
    SOURCES: ClassVar[dict[str, str]] = {
        "prints": "import time\nfor n in range(200): print('line', n, 'x' * 40)\ntime.sleep(0.2)\n",
        "fails": "raise SystemExit(3)\n",
        "sleeps": "import time\ntime.sleep(60)\n",
        "floods": "for n in range(20_000): print(n, 'y' * 60)\n",
        "asks": "from appliance_api import appliance\nprint(len(list(appliance.archives())))\n",
    }

    def __init__(self, scene: Scene, number: int = 0) -> None:
        super().__init__(scene, number)
        for name, source in self.SOURCES.items():
            scene.house.ask("script/save", script=name, title=name.title(), source_base64=b64encode(source.encode()).decode())
        scene.house.ask("deployment/save", script="prints", every_s=5)

    def act(self) -> None:
        name = self.random.choice(("prints", "prints", "fails", "sleeps", "floods", "asks"))
        run_id = self.ask("script/run", script=name)["run_id"]
        self.kept.did("runs by hand")
        if name == "sleeps":
            time.sleep(self.random.uniform(0.2, 2))
            self.ask("script/kill", run_id=run_id)
        elif self.random.random() < 0.2:
            time.sleep(1)
            self.ask("script/dismiss", run_id=run_id)
        if self.random.random() < 0.1:
            self.ask("script/output", run_id=run_id)
        if self.random.random() < 0.05:
            source = self.SOURCES["prints"] + f"# {self.random.random()}\n"
            version = self.ask("script/show", script="prints")["version"]
            saved = b64encode(source.encode()).decode()
            self.ask("script/save", script="prints", title="Prints", source_base64=saved, based_on=version)


class Weather(Actor):
    """Of the line to Drive."""

    per_minute = 6.0

    def act(self) -> None:
        drive, chance = self.scene.drive, self.random
        kind = chance.choice(("storm", "slow", "cut", "503", "429", "tokens", "freeze", "lost_answer", "sessions"))
        self.kept.did(f"weather: {kind}")
        match kind:
            case "storm":
                drive.storm(chance.randrange(1 << 30), 0.15)
                self.scene.stopping.wait(chance.uniform(2, 8))
                drive.calm()
            case "slow":
                drive.line(up_bytes_per_s=3e6, down_bytes_per_s=3e6, latency_s=0.05)
                self.scene.stopping.wait(chance.uniform(3, 10))
                drive.line()
            case "freeze":
                drive.freeze()
                self.scene.stopping.wait(chance.uniform(1, 7))
                drive.thaw()
            case "tokens":
                drive.expire_tokens()
            case "sessions":
                drive.expire_sessions()
            case "cut":
                drive.fault("cut", match="chunk", after_bytes=chance.randrange(3 * MIB), times=2)
            case "lost_answer":
                drive.fault("lost_answer", match=["chunk", "create"], times=2)
            case _:
                drive.fault(kind, times=3, retry_after_s=1)  # type: ignore[arg-type]  # one of the two statuses


class House(Actor):
    """The house and its admin: Home Assistant restarts, settings change, transfers pause, checks are asked for, the timetable closes."""

    per_minute = 6.0
    _DEEDS = ("birth", "limit", "pause", "metered", "timetable", "verify", "orphans", "level", "press", "invite", "switch_by_home", "birth")

    def act(self) -> None:
        deed = self.random.choice(self._DEEDS)
        self.kept.did(deed)
        getattr(self, f"_{deed}")()

    def _while(self, begin: tuple[str, dict[str, Any]], end: tuple[str, dict[str, Any]], least_s: float, most_s: float) -> None:
        self.ask(begin[0], **begin[1])
        self.scene.stopping.wait(self.random.uniform(least_s, most_s))
        self.ask(end[0], **end[1])

    def _set_for_a_while(self, name: str, value: Any, most_s: float = 4.0) -> None:
        self._while(("settings/set", {"name": name, "value": value}), ("settings/set", {"name": name, "value": None}), 0.5, most_s)

    def _birth(self) -> None:
        for word in (b"offline", b"online"):
            self.scene.home.publish("homeassistant/status", word, retain=False)

    def _switch_by_home(self) -> None:
        for word in (b"ON", b"OFF"):
            self.scene.home.publish(self.scene.topics("command/pause"), word, retain=False)
            self.scene.stopping.wait(1)

    def _limit(self) -> None:
        self._set_for_a_while("upload_limit_kb_per_s", self.random.randrange(500, 5000))

    def _pause(self) -> None:
        self._while(("transfer/pause", {}), ("transfer/resume", {}), 0.5, 3)

    def _metered(self) -> None:
        self._set_for_a_while("metered", value=True)

    def _timetable(self) -> None:
        self._set_for_a_while("timetable", "daily 00:00-24:00 pause")

    def _level(self) -> None:
        self._set_for_a_while("log_level", "warning", 1.0)

    def _press(self) -> None:
        self.ask("frontpanel/press", seconds=0.2)

    def _invite(self) -> None:
        self.ask("user/invite")
        for each in self.ask("user/invitations")["invitations"]:
            self.ask("user/uninvite", id=each["id"])

    def _verify(self) -> None:
        what = self.random.choice(({"local": True}, {"remote": True}, {"read_back": True, "read_back_bytes": 8 * MIB}))
        job = self.scene.house.job("integrity/verify", **what)
        if job["state"] == "done" and job["result"]["damage_left"]:
            self.complain(f"a check found damage: {job['result']}")

    def _orphans(self) -> None:
        self.scene.house.job("integrity/orphans")


def cast(scene: Scene) -> list[Actor]:
    """Everybody; not started."""
    people = [People(scene, number) for number in range(3)]
    return [Files(scene), Care(scene), Asking(scene), *people, Guessing(scene), Scripts(scene), Weather(scene), House(scene)]
