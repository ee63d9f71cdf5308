"""The request verbs of an upgrade: how the new version is, and that it is taken. The upgrader asks them; looking harms nobody."""

from __future__ import annotations

from pydantic import Field

from mqtt.message import Message
from mqtt.verb import Verb


class SelfTestCheck(Message):
    """One thing that was tried."""

    name: str = Field(description="In one word, the same in every version")
    passed: bool = Field(description="What was tried worked")
    words: str = Field(description="What was found; where it did not pass, the cause")


class SelfTestResult(Message):
    """What an appliance finds out about itself, within some seconds."""

    version: str
    trial_id: str | None = Field(description="Of the upgrade that is being tested; none: there is none")
    passed: bool = Field(description="Every check has")
    checks: list[SelfTestCheck] = Field(description="In the order in which they were made")

    def wrong(self) -> list[SelfTestCheck]:
        """The checks that did not pass."""
        return [check for check in self.checks if not check.passed]


class UpgradeSelfTest(Verb, verb="upgrade/self-test", answer=SelfTestResult, looks=True, for_scripts=False):
    """Try data folder, catalog, ledgers, store, secrets, settings and broker. May take 30 s; at any time, also without an upgrade."""


class UpgradeAccept(Verb, verb="upgrade/accept", for_scripts=False):
    """The new version is taken, and nobody goes back: the appliance begins anew, and then acknowledges everything again.

    Errors: conflict, where another upgrade is being tested, or a check of its last self-test did not pass that is not among ``known``.
    Safe to repeat.
    """

    trial_id: str = Field(min_length=1, max_length=64, description="The upgrade that is meant")
    known: list[SelfTestCheck] = Field(
        default=[], max_length=100, description="What the version before had found wrong too: no reason to go back to it"
    )
