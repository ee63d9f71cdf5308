"""Checks that nobody has to ask for: local copies are read, connections listed, and some batches read back, in small steps over weeks.

One thread, one step after another. It gives way to all else (``Politeness``); its place is kept over restarts (``Rounds``), and what it
finds goes the way of what ``pyarchive verify`` finds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from appliance import clock
from appliance.accounts.ages import Ages
from appliance.connections import Connection
from appliance.errors import ApplianceError, RemoteError, Stopped, StoreUnavailable
from appliance.integrity.checking import Checking
from appliance.integrity.drill import Allowance, Drill
from appliance.integrity.listing_round import ListingRound
from appliance.integrity.politeness import Polite, Politeness
from appliance.integrity.report import Report
from appliance.integrity.rounds import LISTING, LOCAL, Round, Rounds, listing_key
from appliance.integrity.verify import Verifier
from appliance.integrity.walks import Walk, disk_walk, local_walk
from appliance.transfer.throttle import Throttle
from appliance.witness import Witness

log = logging.getLogger("schedule")
_FIRST_S = 600.0
"""After a start there is other work."""
_LOOK_S, _NEXT_S = 30.0, 0.05
_UNANSWERED_S = 3600.0
_SPREAD_RATIO = 0.5
_LATE_RATIO = 1.5
_DISK_BYTES_PER_S, _LINE_BYTES_PER_S = 8_000_000, 1_000_000
_DRILL_S = 4 * 3600.0
_NICE = 10
OVERDUE = "check_overdue"


def about_check(key: str) -> str:
    """What ``check_overdue`` is about."""
    return "check of local copies" if key == LOCAL else f"check of {key.removeprefix(LISTING)}"


@dataclass(slots=True)
class _Check:
    """``at``: its place in words. ``connection`` None: local copies."""

    key: str
    at: str
    walk: Walk | ListingRound
    connection: Connection | None
    period: timedelta

    @property
    def on_line(self) -> bool:
        return isinstance(self.walk, ListingRound)


@dataclass(slots=True)
class _Rests:
    """Until when (monotonic) something is left alone that did not answer."""

    until_s: dict[str, float] = field(default_factory=dict)

    def begin(self, key: str, for_s: float = _UNANSWERED_S) -> None:
        self.until_s[key] = clock.monotonic_s() + for_s

    def has(self, key: str) -> bool:
        return self.until_s.get(key, 0.0) > clock.monotonic_s()


class Schedule:
    """``tick`` is one step, from one thread. ``on_change(connection_id or None)``: how fresh something is has changed."""

    def __init__(
        self, verifier: Verifier, politeness: Politeness, rounds: Rounds, witness: Witness, ages: Ages,
        on_change: Callable[[str | None], None],
    ) -> None:  # fmt: skip
        self._verifier = verifier
        self._library = verifier.library
        self._connections = verifier.connections
        self._problems = verifier.problems
        self._politeness = politeness
        self._settings = politeness.settings
        self._rounds = rounds
        self._ages = ages
        self._on_change = on_change
        self.allowance = Allowance(self._library.db, witness)
        self.drill = Drill(self._library, self.allowance)
        self._walks: dict[str, Walk | ListingRound] = {}
        self._rests = _Rests()
        self._damaged: dict[str, str] = {}  # archive id -> the connection on which a problem was found
        self._thread = threading.Thread(target=self._work, name="checks", daemon=True)
        verifier.on_whole = self._done_by_hand
        self._library.on_change(self._archive_changed)
        self._proven_news = False

    # Life

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._politeness.stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        with contextlib.suppress(OSError):  # Linux takes this thread's turn at the disk from it, too
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        wait_s = _FIRST_S
        while not self._politeness.stopped.wait(wait_s):
            try:
                wait_s = self.tick()
            except Exception:
                log.exception("a regular check failed")
                wait_s = _UNANSWERED_S
        with contextlib.suppress(ApplianceError):
            self.keep()

    def keep(self) -> None:
        """Write down how far everything is. Raises DiskFull, CatalogUnwritable."""
        self._rounds.keep(now=True)
        self.allowance.keep()

    # One step

    def tick(self) -> float:
        """A step of what is due and may be done now; seconds until the next. Raises DiskFull, CatalogUnwritable."""
        if not self._ages.trusted() or self._politeness.is_recovering_any():
            return _LOOK_S
        checks = self._checks()
        self._look_after(checks)
        self._clear_mended()
        self._rounds.keep()
        if not self._politeness.jobs.turn.acquire(blocking=False):
            return _LOOK_S
        try:
            return self._step_of_first(checks)
        finally:
            self._politeness.jobs.turn.release()

    def _step_of_first(self, checks: list[_Check]) -> float:
        for check in checks:
            its = self._rounds.of(check.key)
            if self._may_step(check, its):
                return self._step(check, its)
        return self._step_of_drill()

    def _may_step(self, check: _Check, its: Round) -> bool:
        if not check.period or self._rests.has(check.key) or self._must_leave(check, its):
            return False
        if check.connection and not self._politeness.may_ask(check.connection):
            return False
        if not its.under_way:
            if not (self._has_work(check) and self._rounds.is_due(its, check.period)):
                return False
            self._rounds.begin(its, self._total_bytes(check))
        return self._is_its_time(check, its)

    def _must_leave(self, check: _Check, its: Round) -> bool:
        """A listing is next to nothing on the line: one that transfers put off for long does not wait for their end."""
        beside = check.on_line and self._rounds.is_past(its, _LATE_RATIO * check.period)
        return self._politeness.must_leave(remote=check.connection is not None, on_line=check.on_line, beside=beside)

    def _is_its_time(self, check: _Check, its: Round) -> bool:
        """A round is spread over the first half of its period; the other half is for what held it up."""
        share = self._rounds.elapsed(its) / (check.period * _SPREAD_RATIO)
        return share >= 1 or its.done_bytes <= its.total_bytes * share

    def _step(self, check: _Check, its: Round) -> float:
        rate = Throttle(0 if check.on_line else _DISK_BYTES_PER_S)
        checking, before = self._checking(lambda: self._must_leave(check, its), rate), its.done_bytes
        try:
            ended = check.walk.step(its, checking)
        except Stopped:
            return self._politeness.settle_s
        except (RemoteError, StoreUnavailable) as error:
            log.info("the check of %s waits: %s", check.at, error)
            self._rests.begin(check.key)
            return _NEXT_S
        except ApplianceError as error:  # a ledger that cannot be read is said elsewhere
            log.warning("the check of %s passes by %s: %s", check.at, its.archive, error)
            its.pass_by(its.archive)
            return _NEXT_S
        finally:
            self._note(check, its, checking.report)
        if ended:
            self._end(check, its, whole=not checking.report.unknown)
        elif checking.report.unknown:
            self._rests.begin(check.key)
        return max(_NEXT_S, (its.done_bytes - before - checking.job.done_bytes) / _DISK_BYTES_PER_S)

    def _end(self, check: _Check, its: Round, *, whole: bool) -> None:
        if check.connection and whole and not its.found:
            Report(asked={check.connection.id}).keep(self._library.db, whole=True)
        self._rounds.end(its, whole=whole)
        log.info("%s: the regular check is through%s", check.at, "" if whole else ", but not everything could be asked")
        self._on_change(check.connection.id if check.connection else None)

    def _checking(self, must_stop: Callable[[], bool], throttle: Throttle) -> Checking:
        job = Polite("regular", "regular check", lambda _: None, stopped=self._politeness.stopped, must_stop=must_stop, throttle=throttle)
        return Checking(self._library, self._connections, job, Report(), set(), self._verifier.second_look_s)

    # What was found

    def _note(self, check: _Check, its: Round, report: Report) -> None:
        self._tell(report)
        if check.connection and (report.findings or report.unasked):
            report.keep(self._library.db, whole=False)
        if check.connection and report.findings:
            its.found = True
            self._rounds.keep(now=True)

    def _tell(self, report: Report) -> None:
        """The engine mends what it can; nobody reads a report, so what was found on a remote is a problem, too."""
        for why in report.unknown:
            log.info("%s", why)
        for finding in report.findings:
            self._library.changed(finding["archive_id"])
            if finding["where"] != LOCAL and not finding["repaired"]:
                self._raise_damage(finding["archive_id"], finding["title"], finding["batch_index"], finding["where"], finding["what"])

    def _raise_damage(self, archive_id: str, title: str, index: int | None, where: str, what: str) -> None:
        view, connection = self._library.views.get(archive_id), self._connections.get(where)
        lost = view is not None and view.lost_batches > 0
        again = "it is sent there again from a good copy" + ("" if connection and connection.active else ", once that connection is active")
        self._damaged[archive_id] = where
        subject = f"batch {index} of {title!r}" if index is not None else f"the manifest of {title!r}"
        self._problems.raise_(
            "damaged", archive_id, f"{subject} on {connection.name if connection else where}: {what}",
            "hand the file in again if you still have it" if lost else again, needs_you=lost,
        )  # fmt: skip

    def _clear_mended(self) -> None:
        for archive_id, connection_id in list(self._damaged.items()):
            view = self._library.views.get(archive_id)
            here = view.standings.get(connection_id) if view and not view.archive.removed_at else None
            if here is None or view is None or (here.manifest_stored and here.batches_stored == view.batches):
                del self._damaged[archive_id]
                if view is None or view.is_whole:
                    self._problems.clear("damaged", archive_id)

    # Reading back

    def _step_of_drill(self) -> float:
        """Of the connections that may be read from now. Raises nothing of a remote."""
        budget = self._settings.current.drill_mib_per_day << 20
        usable = frozenset(each.id for each in self._connections.all() if budget and self._may_read_back(each))
        if self._proven_news:
            self._proven_news = False
            self.drill.look_again()
        chunk = self.drill.next(usable, budget) if usable else []
        if not chunk:
            return _LOOK_S
        connection_id = chunk[0].connection_id
        on_line = not self._connections.remote(connection_id).is_local
        checking = self._checking(lambda: self._politeness.must_leave(remote=True, on_line=on_line), Throttle(self._drill_rate(budget)))
        try:
            self.drill.read(chunk, checking)
        except Stopped:
            return self._politeness.settle_s
        finally:
            self._tell(checking.report)
        if checking.report.unasked:
            self._rests.begin(connection_id)
        return _NEXT_S

    def _may_read_back(self, connection: Connection) -> bool:
        if self._rests.has(connection.id) or not self._politeness.may_ask(connection):
            return False
        return not self._politeness.must_leave(remote=True, on_line=not self._connections.remote(connection.id).is_local)

    def _drill_rate(self, budget_bytes: int) -> int:
        """No faster than uploads may be now, where they are limited."""
        rate = max(_LINE_BYTES_PER_S, int(budget_bytes / _DRILL_S))
        limit = self._politeness.engine.windows.current.limit_bytes_per_s
        return min(rate, limit) if limit else rate

    def _archive_changed(self, archive_id: str) -> None:
        """What has just become remote is read back before what was proven long ago."""
        self._proven_news = self._proven_news or archive_id in self._library.views

    # What there is to check

    def _checks(self) -> list[_Check]:
        settings = self._settings.current
        local = _Check(LOCAL, "local copies", self._walk(LOCAL, None), None, timedelta(days=settings.scrub_days))
        return [*(self._check_of(each, settings.listing_days) for each in self._connections.all() if each.valid), local]

    def _check_of(self, connection: Connection, days: float) -> _Check:
        key = listing_key(connection.id)
        return _Check(key, f"connection {connection.name}", self._walk(key, connection), connection, timedelta(days=days))

    def _total_bytes(self, check: _Check) -> int:
        if check.connection is None:
            return self._library.totals.size_bytes - self._library.totals.released_bytes
        connection_id = check.connection.id
        return sum(view.standings[connection_id].stored_bytes for view in self._library.all_views() if connection_id in view.standings)

    def _walk(self, key: str, connection: Connection | None) -> Walk | ListingRound:
        if key not in self._walks:
            self._walks[key] = self._new_walk(connection)
        return self._walks[key]

    def _new_walk(self, connection: Connection | None) -> Walk | ListingRound:
        if connection is None:
            return local_walk(self._library, self._problems)
        if self._connections.remote(connection.id).is_local:
            return disk_walk(self._library, connection)
        return ListingRound(self._library, connection)

    def _has_work(self, check: _Check) -> bool:
        if check.connection is None:
            return self._library.totals.local > 0
        connection_id = check.connection.id
        return any(connection_id in view.standings for view in self._library.all_views())

    # What is late

    def _look_after(self, checks: list[_Check]) -> None:
        self._forget_gone(checks)
        for check in checks:
            its = self._rounds.of(check.key)
            if not its.under_way and not self._has_work(check):
                self._rounds.nothing_to_do(its)
            if check.period and self._rounds.is_past(its, 2 * check.period):
                self._say_overdue(check, its)
            else:
                self._problems.clear(OVERDUE, about_check(check.key))

    def _say_overdue(self, check: _Check, its: Round) -> None:
        days = round(check.period / timedelta(days=1), 1)
        self._problems.raise_(
            OVERDUE, about_check(check.key),
            f"{check.at}: not checked to the end since {its.fresh_at[:10]}; every {days:g} days is set",
            "it goes on by itself as soon as nothing else moves; `pyarchive verify` does it now", needs_you=False,
        )  # fmt: skip

    def _forget_gone(self, checks: Iterable[_Check]) -> None:
        there = {LOCAL, *(listing_key(each.id) for each in self._connections.all())}
        gone = [key for key in self._rounds.known_keys() if key not in there]
        for key in {*gone, *(self._walks.keys() - {check.key for check in checks})}:
            self._walks.pop(key, None)
            self._problems.clear(OVERDUE, about_check(key))
        self._rounds.forget(gone)

    def _done_by_hand(self, places: set[str], began_at: datetime, took_s: float) -> None:
        if not self._ages.trusted():
            return
        self._rounds.done_otherwise([LOCAL if each == LOCAL else listing_key(each) for each in places], began_at, took_s)
        for each in places:
            self._on_change(None if each == LOCAL else each)
