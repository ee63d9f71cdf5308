"""What the verbs of users and sessions answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from mqtt.message import Message


class Role(StrEnum):
    """What a user may do."""

    ADMIN = "admin"
    MEMBER = "member"


class User(Message):
    """A person with an account; the name is also the owner of archives."""

    name: str
    display_name: str = Field(description="As the person is called; the name where nothing else was said")
    email: str | None
    role: Role
    created_at: datetime
    last_seen_at: datetime | None = Field(description="To the hour; none: never signed in")
    can_sign_in: bool = Field(description="There is a password; after a recovery an admin has to set one")
    archives: int = Field(description="That the user owns; removed ones that can be taken back are not counted")
    bytes: int = Field(description="The size of those archives")


class Standing(Message):
    """What whoever is not signed in may know."""

    claimed: bool = Field(description="There is an admin who can sign in; until then the setup code makes one")
    registration: Literal["invitation", "open"]
    name: str = Field(description="What the appliance is called in the house")


class Code(Message):
    """A code that is good once. It is told only here: the appliance keeps its hash."""

    code: str = Field(repr=False)
    expires_at: datetime


class SignedIn(Message):
    session: str = Field(repr=False, description="The session's token: a secret; it goes with each request of the login `panel`")
    user: User
    expires_at: datetime = Field(description="Without use; each use moves it on, up to the session's longest life")


class Me(Message):
    user: User
    session_id: str
    expires_at: datetime


class Session(Message):
    """A session that has not ended."""

    id: str = Field(description="For user/end-session")
    device: str = Field(description="What was signed in with, as far as that is known")
    address: str | None
    created_at: datetime
    used_at: datetime = Field(description="To the hour")
    expires_at: datetime
    current: bool = Field(description="It is the one that asks")


class SessionList(Message):
    sessions: list[Session] = Field(description="The last used first")


class Ended(Message):
    sessions: int = Field(description="How many sessions were ended")


class UserList(Message):
    users: list[User] = Field(description="By name")
    others: list[OwnerWithoutAccount] = Field(description="Who owns archives and has no account: admins alone see those")


class OwnerWithoutAccount(Message):
    name: str
    archives: int
    bytes: int


class Given(Message):
    archives: int = Field(description="How many were given by this request")
    left: int = Field(description="How many are left: ask again until there are none")


class Invited(Message):
    id: str = Field(description="For user/uninvite")
    code: str = Field(repr=False, description="It is told only here: the appliance keeps its hash")
    role: Role
    expires_at: datetime


class Invitation(Message):
    id: str
    role: Role
    created_at: datetime
    expires_at: datetime


class InvitationList(Message):
    invitations: list[Invitation] = Field(description="That were not used yet, the oldest first")


class Picture(Message):
    media_type: Literal["image/png", "image/jpeg", "image/webp"]
    base64: str


class AuditLine(Message):
    """One act that somebody did, or tried."""

    at: datetime
    login: str = Field(description="Through which login at the broker")
    user: str | None = Field(description="Who; none: no person, or not known yet")
    what: str = Field(description="The verb")
    about: str = Field(description="What it was about; never a secret")
    outcome: str = Field(description="`ok`, or why not")


class AuditPage(Message):
    lines: list[AuditLine] = Field(description="The newest first")
