"""The people of the appliance: accounts, sessions, and what goes with both."""

from __future__ import annotations

import threading
from typing import Any

from appliance.access import Caller
from appliance.accounts.ages import Ages
from appliance.accounts.audit import Audit
from appliance.accounts.devices import device_of
from appliance.accounts.passwords import Passwords
from appliance.accounts.sessions import Change, Sessions
from appliance.accounts.tries import Tries
from appliance.accounts.users import Account, Users
from appliance.library import Library
from appliance.settings import SettingsStore
from appliance.witness import Witness
from mqtt import user_answers as answers


class Household:
    """``changing`` is held by who changes accounts or begins sessions, from the look that it decides by to the record that it writes."""

    def __init__(self, library: Library, settings: SettingsStore, witness: Witness) -> None:
        self.library = library
        self.db = library.db
        self.settings = settings
        self.ages = Ages(library, witness)
        self.users = Users(self.db)
        self.sessions = Sessions(self.db, self.ages)
        self.tries = Tries(self.db)
        self.passwords = Passwords()
        self.audit = Audit(self.db)
        self.changing = threading.RLock()

    @property
    def is_claimed(self) -> bool:
        """There is an admin who can sign in. After a recovery, which brings no passwords, the setup code is good once more."""
        return bool(self.users.admins_who_can_sign_in())

    def signed_in(self, login: str, token: str) -> Caller | None:
        """Whose session that is; the role is looked up each time, so that a change of it holds at once."""
        session = self.sessions.find(token)
        account = self.users.get(session.user) if session else None
        if session is None or account is None:
            return None
        return Caller(login=login, user=account.name, role=account.role, session_id=session.key)

    def told(self, account: Account) -> answers.User:
        """As messages have it."""
        owned = [view.archive for view in self.library.all_views() if view.archive.owner == account.name and not view.archive.removed_at]
        return answers.User(
            name=account.name, display_name=account.display_name or account.name, email=account.email, role=account.role,
            created_at=account.created_at, last_seen_at=self.sessions.last_seen_at(account.name), can_sign_in=account.can_sign_in,
            archives=len(owned), bytes=sum(archive.size_bytes for archive in owned),
        )  # fmt: skip

    def begin_session(self, account: Account, agent: str | None, address: str | None, also: dict[str, Change] | None = None) -> Any:
        """Sign in somebody who may be: what ``user/login`` answers. ``also``: other changes of the same record."""
        token, session, change = self.sessions.begun(account.name, device_of(agent), address)
        self.db.apply({**(also or {}), **change})
        self.tries.succeeded(account.name, address)
        return answers.SignedIn(session=token, user=self.told(account), expires_at=session.expires_at).model_dump(mode="json")
