"""What whoever upgrades asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from appliance.errors import Conflict
from appliance.handlers.table import handles
from appliance.self_test import START, SelfTest
from appliance.trial import Trial
from mqtt.upgrade_verbs import SelfTestResult, UpgradeAccept, UpgradeSelfTest
from mqtt.verb_answers import Nothing

log = logging.getLogger("upgrade")


@dataclass(frozen=True, slots=True)
class UpgradeVerbs:
    """``upgrade/…``. ``restart()`` begins the appliance anew, in the same process."""

    self_test: SelfTest
    trial: Trial | None
    restart: Callable[[], None]

    @handles(UpgradeSelfTest)
    def self_test_now(self, _asked: UpgradeSelfTest) -> SelfTestResult:
        return self.self_test.run()

    @handles(UpgradeAccept)
    def accept(self, asked: UpgradeAccept) -> Nothing:
        if self.trial is None:
            return Nothing()
        if asked.trial_id != self.trial.id:
            raise Conflict("another upgrade is being tested; ask for the one that upgrade/self-test names")
        wrong = self.self_test.last.wrong() if self.self_test.last else None
        # A version that does not get as far as its work has shown nothing, whatever the one before did.
        if wrong is None or any(check not in asked.known or check.name == START for check in wrong):
            raise Conflict("the last self-test did not pass, or there was none; ask upgrade/self-test what is wrong")
        self.trial.accept()
        log.info("the upgrade is accepted; the appliance begins anew and takes everything in again")
        self.restart()
        return Nothing()
