"""What is looked at from time to time: disk space, the store's disk, remotes' space, what expires, ledgers worth rewriting."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance import clock, disk_watch, time_source
from appliance.accounts.household import Household
from appliance.connections import Connections
from appliance.errors import ApplianceError, SignInNeeded
from appliance.intake.intake import Intake
from appliance.integrity.tombstones import Tombstones
from appliance.keep_local import KeepLocal
from appliance.library import Library
from appliance.liveness import Liveness
from appliance.placement import Placement
from appliance.problems import Problems
from appliance.settings import SettingsStore
from appliance.spaces import spaces
from appliance.transfer.steps import cause, next_step
from appliance.witness import Witness, clock_is_trusted, why_not_trusted
from appliance.wrong_dates import WrongDates

log = logging.getLogger("housekeeping")
_LOOK_EVERY_S = 2.0
_ROOM_EVERY_S = 5.0
_SELDOM_EVERY_S = 60.0
_CLOCK_PATIENCE_S = 600.0
_DISKS_WITHIN_S = 90.0
_WITHIN_S = 7200.0  # what asks remotes may take long: a thousand objects one after another, on a line that is slow


@dataclass(frozen=True, slots=True)
class Keeping:
    """The looks themselves; each may be called at any time, from one thread."""

    library: Library
    connections: Connections
    intake: Intake
    placement: Placement
    settings: SettingsStore
    problems: Problems
    tombstones: Tombstones
    witness: Witness
    keep_local: KeepLocal
    household: Household
    wrong_dates: WrongDates
    started_s: float = field(default_factory=clock.monotonic_s)

    def look_at_store(self) -> bool:
        """Is the store there? Says so when not, and clears it when it is back."""
        try:
            self.library.folder.check_store()
        except ApplianceError as error:
            self.problems.raise_(error.code, "store", str(error), "it goes on by itself once the disk is back", needs_you=True)
            return False
        self.problems.clear_about("store")
        return True

    def look_at_disk(self) -> None:
        """Two thresholds before the reserve, of each disk that the appliance lies on."""
        disk_watch.look(spaces(self.library.folder, self.settings.current.reserve_mib), self.problems)

    def look_at_connections(self) -> None:
        """Their space, and whether they still know us, also while nothing is to be moved."""
        troubled = self.connections.look()
        for connection in self.connections.all():
            error = troubled.get(connection.id)
            if isinstance(error, SignInNeeded):
                step = next_step(error, connection.name)
                self.problems.raise_(error.code, connection.id, f"connection {connection.name}: {cause(error)}", step, needs_you=True)
            elif error is None:
                self.problems.clear(SignInNeeded.code, connection.id)

    def look_at_clock(self) -> None:
        """Says so where the date cannot be believed, once a time server had its time to answer."""
        why_not = why_not_trusted(self.library)
        if why_not is None:
            self.problems.clear("clock_wrong", "clock")
        elif clock.monotonic_s() - self.started_s >= _CLOCK_PATIENCE_S:
            self.problems.raise_(
                "clock_wrong", "clock", f"{why_not}; until it is right nothing expires, no check runs, a timetable lets nothing up",
                "let the computer reach a time server (`timedatectl` tells), or set trust_clock if it keeps the time by itself",
                needs_you=False,
            )  # fmt: skip

    def expire(self) -> None:
        """Removals past their undo time, files that were announced and never filled, sessions and codes that are over."""
        if not clock_is_trusted(self.library):
            self.wrong_dates.doubt(clock.now())
            return
        self.wrong_dates.mend(clock.now(), is_known=bool(time_source.told.is_right()))
        self.household.expire()
        self.placement.expire(self.witness.is_older)
        self.intake.expire(self.witness.is_older)

    def rewrite_ledgers(self, is_stopped: Callable[[], bool]) -> None:
        for archive_id in self.library.ids():
            if is_stopped():
                return
            ledger = self.library.ledger_if_open(archive_id)
            if ledger is not None and ledger.compact_if_worthwhile():
                log.debug("ledger of %s rewritten", archive_id)


class Housekeeper:
    """Three threads that look. ``on_store_back`` runs once whenever the store's disk has come (back).

    What asks remotes has threads of its own: a network mount that hangs must not keep anyone from seeing a full disk.
    """

    def __init__(self, keeping: Keeping, on_store_back: Callable[[], None], changed: Callable[[], None], liveness: Liveness) -> None:
        self._keeping = keeping
        self._on_store_back = on_store_back
        self._changed = changed
        self._liveness = liveness
        self._stop = threading.Event()
        self._store_was_there = False
        self._threads = [
            threading.Thread(target=self._work, args=(look, every_s, name, within_s), name=name, daemon=True)
            for name, look, every_s, within_s in (
                ("disks", self._look, _LOOK_EVERY_S, _DISKS_WITHIN_S),
                ("keeping", self._look_seldom, _SELDOM_EVERY_S, _WITHIN_S),
                ("keep-local", lambda: keeping.keep_local.look(self._stop), _ROOM_EVERY_S, _WITHIN_S),
            )
        ]  # fmt: skip

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)

    def _work(self, look: Callable[[], None], every_s: float, name: str, within_s: float) -> None:
        sign = self._liveness.loop(name, within_s)
        while not self._stop.is_set():
            sign.round()
            try:
                look()
            except Exception:
                log.exception("a look failed")
            self._stop.wait(every_s)

    def _look(self) -> None:
        there = self._keeping.look_at_store()
        if there and not self._store_was_there:
            self._on_store_back()
        elif there:
            self._keeping.placement.settle_again()
        self._store_was_there = there
        self._keeping.look_at_disk()
        self._changed()

    def _look_seldom(self) -> None:
        self._keeping.look_at_connections()
        self._keeping.witness.keep()
        self._keeping.look_at_clock()
        self._keeping.expire()
        self._keeping.rewrite_ledgers(self._stop.is_set)
        self._keeping.tombstones.run(self._stop.is_set)
