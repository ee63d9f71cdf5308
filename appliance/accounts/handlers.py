"""The request verbs of users: a table from verb to what is done and answered."""

from __future__ import annotations

from typing import Any

from appliance.access import Caller
from appliance.accounts.household import Household
from appliance.accounts.signing_in import SigningIn
from appliance.errors import SignedOut
from appliance.handlers.table import handles
from mqtt import user_answers as answers
from mqtt import user_verbs as verbs


class UserVerbs:
    """What people ask for about themselves and each other."""

    def __init__(self, household: Household) -> None:
        self.household = household
        self._signing_in = SigningIn(household)

    @handles(verbs.UserStanding)
    def user_standing(self, _asked: verbs.UserStanding, _caller: Caller) -> Any:
        settings = self.household.settings.current
        return {"claimed": self.household.is_claimed, "registration": settings.registration, "name": settings.home_assistant_name}

    @handles(verbs.UserSetupCode)
    def user_setup_code(self, _asked: verbs.UserSetupCode) -> Any:
        return self._signing_in.setup_code()

    @handles(verbs.UserClaim)
    def user_claim(self, asked: verbs.UserClaim, _caller: Caller) -> Any:
        return self._signing_in.claim(asked)

    @handles(verbs.UserLogin)
    def user_login(self, asked: verbs.UserLogin, _caller: Caller) -> Any:
        return self._signing_in.login(asked)

    @handles(verbs.UserLogout)
    def user_logout(self, _asked: verbs.UserLogout, caller: Caller) -> Any:
        self._signing_in.logout(caller)
        return {}

    @handles(verbs.UserMe)
    def user_me(self, _asked: verbs.UserMe, caller: Caller) -> Any:
        session = self.household.sessions.get(caller.session_id) if caller.session_id else None
        if caller.user is None or session is None:
            raise SignedOut("this login is no person; ask with a session")
        user = self.household.told(self.household.users.find(caller.user))
        return answers.Me(user=user, session_id=session.id, expires_at=session.expires_at).model_dump(mode="json")
