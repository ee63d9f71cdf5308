"""Who comes in, and how: the setup code, invitations, passwords."""

from __future__ import annotations

from typing import Any, NoReturn

from appliance import clock
from appliance.access import Caller
from appliance.accounts.codes import Invited
from appliance.accounts.household import Household
from appliance.accounts.naming import check_name, display_name, email
from appliance.accounts.passwords import check_new
from appliance.accounts.sessions import SESSIONS, Change
from appliance.accounts.users import USERS, Account, changed
from appliance.errors import Conflict, Unauthorised, WrongLogin
from mqtt import user_verbs as verbs
from mqtt.user_answers import Role

MOST_USERS = 200


class SigningIn:
    """Thread-safe. ``caller`` is told for the audit trail, where a try that fails stands too."""

    def __init__(self, household: Household) -> None:
        self._house = household

    # The first admin

    def setup_code(self) -> dict[str, Any]:
        """A new code in place of the one before. Raises Conflict where there is an admin already."""
        with self._house.changing:
            self._refuse_claimed()
            code, expires_at = self._house.codes.new_setup()
        return {"code": code, "expires_at": clock.iso(expires_at)}

    def claim(self, asked: verbs.UserClaim, caller: Caller) -> Any:
        """The first admin, under a new name or that of a user who came back without a password.

        Raises Conflict, WrongLogin, TooManyTries, BadRequest.
        """
        self._refuse_claimed()
        self._house.tries.check(None, asked.address)
        self._check_setup_code(asked, caller)
        account = self._new_account(asked, Role.ADMIN)
        with self._house.changing:
            self._refuse_claimed()
            self._check_setup_code(asked, caller)
            rows: dict[str, Change] = {USERS: changed(account), **self._house.codes.setup_spent()}
            answer = self._house.begin_session(account, asked.agent, asked.address, rows)
        self._house.make_inbox(account.name)
        return answer

    def _refuse_claimed(self) -> None:
        if self._house.is_claimed:
            raise Conflict(
                "this appliance has been claimed already; sign in, or ask its admin for an invitation "
                "(a lost password is set anew with `pyarchive user passwd NAME` on the appliance)"
            )

    def _check_setup_code(self, asked: verbs.UserClaim, caller: Caller) -> None:
        if not self._house.codes.is_setup(asked.code):
            self._wrong_code(asked, caller, "`pyarchive user setup-code` on the appliance prints a new one")

    def _wrong_code(self, asked: verbs.UserClaim | verbs.UserRegister, caller: Caller, next_step: str) -> NoReturn:
        self._house.tries.failed(None, asked.address)
        self._house.audit.note(caller, asked.verb, _where(asked.address), "wrong code")
        raise WrongLogin(f"this code is wrong, was used already, or has expired; {next_step}")

    def _new_account(self, asked: verbs.UserClaim | verbs.UserRegister, role: Role) -> Account:
        shown, address = display_name(asked.display_name), email(asked.email)
        check_name(asked.name)
        check_new(asked.password, asked.name, shown, address)
        hashed = self._house.passwords.hash(asked.password)
        return Account(name=asked.name, role=role, created_at=clock.now(), password_hash=hashed, display_name=shown, email=address)

    # Whoever was invited, or lives here

    def register(self, asked: verbs.UserRegister, caller: Caller) -> Any:
        """Raises Unauthorised (by invitation only), WrongLogin (the code), Conflict (the name), BadRequest, TooManyTries."""
        self._house.tries.check(None, asked.address)
        invited = self._invitation(asked, caller)
        self._refuse_name(asked.name)
        account = self._new_account(asked, invited.role if invited else Role.MEMBER)
        with self._house.changing:
            self._refuse_name(asked.name)
            invited = self._invitation(asked, caller)
            rows: dict[str, Change] = {USERS: changed(account), **self._house.codes.spent(invited)}
            answer = self._house.begin_session(account, asked.agent, asked.address, rows)
        self._house.make_inbox(account.name)
        return answer

    def _invitation(self, asked: verbs.UserRegister, caller: Caller) -> Invited | None:
        """None where none is needed."""
        if not self._house.is_claimed:
            raise Conflict("this appliance has not been claimed yet: its first user comes in with the setup code")
        if asked.code is None:
            if self._house.settings.current.registration != "open":
                raise Unauthorised("accounts are made by invitation here; ask an admin for a code")
            return None
        invited = self._house.codes.invitation(asked.code)
        if invited is None:
            self._wrong_code(asked, caller, "ask the admin for a new one")
        return invited

    def _refuse_name(self, name: str) -> None:
        """A name that owns something would give it to whoever comes first: such a user only an admin adds."""
        house = self._house
        if house.users.get(name) or house.holdings.of(name).any or name == house.settings.current.default_owner:
            raise Conflict("this name is taken; choose another one")
        if len(house.users.all()) >= MOST_USERS:
            raise Conflict(f"there are {MOST_USERS} users already; ask an admin to remove some")

    # Everybody

    def login(self, asked: verbs.UserLogin, caller: Caller) -> Any:
        """Raises WrongLogin, after the same time and in the same words whatever is wrong; TooManyTries."""
        house, name = self._house, asked.name.strip().lower()
        account = house.users.get(name)
        house.tries.check(name, asked.address, known=asked.address in house.sessions.addresses(name))
        if not house.passwords.verify(asked.password, account.password_hash if account else None) or account is None:
            self._wrong_login(asked, name if account else None, caller)
        rehashed = self._rehashed(account, asked.password)
        with house.changing:
            now = house.users.get(name)
            if now is None or now.password_hash != account.password_hash:  # it was changed while we looked
                self._wrong_login(asked, name, caller)
            rows: dict[str, Change] = {USERS: changed(now, password_hash=rehashed)} if rehashed else {}
            return house.begin_session(now, asked.agent, asked.address, rows)

    def _wrong_login(self, asked: verbs.UserLogin, name: str | None, caller: Caller) -> NoReturn:
        self._house.tries.failed(asked.name.strip().lower(), asked.address)
        # A name that is none may be a password that was typed into the wrong field.
        self._house.audit.note(caller, asked.verb, f"name {name or '(unknown)'}{_where(asked.address, ', ')}", "wrong name or password")
        raise WrongLogin("name or password is wrong")

    def _rehashed(self, account: Account, password: str) -> str | None:
        known = account.password_hash
        return self._house.passwords.hash(password) if known and self._house.passwords.is_outdated(known) else None

    def logout(self, caller: Caller) -> None:
        if caller.session_id is not None:
            self._house.db.apply({SESSIONS: {caller.session_id: None}})

    def change_password(self, asked: verbs.UserPassword, caller: Caller) -> None:
        """Raises WrongLogin (the old one), BadRequest (the new one), TooManyTries."""
        house, account = self._house, self._house.person(caller)
        guessed = f"{account.name}/password"
        house.tries.check(guessed, None)
        if not house.passwords.verify(asked.old, account.password_hash):
            house.tries.failed(guessed, None)
            house.audit.note(caller, asked.verb, "", "wrong password")
            raise WrongLogin("the old password is wrong")
        check_new(asked.new, account.name, account.display_name, account.email)
        hashed = house.passwords.hash(asked.new)
        with house.changing:
            ended = house.sessions.ended(account.name, but=caller.session_id)
            now = house.users.find(account.name)
            house.db.apply({USERS: changed(now, password_hash=hashed), SESSIONS: ended})
        house.tries.succeeded(guessed)


def _where(address: str | None, before: str = "") -> str:
    return f"{before}from {address}" if address else ""
