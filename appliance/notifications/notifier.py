"""Tells people outside of the house what matters: mail, ntfy, webhooks and the like. Nothing here can hold up anything else.

One thread, which runs while there is a target. A service that cannot be reached is tried again later, said in the log once, and shown
beside the target; it is never a problem of its own, so that it cannot cause the next message.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from appliance import clock
from appliance.library import Library
from appliance.notifications import services, words
from appliance.notifications.desk import Desk, Pace
from appliance.notifications.outbox import Outbox
from appliance.notifications.sender import Sender
from appliance.notifications.targets import Target, Targets
from appliance.problems import Problems
from appliance.settings import SettingsStore
from mqtt.messages import EventName, Problem

log = logging.getLogger("notifications")
DAMAGE = frozenset({"damaged", "ledger", "catalog_damaged"})
"""Codes of problems that tell of damage, whether they need somebody or not."""


class Notifier:
    """``is_over(at, age)``: that much time has passed, as far as the clock can be believed."""

    def __init__(
        self, library: Library, settings: SettingsStore, problems: Problems, targets: Targets,
        is_over: Callable[[datetime, timedelta], bool], pace: Pace | None = None, sender: Sender | None = None,
    ) -> None:  # fmt: skip
        self._library = library
        self._settings = settings
        self._problems = problems
        self._targets = targets
        self._is_over = is_over
        self._pace = pace or Pace()
        self._sender = sender or Sender()
        self.desk = Desk(library.db, is_over, self._pace)
        self.outbox = Outbox(library.db, is_over, self._pace)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._composed_s = -self._pace.gap_s
        self._was_at_risk, self._safe_since_s, self._safe_told_s = False, 0.0, -self._pace.quiet_s
        self._unproven_told_at: datetime | None = None
        problems.on_change(self._problem_changed)

    # Life

    def start(self) -> None:
        """Nothing runs while there is nobody to tell."""
        with self._lock:
            if self._thread is not None or self._stopped.is_set() or not self._targets.all():
                return
            for problem in self._problems.standing():
                self._note(EventName.PROBLEM_RAISED, problem)
            self._thread = threading.Thread(target=self._work, name="notifications", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stopped.set()
        self._sender.stop()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _problem_changed(self, what: EventName, problem: Problem) -> None:
        with self._lock:
            if self._thread is not None:
                self._note(what, problem)
        self._wake.set()

    def _note(self, what: EventName, problem: Problem) -> None:
        if what is EventName.PROBLEM_CLEARED:
            self.desk.cleared(problem)
        elif self._is_wanted(problem):
            self.desk.raised(problem)

    def _is_wanted(self, problem: Problem) -> bool:
        settings = self._settings.current
        return settings.notify_damage if problem.code in DAMAGE else settings.notify_needs_you and problem.needs_you

    # The thread

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                self._round()
            except Exception:
                log.exception("a round of notifications failed")
            self._wake.wait(self._patience_s())
            self._wake.clear()

    def _patience_s(self) -> float:
        now_s = clock.monotonic_s()
        with self._lock:
            due = [self.desk.next_s(), self.outbox.next_s(self._ids())]
        return min([self._pace.look_s, *(max(0.02, due_s - now_s) for due_s in due if due_s is not None)])

    def _ids(self) -> set[str]:
        return {target.id for target in self._targets.all()}

    def _round(self) -> None:
        with self._lock:
            self._compose()
            self.outbox.forget_old()
        while not self._stopped.is_set() and self._send_one():
            pass

    def _compose(self) -> None:
        now_s, url = clock.monotonic_s(), self._settings.current.panel_url
        if now_s < self._composed_s + self._pace.gap_s:
            return
        texts = [words.of_problems(news, url)] if (news := self.desk.take_due()) else []
        if self._is_safe_again(now_s):
            texts.append(words.of_safety(self._library.totals.archives, self._library.totals.size_bytes, url))
        if self._is_unproven():
            texts.append(words.of_no_proof(self._settings.current.notify_unproven_days, self._library.totals.last_proof_at, url))
        for text in texts:
            self.outbox.add(text, self._ids())
        if texts:
            self._composed_s = now_s

    def _is_safe_again(self, now_s: float) -> bool:
        """It was not, and has been for a while."""
        if self._library.totals.at_risk_bytes:
            self._was_at_risk, self._safe_since_s = True, now_s
        if not self._was_at_risk or now_s < max(self._safe_since_s + self._pace.settle_s, self._safe_told_s + self._pace.quiet_s):
            return False
        self._was_at_risk, self._safe_told_s = False, now_s
        return self._settings.current.notify_all_protected and self._library.totals.archives > 0

    def _is_unproven(self) -> bool:
        """Nothing was read back for the days of the setting; said again after as many."""
        days, totals = self._settings.current.notify_unproven_days, self._library.totals
        if not days or not totals.archives:
            return False
        age = timedelta(days=days)
        since = totals.last_proof_at or min(view.archive.created_at for view in self._library.all_views())
        if not self._is_over(since, age) or (self._unproven_told_at and not self._is_over(self._unproven_told_at, age)):
            return False
        self._unproven_told_at = clock.now()
        return True

    def _send_one(self) -> bool:
        """Whether there may be more to send now."""
        with self._lock:
            target = self._targets.get(self.outbox.due(self._ids()) or "")
            if target is None:
                return False
            ids, text = self.outbox.mail_for(target.id)
        why = self._sender.send(target.url, text.title, text.body)
        with self._lock:
            self._landed(target, ids, why)
        return True

    def _landed(self, target: Target, message_ids: list[str], why: str | None) -> None:
        if why is None:
            self.outbox.sent(target.id, message_ids)
        elif self._stopped.is_set():
            return
        elif self.outbox.failed(target.id, why):
            log.warning("notifying %s failed: %s; it is tried again", target.name, why)

    # Targets

    def check(self, url: str) -> str | None:
        return self._sender.check(url)

    def add(self, name: str | None, url: str) -> Target:
        """One that was checked. Raises Conflict, DiskFull."""
        kind, host = services.shown(url)
        target = self._targets.add(name or (f"{kind} at {host}" if host else kind), url)
        log.info("%s is notified from now on", target.name)
        self.start()
        return target

    def remove(self, target_id: str) -> None:
        """Raises NotFound."""
        target = self._targets.find(target_id)
        self._targets.remove(target.id)
        with self._lock:
            self.outbox.forget_target(target.id)
        log.info("%s is not notified any more", target.name)

    def test(self, target_id: str) -> str | None:
        """Send a word to it now; why it could not be sent."""
        target = self._targets.find(target_id)
        text = words.of_test(self._settings.current.panel_url)
        why = self._sender.send(target.url, text.title, text.body)
        with self._lock:
            if why is None:
                self.outbox.sent(target.id, [])
            else:
                self.outbox.standing(target.id).error = why
        self._wake.set()
        return why
