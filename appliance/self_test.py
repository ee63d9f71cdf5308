"""What an appliance finds out about itself before an upgrade is accepted: each check answers what it found, or raises with the cause.

Nothing is changed but a file of its own, which goes again. Samples are the same at each call, so that the words of two versions on the
same data can be compared.
"""

from __future__ import annotations

import json
import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from appliance import clock, durable
from appliance.catalog.ledger import Ledger
from appliance.errors import ApplianceError, Damaged
from appliance.safe_mode import SafeMode
from appliance.settings import SettingsStore
from appliance.store import batch_is_right
from appliance.views import View
from mqtt.messages import SelfTestEcho
from mqtt.topics import Topics
from mqtt.upgrade_verbs import SelfTestCheck, SelfTestResult

if TYPE_CHECKING:
    from appliance.data_folder import DataFolder
    from appliance.library import Library

START = "start"
WITHIN_S = 25.0
_ECHO_S = 10.0
_LEDGERS, _BATCHES = 50, 3
_TEST_FILE, _TEST_BYTES = ".self-test", 64 * 1024
_FOR_OTHERS = 0o077


class Broker(Protocol):
    """What is needed of the broker's client."""

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> None: ...
    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None: ...


class SelfTest:
    """``run`` may be called at any time, from any thread."""

    def __init__(self, library: Library, settings: SettingsStore, trial_id: str | None, safe_mode: SafeMode | None) -> None:
        self._library = library
        self._settings = settings
        self._trial_id = trial_id
        self._safe_mode = safe_mode
        self._say: Callable[[bytes], None] | None = None
        self._expected: bytes | None = None
        self._heard = threading.Event()
        self._one_at_a_time = threading.Lock()
        self.last: SelfTestResult | None = None

    def attach(self, broker: Broker, topics: Topics) -> None:
        """Before the broker's client is started."""
        topic = topics(SelfTestEcho.topic)
        broker.subscribe(topic, lambda _topic, payload, _retained: self._hear(payload))
        self._say = lambda payload: broker.publish(topic, payload, retain=False)

    def run(self) -> SelfTestResult:
        """At the latest after about WITHIN_S: what hangs until then has not passed."""
        with self._one_at_a_time:
            deadline_s = clock.monotonic_s() + WITHIN_S
            checks = [_tried(name, check, deadline_s) for name, check in self._checks()]
            passed = all(check.passed for check in checks)
            self.last = SelfTestResult(version=version("pyarchive-appliance"), trial_id=self._trial_id, passed=passed, checks=checks)
            return self.last

    def _checks(self) -> Sequence[tuple[str, Callable[[], str]]]:
        folder = self._library.folder
        return (
            (START, self._started),
            ("data_folder", lambda: write_and_read_back(folder.path)),
            ("catalog", self._catalog),
            ("ledgers", self._ledgers),
            ("store", self._store),
            ("secrets", lambda: secrets_are_private(folder)),
            ("settings", self._settings_are_valid),
            ("broker", self._round_trip),
        )

    def _started(self) -> str:
        if self._safe_mode:
            raise ApplianceError(f"the appliance is in safe mode: {self._safe_mode.reason}")
        return "it started as usual"

    def _catalog(self) -> str:
        """Every table; what it says of itself, too."""
        db = self._library.db
        if db.damage:
            raise Damaged(f"the catalog was damaged: {db.damage[0]}")
        documents = sum(len(dict(db.table(name).items())) for name in db.tables())
        return f"{documents} documents can be read"

    def _ledgers(self) -> str:
        if self._library.broken:
            archive_id, reason = min(self._library.broken.items())
            raise Damaged(f"{len(self._library.broken)} ledgers cannot be read, the first {archive_id}: {reason}")
        ids = sorted(self._library.ids())
        for archive_id in ids[:: max(1, len(ids) // _LEDGERS)]:
            Ledger.open(self._library.folder.ledger / archive_id)
        return f"the ledgers of {len(ids)} archives can be read"

    def _store(self) -> str:
        """The right disk is there, and gives back what was put there. One bad batch is damage; that none is right is a bad program."""
        folder = self._library.folder
        if not folder.store.exists() and not self._library.views:
            return "there is no store yet"
        folder.check_store()
        local = list(islice((each for each in self._library.all_views() if _is_here(each)), _BATCHES))
        if local and not any(self._first_is_right(each) for each in local):
            raise Damaged(f"none of {len(local)} batches that were read from the store is what its checksum says")
        return f"it is there; {len(local)} of its archives were looked at"

    def _first_is_right(self, view: View) -> bool:
        ledger = self._library.ledger(view.archive.id)
        return batch_is_right(self._library.local_file(view.archive), ledger, 0, lambda _: None)

    def _settings_are_valid(self) -> str:
        state = self._settings.state()
        return f"{len(state.settings)} settings are valid"

    def _round_trip(self) -> str:
        """Through the broker, by our own login."""
        if self._say is None:
            raise ApplianceError("there is no broker to speak to")
        self._heard.clear()
        self._expected = SelfTestEcho(word=secrets.token_hex(16)).payload()
        self._say(self._expected)
        if not self._heard.wait(_ECHO_S):
            raise ApplianceError(f"what the appliance says at the broker did not come back within {_ECHO_S:g} s; look at the broker's log")
        return "the appliance hears what it says"

    def _hear(self, payload: bytes) -> None:
        if payload == self._expected:
            self._heard.set()


def _is_here(view: View) -> bool:
    return view.local and view.is_whole and view.archive.removed_at is None


def _tried(name: str, check: Callable[[], str], deadline_s: float) -> SelfTestCheck:
    """On a thread of its own: a disk that hangs holds up only its check."""
    results: queue.SimpleQueue[SelfTestCheck] = queue.SimpleQueue()

    def work() -> None:
        try:
            results.put(SelfTestCheck(name=name, passed=True, words=check()))
        except (ApplianceError, OSError) as error:
            results.put(SelfTestCheck(name=name, passed=False, words=str(error)))
        except Exception as error:  # noqa: BLE001 - a check that fails in any way has not passed, and that is the answer
            results.put(SelfTestCheck(name=name, passed=False, words=f"internal error: {type(error).__name__}: {error}"))

    threading.Thread(target=work, name=f"self-test-{name}", daemon=True).start()
    try:
        return results.get(timeout=max(0.1, deadline_s - clock.monotonic_s()))
    except queue.Empty:
        return SelfTestCheck(name=name, passed=False, words="it did not end in time: a disk, or the system, hangs")


def write_and_read_back(folder: Path) -> str:
    """A file there: written, synced, read. Raises OSError, Damaged."""
    path, content = folder / _TEST_FILE, secrets.token_bytes(_TEST_BYTES)
    try:
        durable.replace(path, content)
        if path.read_bytes() != content:
            raise Damaged(f"what was written to {folder} reads back otherwise; check its disk (dmesg)")
    finally:
        durable.unlink(path, missing_ok=True)
        durable.sync_dir(folder)
    return "it takes and keeps what is written"


def secrets_are_private(folder: DataFolder) -> str:
    """Readable for us and for nobody else; what is JSON can be read as such. Raises ApplianceError, OSError."""
    files = sorted(path for path in folder.secrets.iterdir() if path.is_file())
    for path in (folder.secrets, *files):
        mode = path.stat().st_mode
        if mode & _FOR_OTHERS:
            raise ApplianceError(f"others may read {path}; run: chmod {'700' if path.is_dir() else '600'} {path}")
    for path in files:
        _readable(path)
    return f"{len(files)} files are private and can be read"


def _readable(path: Path) -> Any:
    content = path.read_bytes()
    if path.suffix != ".json":
        return content
    try:
        return json.loads(content)
    except ValueError:
        raise Damaged(f"{path} is no JSON any more; add what it held anew") from None
