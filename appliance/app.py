"""The appliance: builds its parts, starts them, stops them in reverse."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from appliance import clock, startup, time_source, trial
from appliance.accounts.handlers import UserVerbs
from appliance.accounts.household import Household
from appliance.archive import Archive
from appliance.catalog.journal import CatalogDB
from appliance.connections import Connections
from appliance.data_folder import DataFolder
from appliance.epochs import Epochs
from appliance.errors import ApplianceError, SignInNeeded, Upgrading
from appliance.front_panel import power
from appliance.front_panel.panel import Deeds, FrontPanel
from appliance.front_panel.pins import Opener
from appliance.front_panel.truth import row_of
from appliance.handlers.archive_views import ArchiveViews
from appliance.handlers.archives import Archives
from appliance.handlers.connections import ConnectionVerbs
from appliance.handlers.front_panel import FrontPanelVerbs
from appliance.handlers.integrity import Integrity
from appliance.handlers.notifications import NotificationVerbs
from appliance.handlers.safe_mode import SafeModeVerbs
from appliance.handlers.settings import SettingsVerbs
from appliance.handlers.table import Handlers
from appliance.handlers.transfers import Transfers
from appliance.handlers.upgrade import UpgradeVerbs
from appliance.hardware.watch import HardwareWatch
from appliance.housekeeping import Housekeeper, Keeping
from appliance.intake.inbox import Inbox
from appliance.intake.intake import Intake
from appliance.integrity.emptying import Emptying
from appliance.integrity.orphans import Orphans
from appliance.integrity.politeness import Politeness
from appliance.integrity.rebuild import Rebuild
from appliance.integrity.remote_trash import RemoteTrash
from appliance.integrity.rounds import Rounds
from appliance.integrity.schedule import Schedule
from appliance.integrity.tombstones import Tombstones, about_tombstones
from appliance.integrity.verify import Verifier
from appliance.jobs import Jobs
from appliance.keep_local import KeepLocal
from appliance.library import Library
from appliance.liveness import Liveness
from appliance.logs import RecentLines
from appliance.names import ARCHIVE_ID
from appliance.notifications.notifier import Notifier
from appliance.notifications.targets import Targets
from appliance.placement import Placement
from appliance.problems import Problems
from appliance.recovery import intent as intents
from appliance.recovery.adopt_mode import AdoptMode
from appliance.recovery.copier import Copier
from appliance.recovery.intent import Intent
from appliance.recovery.recovery import Recovery
from appliance.remotes.kinds import Kinds
from appliance.remotes.remote import Remote
from appliance.reporter import Outgoing, Reporter
from appliance.safe_mode import SafeMode
from appliance.scripts.deployment_handlers import DeploymentVerbs
from appliance.scripts.desk import ScriptDesk
from appliance.scripts.handlers import ScriptVerbs
from appliance.selection import Selection
from appliance.self_test import SelfTest
from appliance.settings import SettingsStore
from appliance.sign_in import SignIns
from appliance.standstill import Standstill
from appliance.states import States
from appliance.transfer.engine import Engine
from appliance.witness import Witness, clock_is_trusted
from appliance.wrong_dates import WrongDates
from mqtt.messages import Direction, Event, EventName, Problem
from mqtt.topics import Topics

if TYPE_CHECKING:
    from appliance.remotes.drive_credentials import Credentials

log = logging.getLogger("appliance")
_STOP_S = 2.5
_LAST_LIGHT_S, _LAST_REPORT_S = 0.5, 1.0


class Appliance:
    """All parts over one data folder, without a broker: ``attach`` gives it one. ``restart`` asks for another one in its place.
    ``on_progress`` is called while it loads. ``end_safe_mode``: begins without; may raise OSError.

    Raises DataFolderError, SettingsError.
    """

    def __init__(
        self, environment: Mapping[str, str], lines: RecentLines, wrap: Callable[[Remote], Remote] = lambda remote: remote,
        restart: Callable[[], None] = lambda: None, on_progress: Callable[[], None] = lambda: None,
        safe_mode: SafeMode | None = None, end_safe_mode: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.safe_mode = safe_mode
        self._end_safe_mode = end_safe_mode
        self.liveness = Liveness()
        self.settings = SettingsStore(environment)
        self.folder = DataFolder(self.settings.current.data)
        intent = intents.read(self.folder.path)
        self.folder.open(self.settings.current.appliance_id, intent.id_change if intent else None)
        lines.keep_in(self.folder.log)
        self.trial = trial.read(self.folder.path)
        self.standstill: Standstill | None = self.trial or safe_mode
        self.problems = Problems()
        self.db = CatalogDB.open(self.folder.catalog)
        self._attach_settings()
        self.library = Library(self.folder, self.db)
        self.problems.ask_for_owners(self.library.owner_of)
        self._first_store()
        # A recovery that was cut off left ledgers of archives that it had not taken up yet: it goes on with them itself.
        self.rebuilt = 0 if intent and intent.is_under_way else startup.rebuild_missing_entries(self.library, self.problems)
        self.library.load(on_progress)
        self.epochs = Epochs(self.folder.secrets / "epochs.json")
        kinds = Kinds(self.folder.appliance_id, self.folder.secrets, self.settings.current.drive_endpoint, self.epochs.of)
        self.connections = Connections(self.library, kinds, wrap)
        self.connections.publish()
        self.reporter: Reporter | None = None
        self._build()
        self._build_recovery(intent, restart)
        self._build_schedule()
        self._lines = lines
        self._build_front_panel()
        self._build_notifications()
        self.self_test = SelfTest(self.library, self.settings, self.trial.id if self.trial else None, safe_mode)
        self.handlers = self._verbs(lines, restart)
        startup.say_catalog_damage(self.library, self.problems, self.rebuilt)
        startup.say_broken(self.library, self.problems)
        if self.trial:
            self._hold_everything()
        if safe_mode:
            safe_mode.say(self.problems)
            self.states.at_rest = self.states.at_rest or "the appliance is in safe mode"

    def _hold_everything(self) -> None:
        """An upgrade is being tested: what is written from now on could be lost, or contradict what an older version finds."""
        self.db.hold(Upgrading())
        self.states.on_trial = True
        self.states.at_rest = str(Upgrading())
        log.warning("%s", Upgrading())

    def _attach_settings(self) -> None:
        table = self.db.table("settings")
        kept = table.get(doc_id="values")
        self.settings.attach(dict(kept or {}), lambda values: self.db.apply({"settings": {"values": values}}))
        self._apply_to_process()
        self.settings.on_change(self._apply_to_process)

    def _apply_to_process(self) -> None:
        logging.getLogger().setLevel(self.settings.current.log_level.upper())
        time_source.told.trusts_own_clock = self.settings.current.trust_clock

    def _first_store(self) -> None:
        # A store without a marker is made only where nothing was ever kept: otherwise its disk is merely away.
        known = len(self.db.table("archives")) or any(self.folder.ledger.iterdir())
        if not known and not any(ARCHIVE_ID.fullmatch(path.name) for path in self.folder.store.glob("*")):
            self.folder.make_store()

    def _build(self) -> None:
        self.intake = Intake(self.library, self.settings, self.problems, self._tell, self.liveness)
        self.inbox = Inbox(self.library, self.intake, self.settings, self.problems)
        self._closed: list[tuple[str | None, datetime | None]] = [(None, None), (None, None)]
        self.engine = Engine(self.library, self.connections, self.settings, self.problems, self.intake.admission, self._tell, self.liveness)
        self.placement = Placement(self.library, self.connections, self.settings, self._tell)
        self.jobs = Jobs()
        self.sign_ins = SignIns(lambda: self.settings.current.drive_endpoint, self._signed_in, self.connections.tell)
        self.connections.ask_for_sign_ins(self.sign_ins.state)
        self.connections.on_change(self._forget_removed)
        self.verifier = Verifier(self.library, self.connections, self.problems, self.engine.holds)
        self.rebuild = Rebuild(self.library, self.connections, self.problems)
        self.orphans = Orphans(self.library, self.connections, self.settings)
        self._kept_sync_at = self._last_sync()
        self.witness = Witness(self.db)
        self.rounds = Rounds(self.db, self.witness)
        self.states = States(
            self.library, self.connections, self.settings, self.problems, self.engine, self.verifier.checking,
            version("pyarchive-appliance"), self.rounds, clock.now(), self._kept_sync_at,
        )  # fmt: skip
        self.household = Household(self.library, self.settings, self.witness)
        self.scripts = ScriptDesk(self.folder, self.db, self.household.ages.trusted)
        self.tombstones = Tombstones(self.library, self.connections, self.settings, self.problems, self.witness)
        keeping = Keeping(
            self.library, self.connections, self.intake, self.placement, self.settings, self.problems, self.tombstones, self.witness,
            KeepLocal(
                self.library, self.connections, self.placement, self.settings, self.problems, self.engine.lines.unreachable,
                self.verifier.checking,
            ),
            self.household, WrongDates(self.library),
        )  # fmt: skip
        self.hardware = HardwareWatch(self.problems)
        self.housekeeper = Housekeeper(keeping, self._settle, self._look_again, self.liveness)

    def _build_recovery(self, intent: Intent | None, restart: Callable[[], None]) -> None:
        self.recovery = Recovery(self.library, self.connections, self.settings, self.problems, self.engine, intent, restart)
        self.recovery.begin()
        AdoptMode(self.library, self.connections, self.problems, self.recovery.is_recovering).watch()
        self.copier = Copier(self.library, self.connections, self.settings, self.engine)

    def _build_schedule(self) -> None:
        politeness = Politeness(
            self.library, self.connections, self.settings, self.engine, self.jobs, self.intake, self.recovery.is_recovering
        )
        self.schedule = Schedule(self.verifier, politeness, self.rounds, self.witness, self.household.ages, self._fresher)

    def _fresher(self, connection_id: str | None) -> None:
        if connection_id:
            self.connections.tell(connection_id)
        self._look_again()

    def _build_front_panel(self) -> None:
        deeds = Deeds(sync=self._sync_by_button, pause=self._pause_by_button, shutdown=self._shut_down_by_button)
        if self.standstill:
            deeds = self.standstill.deeds(deeds)
        opener = Opener(self.folder.path)
        self.front_panel = FrontPanel(self.settings, self.problems, lambda: row_of(self.states), deeds, opener)

    def _build_notifications(self) -> None:
        self.targets = Targets(self.folder.secrets / "notifications.json")
        self.notifier = Notifier(self.library, self.settings, self.problems, self.targets, self.household.ages.is_over)

    def _verbs(self, lines: RecentLines, restart: Callable[[], None]) -> Handlers:
        topics = [
            Archives(self.library, self.intake, self.placement, self.jobs, self.states),
            ArchiveViews(
                self.library, self.connections, self.placement, self.states, Selection(self.library, self.engine, self.verifier.checking)
            ),
            Transfers(self.library, self.connections, self.engine, self.states, self.set_paused),
            ConnectionVerbs(
                self.library, self.connections, self.engine, self.jobs, self.states, self.sign_ins,
                Emptying(self.library, self.connections), RemoteTrash(self.library, self.connections), self.recovery,
            ),
            Integrity(self.library, self.connections, self.jobs, self.verifier, self.orphans, self.tombstones, self.recovery),
            SettingsVerbs(self.settings, lines, lambda: clock_is_trusted(self.library)), UserVerbs(self.household),
            FrontPanelVerbs(self.front_panel), NotificationVerbs(self.targets, self.notifier),
            ScriptVerbs(self.scripts), DeploymentVerbs(self.scripts), UpgradeVerbs(self.self_test, self.trial, restart),
            SafeModeVerbs(self.safe_mode, self._end_safe_mode),
        ]  # fmt: skip
        check = {"check": self.standstill.check} if self.standstill else {}
        return Handlers(topics, self.library, self.household, self.scripts.running.running, **check)

    def _signed_in(self, connection_id: str, credentials: Credentials) -> None:
        self.connections.change_credentials(connection_id, credentials.to_text())
        self.engine.lines.succeeded(connection_id)
        self.problems.clear(SignInNeeded.code, connection_id)
        self.engine.wake()

    def _forget_removed(self, connection_id: str) -> None:
        """What a connection lacked that is gone is nobody's problem any more."""
        if self.connections.get(connection_id) is None:
            self.problems.clear_about(connection_id)
            self.problems.clear_about(about_tombstones(connection_id))

    def _settle(self) -> None:
        startup.settle(self.library, self.placement, self.problems)
        startup.note_changed_copies(self.library, self.problems)
        if self.library.broken:
            self.jobs.submit("making damaged ledgers again", self.rebuild.run)
        self.engine.sync_now()

    # Life

    def attach(self, broker: Outgoing, topics: Topics) -> Reporter:
        """From here on changes are published; nothing is until the reporter starts."""
        reporter = self.reporter = Reporter(self.states, broker, topics, self.liveness)
        self.scripts.attach(broker, topics)
        self.library.on_change(reporter.archive_changed)
        self.connections.on_change(reporter.connection_changed)
        self.settings.on_change(reporter.settings_changed)
        self.problems.on_change(self._problem_changed)
        self.engine.on_moving = reporter.changed
        self.engine.windows.on_change(self._window_changed)
        self.engine.order.on_change(self._look_again_at)
        reporter.show_hardware(self.hardware.state)
        self.hardware.on_change(reporter.hardware_changed)
        reporter.show_front_panel(self.front_panel.state)
        self.front_panel.on_change(reporter.front_panel_changed)
        reporter.on_tick(self._note_sync)
        return reporter

    def start(self) -> None:
        if not self.standstill:
            self._start_work()
        if not self.trial:
            self.notifier.start()
        self.hardware.start()
        self.front_panel.start()
        if self.reporter:
            self.reporter.start()
        log.info("appliance %s is up: %d archives in %s", self.folder.appliance_id, len(self.library.views), self.folder.path)

    def _start_work(self) -> None:
        self.housekeeper.start()
        self.intake.start()
        self.inbox.start()
        self.jobs.start()
        self.engine.start(paused=bool(self._kept_state().get("paused")))
        self.recovery.start()
        self.copier.start()
        self.schedule.start()
        self.scripts.start()

    def stop(self) -> None:
        """Every part ends at its next piece; what it was at goes on at the next start."""
        self.liveness.end()
        parts = (
            self.scripts,
            self.notifier,
            self.inbox,
            self.sign_ins,
            self.recovery,
            self.copier,
            self.schedule,
            self.engine,
            self.jobs,
            self.intake,
            self.housekeeper,
            self.hardware,
        )
        for part in parts:
            part.stop(0)
        deadline = clock.monotonic_s() + _STOP_S
        for part in parts:
            part.stop(max(0.0, deadline - clock.monotonic_s()))
        self.front_panel.stop(_LAST_LIGHT_S)  # the lamp says when it is over
        if self.reporter:
            self.reporter.stop(_LAST_REPORT_S)
        self.db.close()
        log.info("stopped")
        self._lines.keep_in(None)
        self.folder.close()

    def _look_again(self) -> None:
        if self.reporter:
            self.reporter.may_have_changed()

    def _window_changed(self) -> None:
        window = self.engine.windows.current
        log.info("uploads %s: %s", "may run" if window.uploads else "wait", window.reason or "without a limit")
        closed = [window.why_closed(way) for way in Direction]
        # A limit that changes is no news of any archive.
        self._look_again_at(self.engine.all_pending() if closed != self._closed else [])
        self._closed = closed

    def _look_again_at(self, archive_ids: Iterable[str]) -> None:
        if self.reporter:
            self.reporter.changed()
            for archive_id in archive_ids:
                self.reporter.archive_changed(archive_id)

    # State that outlives the process

    def _kept_state(self) -> dict[str, Any]:
        return dict(self.db.table("settings").get(doc_id="state") or {})

    def _keep_state(self, **changes: Any) -> None:
        self.db.apply({"settings": {"state": {**self._kept_state(), **changes}}})

    def set_paused(self, paused: bool) -> None:
        """Kept over restarts, and written before it is in force."""
        if paused != self.engine.paused:
            self._keep_state(paused=paused)
            self.engine.pause(paused)
            log.info("transfers are %s", "paused" if paused else "resumed")
        self._look_again_at(self.library.ids())

    # The button

    def _sync_by_button(self) -> str:
        self.engine.sync_now()
        return "transfers are paused, so nothing is tried" if self.engine.paused else "everything that waited is tried again"

    def _pause_by_button(self) -> str:
        self.set_paused(not self.engine.paused)
        return "transfers are paused" if self.engine.paused else "transfers go on"

    def say_held(self, words: str | None) -> None:
        """What hangs in the system, a disk or a share that does not answer; None: nothing any more."""
        if words is None:
            self.problems.clear("system_hangs", "appliance")
        else:
            step = "check the disk or the share, its cable or its network; all goes on once it answers, else start the computer again"
            self.problems.raise_("system_hangs", "appliance", words, step, needs_you=True)

    def _shut_down_by_button(self) -> str:
        power.shut_down()
        return "the computer shuts down"

    def _last_sync(self) -> datetime | None:
        text = self._kept_state().get("last_sync_at")
        return clock.from_iso(text) if text else None

    def _note_sync(self) -> None:
        """Keep the time at which nothing was left to send; at most twice a second, however many small files there are."""
        at = self.states.last_sync_at
        if at != self._kept_sync_at:
            with contextlib.suppress(ApplianceError):  # a full disk must not keep the reporter from saying so
                self._keep_state(last_sync_at=clock.iso(at) if at else None)
                self._kept_sync_at = at

    # Events

    def _tell(
        self, event: EventName, archive: Archive, index: int | None = None, connection_id: str = "", message: str | None = None
    ) -> None:  # fmt: skip
        if event is EventName.ARCHIVE_REMOTE and not self.engine.pending()[0]:
            self.states.last_sync_at = clock.now()
        if self.reporter:
            about = {
                "archive_id": archive.id,
                "owner": archive.owner,
                "title": archive.title,
                "connection_id": connection_id or None,
                "batch_index": index,
            }
            self.reporter.event(Event.model_validate({"event": event, "at": clock.now(), "message": message, **about}))

    def _problem_changed(self, what: EventName, problem: Problem) -> None:
        if self.reporter:
            about = {"owner": problem.owner, "code": problem.code, "about": problem.about, "message": problem.message}
            self.reporter.event(Event.model_validate({"event": what, "at": clock.now(), **about}))
            self.reporter.changed()


def answer(appliance: Appliance, login: str, verb: str, parameters: dict[str, Any]) -> Any:
    """What the responder calls. Raises ApplianceError; a full or read-only disk is said in words."""
    try:
        return appliance.handlers.execute(login, verb, parameters)
    except OSError as error:
        raise ApplianceError(f"{verb}: {error.strerror or error}; check the appliance's disk") from error
