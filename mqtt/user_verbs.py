"""The request verbs of users and their sessions.

``address`` is where the person's browser is, as the panel sees it; ``agent`` is what that browser says it is.
Passwords and codes are in no log, no topic but the request's own, and no error.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mqtt import user_answers as answers
from mqtt.user_answers import Role
from mqtt.verb import Access, Verb

UserName = Annotated[str, Field(min_length=1, max_length=64)]
Password = Annotated[str, Field(min_length=1, max_length=1024)]
OneTimeCode = Annotated[str, Field(min_length=1, max_length=64)]


class _FromBrowser(Verb):
    address: str | None = Field(default=None, max_length=64, description="Where the browser is, as the panel sees it")
    agent: str | None = Field(default=None, max_length=1024, description="What the browser says it is")


class _OfPerson(Verb):
    display_name: str | None = Field(default=None, max_length=128)
    email: str | None = Field(default=None, max_length=254)


class UserStanding(Verb, verb="user/standing", answer=answers.Standing, access=Access.ANYONE, looks=True, for_scripts=False):
    """Whether the appliance has been claimed, and who may register."""


class UserSetupCode(Verb, verb="user/setup-code", answer=answers.Code, audited=True, for_scripts=False):
    """A new setup code, in place of the one before. Error conflict: the appliance has been claimed."""


class UserClaim(_FromBrowser, _OfPerson, verb="user/claim", answer=answers.SignedIn, access=Access.ANYONE, audited=True, for_scripts=False):
    """Make the first admin, with the setup code. Errors: conflict (it has been claimed), wrong_login (the code), too_many_tries."""

    code: OneTimeCode = Field(repr=False)
    name: UserName
    password: Password = Field(repr=False)


class UserLogin(_FromBrowser, verb="user/login", answer=answers.SignedIn, access=Access.ANYONE, audited=True, for_scripts=False):
    """Begin a session. Errors: wrong_login, whichever of both is wrong; too_many_tries, with how long to wait."""

    name: UserName
    password: Password = Field(repr=False)


class UserLogout(Verb, verb="user/logout", access=Access.ANYONE, audited=True, for_scripts=False):
    """End the session that asks. Safe to repeat."""


class UserMe(Verb, verb="user/me", answer=answers.Me, access=Access.MEMBER, looks=True, for_scripts=False):
    """Whose session it is that asks. Error signed_out: it has ended."""


class UserSessions(Verb, verb="user/sessions", answer=answers.SessionList, access=Access.MEMBER, looks=True, for_scripts=False):
    """One's own sessions; an admin may name somebody else."""

    name: UserName | None = None


class UserEndSession(Verb, verb="user/end-session", answer=answers.Ended, access=Access.MEMBER, audited=True, for_scripts=False):
    """End one session; without ``id`` all but the one that asks. An admin may name somebody else."""

    id: str | None = Field(default=None, max_length=64)
    name: UserName | None = None


class UserProfile(_OfPerson, verb="user/profile", answer=answers.User, access=Access.MEMBER, audited=True, for_scripts=False):
    """Change one's own profile. What is left out stays; an empty text takes it away."""

    picture: str | None = Field(default=None, max_length=100_000, repr=False, description="PNG, JPEG or WebP of at most 64 KiB, in base64")


class UserPassword(Verb, verb="user/password", access=Access.MEMBER, audited=True, for_scripts=False):
    """Change one's own password; all other sessions end. Errors: wrong_login (the old one), bad_request (the new one), too_many_tries."""

    old: Password = Field(repr=False)
    new: Password = Field(repr=False)


class UserPicture(Verb, verb="user/picture", answer=answers.Picture, access=Access.MEMBER, looks=True, for_scripts=False):
    """One's own picture; an admin may name somebody else. Error not_found: there is none."""

    name: UserName | None = None


class UserList(Verb, verb="user/list", answer=answers.UserList, looks=True, for_scripts=False):
    """All users, and who owns archives without being one."""


class UserAdd(_OfPerson, verb="user/add", answer=answers.User, audited=True, for_scripts=False):
    """A new user. Without a password nobody can sign in as that user until user/passwd sets one."""

    name: UserName
    role: Role = Role.MEMBER
    password: Password | None = Field(default=None, repr=False)


class UserPasswd(Verb, verb="user/passwd", audited=True, for_scripts=False):
    """Set somebody's password; that user's sessions end, and waits for wrong tries too."""

    name: UserName
    password: Password = Field(repr=False)


class UserRole(Verb, verb="user/role", answer=answers.User, audited=True, for_scripts=False):
    """Change what a user may do; it holds at once. Error refused: the last admin who can sign in stays one."""

    name: UserName
    role: Role


class UserRemove(Verb, verb="user/remove", audited=True, for_scripts=False):
    """Remove a user. Error refused: the user owns archives, also removed ones or files on their way in, or is the last admin."""

    name: UserName


class UserGive(Verb, verb="user/give", answer=answers.Given, audited=True, for_scripts=False):
    """Give all archives of one owner to a user, removed ones too.

    The manifests on the remotes follow. It takes a few seconds at most at once: ask again until nothing is left.
    """

    from_owner: UserName
    to_owner: UserName


class UserInvite(Verb, verb="user/invite", answer=answers.Invited, audited=True, for_scripts=False):
    """A code with which one person may register."""

    role: Role = Role.MEMBER


class UserInvitations(Verb, verb="user/invitations", answer=answers.InvitationList, looks=True, for_scripts=False):
    """Those that can still be used."""


class UserUninvite(Verb, verb="user/uninvite", audited=True, for_scripts=False):
    """Take an invitation back. Safe to repeat."""

    id: str = Field(max_length=64)


class UserRegister(
    _FromBrowser, _OfPerson, verb="user/register", answer=answers.SignedIn, access=Access.ANYONE, audited=True, for_scripts=False
):
    """Make an account for oneself: with an invitation's code, or without one where the setting ``registration`` is ``open``.

    Errors: wrong_login (the code), conflict (the name is taken), unauthorised (registration is by invitation), too_many_tries.
    """

    code: OneTimeCode | None = Field(default=None, repr=False)
    name: UserName
    password: Password = Field(repr=False)


class AuditQuery(Verb, verb="audit/query", answer=answers.AuditPage, looks=True, for_scripts=False):
    """The newest acts: who did what, and when. The last 2,000 are kept."""

    limit: int = Field(default=100, ge=1, le=500)
