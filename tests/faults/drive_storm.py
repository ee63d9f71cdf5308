"""Everything that Drive and the line to it can do to us, during upload, listing, download and recovery; alone and mixed.

Nothing may be lost, nothing doubled; a person reads the right words; what can end by itself does.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from appliance.errors import ApplianceError
from tests.fakes.drive import FakeDrive
from tests.fakes.drive_words import Kind, Operation
from tests.faults.drive_harm import HARMS, Harm, Line, batches
from tests.inside import Inside
from tests.waiting import wait_for

BATCH_BYTES = 512 * 1024
_SIZES = (0, 1, 3 * BATCH_BYTES + 4711)
_UP: tuple[Operation, ...] = ("open", "chunk")
_ALL: tuple[Operation, ...] = (
    "open", "chunk", "status", "create", "get", "list", "download", "update", "generate_ids", "about", "token"
)  # fmt: skip
_KNOWN = tuple(each for each in _ALL if each != "token")
"""What carries a token. A 401 of the token's endpoint speaks of the client, and needs a person."""
_WAIT_S = 60.0


@dataclass(frozen=True)
class Case:
    """``words``: what a person must read where the fault needs one (it stays until it is lifted); None: it passes by itself."""

    kind: Kind
    match: tuple[Operation, ...]
    words: str | None = None
    times: int = 3
    how: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind} of {'anything' if self.match == _ALL else ', '.join(self.match)}"


CASES = (
    Case("429", _ALL), Case("500", _ALL), Case("502", _ALL), Case("503", _ALL), Case("504", _ALL),
    Case("503", _UP, how={"retry_after_s": 1}), Case("rateLimitExceeded", _UP), Case("userRateLimitExceeded", _ALL),
    Case("cut", ("chunk",), how={"after_bytes": 300_000}), Case("cut", ("chunk",), how={"after_bytes": 0}),
    Case("cut", _ALL, how={"after_bytes": 20, "of": "response"}),
    Case("cut", ("download",), how={"after_bytes": 100_000, "of": "response"}),
    Case("lost_answer", ("chunk",)), Case("lost_answer", _ALL), Case("partial", ("chunk",), how={"keep_bytes": 256 * 1024}),
    Case("partial", ("chunk",), how={"keep_bytes": 0}), Case("no_range", ("chunk",)), Case("expired", ("chunk",)),
    Case("expired", ("chunk",), how={"status": 410}), Case("expired", ("status",)), Case("409", ("open",), times=1),
    Case("cut", ("create", "update"), how={"after_bytes": 500}), Case("lost_answer", ("create", "update")),
    Case("409", ("create",), times=1),
    Case("401", _KNOWN, times=2),
    Case("html", _ALL), Case("html", ("token",)), Case("latency", _ALL, times=20, how={"seconds": 0.3}),
    Case("cannotDownloadAbusiveFile", ("download",), times=1),
    Case("storageQuotaExceeded", _UP, "no room"), Case("invalid_grant", ("token",), "sign"),
    Case("appNotAuthorizedToFile", _UP, "sign in with the client"), Case("insufficientFilePermissions", _UP, "sign in as its owner"),
    Case("domainPolicy", _UP, "admin"),
)  # fmt: skip
"""Each fault of the real Drive that we know of, and of the line to it."""

PASSING: tuple[Kind, ...] = (
    "429", "500", "502", "503", "504", "rateLimitExceeded", "userRateLimitExceeded", "cut", "lost_answer", "partial", "no_range",
    "expired", "html", "latency",
)  # fmt: skip


