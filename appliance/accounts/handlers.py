"""What is asked of users."""

from __future__ import annotations

from typing import Any

from appliance import clock
from appliance.access import Caller
from appliance.accounts.giving import give
from appliance.accounts.household import Household
from appliance.accounts.people import People
from appliance.accounts.signing_in import SigningIn
from appliance.errors import SignedOut
from appliance.handlers.table import handles
from mqtt import user_verbs as verbs


class UserVerbs:
    """What people ask for about themselves and each other, and ``audit/query``."""

    def __init__(self, household: Household) -> None:
        self.household = household
        self._signing_in = SigningIn(household)
        self._people = People(household)

    # Coming in

    @handles(verbs.UserStanding)
    def user_standing(self, _asked: verbs.UserStanding, _caller: Caller) -> Any:
        settings = self.household.settings.current
        return {"claimed": self.household.is_claimed, "registration": settings.registration, "name": settings.home_assistant_name}

    @handles(verbs.UserSetupCode)
    def user_setup_code(self, _asked: verbs.UserSetupCode) -> Any:
        return self._signing_in.setup_code()

    @handles(verbs.UserClaim)
    def user_claim(self, asked: verbs.UserClaim, caller: Caller) -> Any:
        return self._signing_in.claim(asked, caller)

    @handles(verbs.UserRegister)
    def user_register(self, asked: verbs.UserRegister, caller: Caller) -> Any:
        return self._signing_in.register(asked, caller)

    @handles(verbs.UserLogin)
    def user_login(self, asked: verbs.UserLogin, caller: Caller) -> Any:
        return self._signing_in.login(asked, caller)

    @handles(verbs.UserLogout)
    def user_logout(self, _asked: verbs.UserLogout, caller: Caller) -> Any:
        self._signing_in.logout(caller)
        return {}

    # One's own

    @handles(verbs.UserMe)
    def user_me(self, _asked: verbs.UserMe, caller: Caller) -> Any:
        account = self.household.person(caller)
        session = self.household.sessions.get(caller.session_id or "")
        if session is None:
            raise SignedOut("the session has ended; sign in")
        return {"user": self.household.told(account), "session_id": session.id, "expires_at": clock.iso(session.expires_at)}

    @handles(verbs.UserSessions)
    def user_sessions(self, asked: verbs.UserSessions, caller: Caller) -> Any:
        return self._people.sessions(asked.name, caller)

    @handles(verbs.UserEndSession)
    def user_end_session(self, asked: verbs.UserEndSession, caller: Caller) -> Any:
        return self._people.end_sessions(asked, caller)

    @handles(verbs.UserProfile)
    def user_profile(self, asked: verbs.UserProfile, caller: Caller) -> Any:
        return self._people.profile(asked, caller)

    @handles(verbs.UserPassword)
    def user_password(self, asked: verbs.UserPassword, caller: Caller) -> Any:
        self._signing_in.change_password(asked, caller)
        return {}

    @handles(verbs.UserPicture)
    def user_picture(self, asked: verbs.UserPicture, caller: Caller) -> Any:
        return self._people.picture(asked.name, caller)

    # Everybody's

    @handles(verbs.UserList)
    def user_list(self, _asked: verbs.UserList) -> Any:
        return self._people.list()

    @handles(verbs.UserAdd)
    def user_add(self, asked: verbs.UserAdd) -> Any:
        return self._people.add(asked)

    @handles(verbs.UserPasswd)
    def user_passwd(self, asked: verbs.UserPasswd) -> Any:
        self._people.set_password(asked)
        return {}

    @handles(verbs.UserRole)
    def user_role(self, asked: verbs.UserRole) -> Any:
        return self._people.set_role(asked)

    @handles(verbs.UserRemove)
    def user_remove(self, asked: verbs.UserRemove) -> Any:
        self._people.remove(asked.name)
        return {}

    @handles(verbs.UserGive)
    def user_give(self, asked: verbs.UserGive) -> Any:
        return give(self.household, asked.from_owner, asked.to_owner)

    @handles(verbs.UserInvite)
    def user_invite(self, asked: verbs.UserInvite) -> Any:
        code, invited = self.household.codes.invite(asked.role)
        return {"id": invited.id, "code": code, "role": invited.role, "expires_at": clock.iso(invited.expires_at)}

    @handles(verbs.UserInvitations)
    def user_invitations(self, _asked: verbs.UserInvitations) -> Any:
        found = self.household.codes.invitations()
        return {
            "invitations": [
                {"id": each.id, "role": each.role, "created_at": clock.iso(each.created_at), "expires_at": clock.iso(each.expires_at)}
                for each in found
            ]
        }

    @handles(verbs.UserUninvite)
    def user_uninvite(self, asked: verbs.UserUninvite) -> Any:
        self.household.codes.uninvite(asked.id)
        return {}

    @handles(verbs.AuditQuery)
    def audit_query(self, asked: verbs.AuditQuery) -> Any:
        return {"lines": self.household.audit.newest(asked.limit)}
