"""What admins do with users, and users with themselves."""

from __future__ import annotations

import contextlib
from typing import Any

from appliance import clock, durable
from appliance.access import Caller
from appliance.accounts.household import Household
from appliance.accounts.naming import check_name, display_name, email
from appliance.accounts.passwords import check_new
from appliance.accounts.pictures import PICTURES, read_picture
from appliance.accounts.sessions import SEEN, SESSIONS, Change, Session
from appliance.accounts.signing_in import MOST_USERS
from appliance.accounts.users import USERS, Account, changed
from appliance.errors import Conflict, NotFound, Refused, Unauthorised
from mqtt import user_verbs as verbs
from mqtt.user_answers import Role


class People:
    """Thread-safe."""

    def __init__(self, household: Household) -> None:
        self._house = household
        self._db = household.db

    # Admins

    def list(self) -> dict[str, Any]:
        accounts = self._house.users.all()
        names = {account.name for account in accounts}
        others = [
            {"name": owner, "archives": its.archives, "bytes": its.size_bytes}
            for owner, its in sorted(self._house.library.owners().items())
            if owner not in names
        ]
        return {"users": [self._house.told(account) for account in accounts], "others": others}

    def add(self, asked: verbs.UserAdd) -> dict[str, Any]:
        """Raises BadRequest, Conflict (there is one of that name). A name that owns archives already is given them."""
        shown, address = display_name(asked.display_name), email(asked.email)
        check_name(asked.name)
        hashed = self._hashed(asked.password, asked.name, shown, address) if asked.password is not None else None
        account = Account(name=asked.name, role=asked.role, created_at=clock.now(), display_name=shown, email=address, password_hash=hashed)
        with self._house.changing:
            accounts = self._house.users.all()
            if any(each.name == account.name for each in accounts):
                raise Conflict(f"there is a user {account.name} already; `pyarchive user list` shows all")
            if len(accounts) >= MOST_USERS:
                raise Conflict(f"there are {MOST_USERS} users already; remove some first")
            self._db.apply({USERS: changed(account)})
        self._house.make_inbox(account.name)
        return self._house.told(account)

    def _hashed(self, password: str, *names: str | None) -> str:
        check_new(password, *names)
        return self._house.passwords.hash(password)

    def set_password(self, asked: verbs.UserPasswd) -> None:
        """Raises NotFound, BadRequest."""
        account = self._house.users.find(asked.name)
        hashed = self._hashed(asked.password, account.name, account.display_name, account.email)
        with self._house.changing:
            now = self._house.users.find(asked.name)
            self._db.apply({USERS: changed(now, password_hash=hashed), SESSIONS: self._house.sessions.ended(now.name)})
        self._house.tries.succeeded(asked.name)
        self._house.tries.succeeded(f"{asked.name}/password")

    def set_role(self, asked: verbs.UserRole) -> dict[str, Any]:
        """Raises NotFound, Refused."""
        with self._house.changing:
            account = self._house.users.find(asked.name)
            if asked.role is not Role.ADMIN:
                self._refuse_last_admin(account)
            self._db.apply({USERS: changed(account, role=asked.role)})
            return self._house.told(self._house.users.find(asked.name))

    def _refuse_last_admin(self, account: Account) -> None:
        if self._house.users.admins_who_can_sign_in() == [account.name]:
            raise Refused(f"{account.name} is the only admin who can sign in; make somebody else an admin first")

    def remove(self, name: str) -> None:
        """Raises NotFound, Refused: the user owns something, or is the last admin."""
        with self._house.changing:
            account = self._house.users.find(name)
            self._refuse_last_admin(account)
            held = self._house.holdings.of(name)
            if held.any:
                raise Refused(
                    f"{name} owns files ({held.in_words()}); give them to somebody first: `pyarchive user give {name} NAME` "
                    "(files in the inbox become archives by themselves, or are taken out of it by hand)"
                )
            gone: Change = {name: None}
            self._db.apply({USERS: gone, SEEN: gone, PICTURES: gone, SESSIONS: self._house.sessions.ended(name)})
        self._house.tries.succeeded(name)
        with contextlib.suppress(OSError):  # a file that came this moment keeps it
            durable.remove_dir(self._house.library.folder.inbox / name)

    # One's own

    def profile(self, asked: verbs.UserProfile, caller: Caller) -> dict[str, Any]:
        """What is None stays; what is empty goes. Raises BadRequest."""
        picture = read_picture(asked.picture) if asked.picture else None
        fields: dict[str, Any] = {}
        if asked.display_name is not None:
            fields["display_name"] = display_name(asked.display_name)
        if asked.email is not None:
            fields["email"] = email(asked.email)
        with self._house.changing:
            account = self._house.person(caller)
            rows: dict[str, Change] = {USERS: changed(account, **fields)}
            if asked.picture is not None:
                rows[PICTURES] = {account.name: picture}
            self._db.apply(rows)
            return self._house.told(self._house.users.find(account.name))

    def picture(self, name: str | None, caller: Caller) -> dict[str, Any]:
        """Raises NotFound."""
        found = self._db.table(PICTURES).get(doc_id=self._whose(name, caller))
        if found is None:
            raise NotFound("this user has no picture")
        return dict(found)

    def _whose(self, name: str | None, caller: Caller) -> str:
        """The caller's own name, or that which an admin names. Raises Unauthorised, NotFound, SignedOut."""
        if name is None or name == caller.user:
            return self._house.person(caller).name
        if not caller.is_admin:
            raise Unauthorised("that is for admins; leave the name out for your own")
        return self._house.users.find(name).name

    def sessions(self, name: str | None, caller: Caller) -> dict[str, Any]:
        return {"sessions": [_told(each, caller) for each in self._house.sessions.of(self._whose(name, caller))]}

    def end_sessions(self, asked: verbs.UserEndSession, caller: Caller) -> dict[str, Any]:
        """One, or all but that of the caller. Raises NotFound."""
        with self._house.changing:
            user = self._whose(asked.name, caller)
            ended = self._house.sessions.ended(user, but=caller.session_id if asked.id is None else None)
            if asked.id is not None:
                ended = {key: None for key in ended if self._house.sessions.is_called(key, asked.id)}
                if not ended:
                    raise NotFound("there is no such session, or it has ended already")
            self._db.apply({SESSIONS: ended})
        return {"sessions": len(ended)}


def _told(session: Session, caller: Caller) -> dict[str, Any]:
    return {
        "id": session.id, "device": session.device, "address": session.address, "created_at": clock.iso(session.created_at),
        "used_at": clock.iso(session.used_at), "expires_at": clock.iso(session.expires_at), "current": session.key == caller.session_id,
    }  # fmt: skip
