"""The people of the appliance: accounts, sessions, and what goes with both."""

from __future__ import annotations

import logging
import threading
from typing import Any

from appliance import clock, durable
from appliance.access import Caller
from appliance.accounts.ages import Ages
from appliance.accounts.audit import Audit
from appliance.accounts.codes import Codes
from appliance.accounts.devices import device_of
from appliance.accounts.holdings import Holdings
from appliance.accounts.passwords import Passwords
from appliance.accounts.sessions import Change, Sessions
from appliance.accounts.tries import Tries
from appliance.accounts.users import Account, Users
from appliance.errors import SignedOut
from appliance.library import Library
from appliance.settings import SettingsStore
from appliance.witness import Witness
from mqtt import user_answers as answers

log = logging.getLogger("accounts")


class Household:
    """``changing`` is held by who changes accounts or begins sessions, from the look that it decides by to the record that it writes."""

    def __init__(self, library: Library, settings: SettingsStore, witness: Witness) -> None:
        self.library = library
        self.db = library.db
        self.settings = settings
        self.ages = Ages(library, witness)
        self.users = Users(self.db)
        self.sessions = Sessions(self.db, self.ages)
        self.codes = Codes(self.db, self.ages)
        self.tries = Tries(self.db)
        self.passwords = Passwords()
        self.audit = Audit(self.db)
        self.holdings = Holdings(library)
        self.changing = threading.RLock()

    @property
    def is_claimed(self) -> bool:
        """There is an admin who can sign in. After a recovery, which brings no passwords, the setup code is good once more."""
        return bool(self.users.admins_who_can_sign_in())

    def make_inbox(self, name: str) -> None:
        """A folder of the inbox for that user's files; without it the inbox is as good, and only less inviting."""
        try:
            durable.make_dir(self.library.folder.inbox / name, 0o770)
        except OSError as error:
            log.warning("no folder of the inbox for %s: %s", name, error.strerror)

    def expire(self) -> None:
        """What is over goes: sessions, codes. Raises DiskFull, CatalogUnwritable."""
        self.sessions.expire()
        self.codes.expire()

    def signed_in(self, login: str, token: str) -> Caller | None:
        """Whose session that is; the role is looked up each time, so that a change of it holds at once."""
        session = self.sessions.find(token)
        account = self.users.get(session.user) if session else None
        if session is None or account is None:
            return None
        return Caller(login=login, user=account.name, role=account.role, session_id=session.key)

    def person(self, caller: Caller) -> Account:
        """Who asks. Raises SignedOut where that is no person."""
        account = self.users.get(caller.user) if caller.user is not None else None
        if account is None:
            raise SignedOut("this login is no person; name a user, or ask with a session")
        return account

    def told(self, account: Account) -> dict[str, Any]:
        """The user as messages have it."""
        its = self.library.totals_of(account.name)
        return answers.User(
            name=account.name, display_name=account.display_name or account.name, email=account.email, role=account.role,
            created_at=account.created_at, last_seen_at=self.sessions.last_seen_at(account.name), can_sign_in=account.can_sign_in,
            archives=its.archives, bytes=its.size_bytes,
        ).model_dump(mode="json")  # fmt: skip

    def begin_session(self, account: Account, agent: str | None, address: str | None, also: dict[str, Change] | None = None) -> Any:
        """Sign in somebody who may be: what ``user/login`` answers. ``also``: other changes of the same record."""
        token, session, change = self.sessions.begun(account.name, device_of(agent), address)
        self.db.apply({**(also or {}), **change})
        self.tries.succeeded(account.name, address)
        return {"session": token, "user": self.told(account), "expires_at": clock.iso(session.expires_at)}
