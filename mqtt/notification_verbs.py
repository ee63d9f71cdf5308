"""The request verbs of notifications: whom to tell when nobody looks. An address is a secret: it is taken, and never shown."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mqtt.message import Message
from mqtt.verb import Verb


class NotificationTarget(Message):
    """Somebody who is told. Of the address only what is no secret."""

    id: str
    name: str
    kind: str = Field(description="The service, in words")
    host: str | None = Field(description="Where it is; none where the address tells nothing that may be shown")
    added_at: datetime = Field(description="When it was added")
    sent_at: datetime | None = Field(description="When it last took a message, since the start")
    error: str | None = Field(description="Why it did not take the last one, in words")
    next_try_at: datetime | None
    waiting: int = Field(description="Messages that wait for it")


class NotificationPage(Message):
    targets: list[NotificationTarget] = Field(description="In the order in which they were added")


class _OfTarget(Verb):
    id: str = Field(min_length=1, max_length=32)


class NotificationList(Verb, verb="notification/list", answer=NotificationPage, looks=True, for_scripts=False):
    """Whom the appliance tells, and how that goes."""


class NotificationAdd(Verb, verb="notification/add", answer=NotificationTarget, audited=True, for_scripts=False):
    """Tell somebody from now on. Nothing is sent yet: see notification/test. Error bad_request: an address that cannot be used."""

    url: str = Field(
        min_length=1, max_length=2048, repr=False,
        description="As the library apprise writes it: ntfy://ntfy.sh/topic, mailtos://user:password@host?to=…, jsons://host/path, …",
    )  # fmt: skip
    name: str | None = Field(default=None, min_length=1, max_length=64, description="None: made of kind and host")


class NotificationRemove(_OfTarget, verb="notification/remove", audited=True, for_scripts=False):
    """Tell it nothing more; what waits for it is dropped."""


class NotificationTest(_OfTarget, verb="notification/test", for_scripts=False):
    """Send a word to it now. May take 30 s. Error notification_failed: with the reason."""
