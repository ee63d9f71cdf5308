"""What all request verbs are made of, and who may ask for each."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from mqtt.verb_answers import Nothing

VERBS: dict[str, type[Verb]] = {}


class Access(StrEnum):
    """Who may ask for a verb, at the least. `cli` is an admin."""

    ANYONE = "anyone"
    MEMBER = "member"
    OWN = "own"
    HANDED_IN = "handed in"
    ADMIN = "admin"


class Verb(BaseModel):
    """Parameters of one request verb. ``answer``: the type of the data that it answers. ``audited``: it stands in the audit trail.

    ``looks``: it only looks, whatever its parameters. ``for_scripts``: a running script may ask for it, if its permission allows that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    verb: ClassVar[str] = ""
    answer: ClassVar[Any] = Nothing
    access: ClassVar[Access] = Access.ADMIN
    audited: ClassVar[bool] = False
    looks: ClassVar[bool] = False
    for_scripts: ClassVar[bool] = True

    def __init_subclass__(
        cls, verb: str = "", answer: Any = Nothing, access: Access = Access.ADMIN, audited: bool = False, looks: bool = False,
        for_scripts: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init_subclass__(**kwargs)
        if verb:
            cls.verb, cls.answer, cls.access, cls.audited, cls.looks, cls.for_scripts = verb, answer, access, audited, looks, for_scripts
            VERBS[verb] = cls

    def changes(self) -> bool:
        """Does this request change anything? Decided with its parameters: what is a dry run only looks."""
        return not self.looks


class OfArchive(Verb):
    """Of one archive: an id, a unique prefix of one, or a unique title."""

    archive: str = Field(min_length=1, max_length=4096)


class OfConnection(Verb):
    """Of one connection: an id, a unique prefix of one, or its name."""

    connection: str = Field(min_length=1, max_length=256)
