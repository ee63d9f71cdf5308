"""Who comes in, and how: the setup code, passwords, invitations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from appliance import clock
from appliance.access import Caller
from appliance.accounts.codes import hash_of_code, new_code
from appliance.accounts.household import Household
from appliance.accounts.naming import check_name, checked_person
from appliance.accounts.passwords import check_new
from appliance.accounts.sessions import SESSIONS, Change
from appliance.accounts.users import USERS, Account, changed
from appliance.errors import Conflict, WrongLogin
from mqtt import user_verbs as verbs
from mqtt.user_answers import Role

SETUP, _CODE = "setup", "code"
SETUP_CODE_LASTS = timedelta(days=1)
_WRONG_CODE = "this code is wrong, was used already, or has expired; look at it again, or ask for a new one"
_WRONG_LOGIN = "name or password is wrong"


class SigningIn:
    """Thread-safe. ``caller`` is told for the audit trail."""

    def __init__(self, household: Household) -> None:
        self._house = household
        self._db = household.db

    # The first admin

    def setup_code(self) -> dict[str, Any]:
        """A new code in place of the one before. Raises Conflict where there is an admin already."""
        with self._house.changing:
            self._refuse_claimed()
            code, now = new_code(), clock.now()
            self._db.apply({SETUP: {_CODE: {"code_hash": hash_of_code(code), "created_at": clock.iso(now)}}})
            return {"code": code, "expires_at": clock.iso(now + SETUP_CODE_LASTS)}

    def claim(self, asked: verbs.UserClaim) -> Any:
        """The first admin. Raises Conflict, WrongLogin, TooManyTries, BadRequest."""
        self._refuse_claimed()
        self._house.tries.check(None, asked.address)
        self._check_setup_code(asked.code, asked.address)
        account = self._new_account(asked, Role.ADMIN)
        with self._house.changing:
            self._refuse_claimed()
            self._check_setup_code(asked.code, asked.address)
            rows: dict[str, Change] = {USERS: changed(account), SETUP: {_CODE: None}, SESSIONS: self._house.sessions.ended(account.name)}
            return self._house.begin_session(account, asked.agent, asked.address, rows)

    def _refuse_claimed(self) -> None:
        if self._house.is_claimed:
            raise Conflict(
                "this appliance has been claimed already; sign in, or ask its admin for an invitation "
                "(a lost password is set anew with `pyarchive user passwd NAME` on the appliance)"
            )

    def _check_setup_code(self, code: str, address: str | None) -> None:
        row = self._db.table(SETUP).get(doc_id=_CODE)
        right = row is not None and row["code_hash"] == hash_of_code(code)
        if row is None or not right or self._house.ages.is_over(clock.from_iso(row["created_at"]), SETUP_CODE_LASTS):
            self._house.tries.failed(None, address)
            raise WrongLogin(f"{_WRONG_CODE}: `pyarchive user setup-code` on the appliance prints one")

    def _new_account(self, asked: verbs.UserClaim | verbs.UserRegister, role: Role) -> Account:
        person = checked_person(asked)
        check_new(asked.password, asked.name, person["display_name"], person["email"])
        check_name(asked.name)
        hashed = self._house.passwords.hash(asked.password)
        return Account(name=asked.name, role=role, created_at=clock.now(), password_hash=hashed, **person)

    # Everybody else

    def login(self, asked: verbs.UserLogin) -> Any:
        """Raises WrongLogin, after the same time and in the same words whatever is wrong; TooManyTries."""
        house, address = self._house, asked.address
        account = house.users.get(asked.name)
        known_here = account is not None and address in house.sessions.addresses(account.name)
        house.tries.check(asked.name, address, known=known_here)
        if not house.passwords.verify(asked.password, account.password_hash if account else None) or account is None:
            house.tries.failed(asked.name, address)
            raise WrongLogin(_WRONG_LOGIN)
        rehashed = self._rehashed(account, asked.password)
        with house.changing:
            now = house.users.get(account.name)
            if now is None or now.password_hash != account.password_hash:
                raise WrongLogin(_WRONG_LOGIN)  # it was changed while we looked
            return house.begin_session(now, asked.agent, address, {USERS: changed(now, password_hash=rehashed)} if rehashed else None)

    def _rehashed(self, account: Account, password: str) -> str | None:
        known = account.password_hash
        return self._house.passwords.hash(password) if known and self._house.passwords.is_outdated(known) else None

    def logout(self, caller: Caller) -> None:
        if caller.session_id is not None:
            self._db.apply({SESSIONS: {caller.session_id: None}})