class Household:
    """An appliance that keeps some archives on a fake Drive. ``with`` starts and stops both."""

    def __init__(self, folder: Path, seed: int, drive: FakeDrive) -> None:
        self.folder, self.drive = folder, drive
        self.random = random.Random(seed)
        self.credentials = json.dumps(drive.account(client_id="household"))
        self.contents: dict[str, bytes] = {}
        self.connection_id = ""
        self.is_harmed = False

    def appliance(self, name: str) -> Inside:
        return Inside(
            self.folder / name, batch_bytes=BATCH_BYTES, appliance_id="the-house", drive_endpoint=self.drive.root,
            batch_size_mib=1, stall_timeout_s=5, grace_days=0,
        )  # fmt: skip

    def connect(self, inside: Inside) -> None:
        self.connection_id = inside.ask("connection/add", kind="drive", name="Drive", credentials=self.credentials)["id"]
        patiently(lambda: inside.ask("connection/validate", connection=self.connection_id))
        inside.ask("connection/activate", connection=self.connection_id)

    def upload(self, inside: Inside, words: str | None) -> None:
        new = [inside.put(self.random.randbytes(size), f"file-{len(self.contents)}-{size}.bin") for size in _SIZES]
        self.contents |= {archive_id: inside.local_bytes(archive_id) for archive_id in new}
        if words:
            self.read_words(inside, words)
        for archive_id in new:
            inside.wait_remote(archive_id, _WAIT_S)

    def read_words(self, inside: Inside, words: str) -> None:
        """The problem stands, needs a person, and says what it must; then it is lifted, as that person would."""

        def told() -> Any:
            standing = [each for each in inside.app.problems.standing() if each.about == self.connection_id and each.needs_you]
            return next((each for each in standing if words in f"{each.message} {each.next_step}".lower()), None)

        problem = wait_for(told, _WAIT_S, f"a problem that needs a person and speaks of {words!r}, not {inside.problems()}")
        assert problem.next_step
        self.drive.calm()
        patiently(lambda: inside.ask("connection/validate", connection=self.connection_id))
        inside.ask("transfer/sync")

    def list(self, inside: Inside) -> None:
        """A check may not know; it must not find damage where there is none, nor forget what is stored."""
        result = inside.job("integrity/verify", 120, remote=True)
        assert result["state"] == "done", result
        assert result["result"]["findings"] == [], result
        for archive_id in self.contents:
            assert inside.show(archive_id)["rung"] in {"remote", "proven"}

    def mend(self, inside: Inside, harms: Iterable[Harm]) -> None:
        """Something befalls what lies there; a check finds it, and it is mended from here."""
        for harm in harms:
            harm(self.drive, self.random)
            self.is_harmed = True
        if self.is_harmed:
            wait_for(lambda: self._is_mended(inside), _WAIT_S, "a check that finds nothing any more")

    def _is_mended(self, inside: Inside) -> bool:
        result = inside.job("integrity/verify", 120, remote=True, repair=True)["result"]
        return result is not None and result["damage_left"] == 0 and not result["unknown"] and not result["findings"]

    def release(self, inside: Inside) -> None:
        for archive_id in self.contents:
            wait_for(partial(self._is_released, inside, archive_id), _WAIT_S, "the release")

    def _is_released(self, inside: Inside, archive_id: str) -> bool:
        return not inside.show(archive_id)["local"] or inside.job("archive/release", archive=archive_id)["state"] == "done"

    def download(self, inside: Inside) -> None:
        for archive_id in self.contents:
            inside.ask("archive/restore", archive=archive_id)
        for archive_id, content in self.contents.items():
            inside.wait_local(archive_id, _WAIT_S)
            assert inside.local_bytes(archive_id) == content

    def recover(self, inside: Inside) -> None:
        """An appliance that knows nothing but the account: all comes back, and nothing is sent."""
        self.connect(inside)
        patiently(lambda: inside.ask("recovery/start", connection=self.connection_id))
        done = wait_for(lambda: self._recovered(inside), _WAIT_S, "the recovery to end")
        assert (done["adopted"] + done["already_here"], done["skipped"]) == (len(self.contents), []), done
        assert {each["id"] for each in inside.ask("archive/list")["archives"]} == self.contents.keys()

    def _recovered(self, inside: Inside) -> Any:
        state = inside.ask("recovery/state")
        if state["state"] == "failed":  # as a person does who reads that Drive did not answer
            patiently(lambda: inside.ask("recovery/start", connection=self.connection_id))
        return state["state"] == "done" and state

    def check_drive(self) -> None:
        """What lies there: each batch once (but for what befell it there), and byte for byte what was handed in."""
        held = Counter((each.app_properties["pyarchive_archive"], each.name) for each in batches(self.drive))
        if not self.is_harmed:
            assert max(held.values()) == 1, [name for name, count in held.items() if count > 1]
        there = {
            (each.app_properties["pyarchive_archive"], each.name, self.drive.content(each.id)) for each in batches(self.drive)
        }  # fmt: skip
        for archive_id, content in self.contents.items():
            for index, offset in enumerate(range(0, max(1, len(content)), BATCH_BYTES)):
                assert (archive_id, f"{index:08d}", content[offset : offset + BATCH_BYTES]) in there
        assert self.drive.violations == []


def patiently(ask: Callable[[], Any]) -> Any:
    """As a person does: once more when it failed, as long as it may pass."""

    def tried() -> Any:
        try:
            return (ask(),)
        except ApplianceError as error:
            if not error.retriable:
                raise
            return None

    return wait_for(tried, _WAIT_S, "an answer")[0]


def run_case(folder: Path, case: Case, seed: int) -> None:
    """One fault, in each phase."""

    def strike(drive: FakeDrive, operations: Iterable[Operation]) -> None:
        drive.calm()
        match = [each for each in case.match if each in operations]
        if match:
            drive.fault(case.kind, match=match, times=None if case.words else case.times, **case.how)

    _live(folder, seed, strike, case.words)


def run_harm(folder: Path, harm: Harm, seed: int) -> None:
    """Something befalls what lies on Drive, behind our back."""
    _live(folder, seed, lambda drive, _: drive.calm(), None, [harm])


def run_line(folder: Path, line: Line, seed: int) -> None:
    """A line that is slow or stands still, a Drive that lags behind, in each phase."""

    def strike(drive: FakeDrive, _: Iterable[Operation]) -> None:
        drive.calm()
        line(drive)

    _live(folder, seed, strike, None)


def run_storm(folder: Path, seed: int, rate: float) -> None:
    """All faults that pass by themselves, and some harm, mixed at random."""

    def strike(drive: FakeDrive, operations: Iterable[Operation]) -> None:
        drive.calm()
        drive.storm(seed, rate, kinds=PASSING, match=tuple(operations))

    _live(folder, seed, strike, None, random.Random(seed).sample(list(HARMS.values()), 2))


def _live(
    folder: Path, seed: int, strike: Callable[[FakeDrive, Iterable[Operation]], None], words: str | None, harms: Iterable[Harm] = ()
) -> None:
    (folder / "drive").mkdir(parents=True)
    with FakeDrive(folder / "drive") as drive:
        house = Household(folder, seed, drive)
        with house.appliance("first") as inside:
            house.connect(inside)
            if words == "sign":
                drive.expire_tokens()
            strike(drive, _ALL)
            house.upload(inside, words)
            house.mend(inside, harms)
            house.list(inside)
            house.release(inside)
            house.download(inside)
            drive.calm()
        house.check_drive()
        received = drive.received_bytes
        with house.appliance("second") as inside:
            strike(drive, () if words else _ALL)
            house.recover(inside)
            house.download(inside)
            drive.calm()
        house.check_drive()
        assert drive.received_bytes - received < BATCH_BYTES, "a recovery sent batches"
