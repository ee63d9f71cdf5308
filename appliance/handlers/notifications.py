"""What is asked of notifications."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance import clock
from appliance.errors import BadRequest, Conflict, NotificationFailed
from appliance.handlers.table import handles
from appliance.names import clean_title
from appliance.notifications import services
from appliance.notifications.notifier import Notifier
from appliance.notifications.targets import Target, Targets
from mqtt import notification_verbs as verbs
from mqtt.notification_verbs import NotificationPage, NotificationTarget
from mqtt.verb_answers import Nothing


@dataclass(frozen=True, slots=True)
class NotificationVerbs:
    """``notification/…``. One at a time asks the network, so that these cannot hold up other requests."""

    targets: Targets
    notifier: Notifier
    _busy: threading.Lock = field(default_factory=threading.Lock)

    @handles(verbs.NotificationList)
    def notification_list(self, _asked: verbs.NotificationList) -> NotificationPage:
        return NotificationPage(targets=[self._shown(target) for target in self.targets.all()])

    def _shown(self, target: Target) -> NotificationTarget:
        kind, host = services.shown(target.url)
        standing, waiting = self.notifier.outbox.standing(target.id), len(self.notifier.outbox.mail_for(target.id)[0])
        is_to_come = waiting and standing.next_try_s > clock.monotonic_s()
        return NotificationTarget(
            id=target.id, name=target.name, kind=kind, host=host, added_at=clock.from_iso(target.added_at), sent_at=standing.sent_at,
            error=standing.error, next_try_at=clock.date_of(standing.next_try_s) if is_to_come else None, waiting=waiting,
        )  # fmt: skip

    @handles(verbs.NotificationAdd)
    def notification_add(self, asked: verbs.NotificationAdd) -> NotificationTarget:
        url = services.checked(asked.url)
        why = self._alone(lambda: self.notifier.check(url))
        if why is not None:
            raise BadRequest(f"this address cannot be used: {why}")
        return self._shown(self.notifier.add(clean_title(asked.name) if asked.name else None, url))

    @handles(verbs.NotificationRemove)
    def notification_remove(self, asked: verbs.NotificationRemove) -> Nothing:
        self.notifier.remove(asked.id)
        return Nothing()

    @handles(verbs.NotificationTest)
    def notification_test(self, asked: verbs.NotificationTest) -> Nothing:
        target = self.targets.find(asked.id)
        why = self._alone(lambda: self.notifier.test(target.id))
        if why is not None:
            raise NotificationFailed(f"{target.name} was not told: {why}")
        return Nothing()

    def _alone(self, ask: Callable[[], str | None]) -> str | None:
        if not self._busy.acquire(blocking=False):
            raise Conflict("another address is being tried just now; try again in a moment")
        try:
            return ask()
        finally:
            self._busy.release()
