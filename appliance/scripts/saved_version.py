"""One version of a script, and the script as all of its versions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from mqtt.script_answers import Version
from mqtt.script_messages import MAX_SOURCE_BYTES, Limits, Permission


class Facts(BaseModel):
    """What is said of a source beside its bytes."""

    model_config = ConfigDict(frozen=True)

    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=1000)] = ""
    permission: Permission = "read"
    limits: Limits = Limits()


class SavedVersion(Facts):
    """``saved_at`` is None where it came with the appliance."""

    version: Annotated[int, Field(ge=1)]
    saved_at: AwareDatetime | None
    saved_by: Annotated[str, Field(max_length=64)]
    size_bytes: Annotated[int, Field(ge=0, le=MAX_SOURCE_BYTES)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    @classmethod
    def of(cls, source: bytes, facts: Facts, **more: Any) -> SavedVersion:
        """Of these bytes. ``more``: version, saved_at, saved_by. Raises ValidationError."""
        told = {name: getattr(facts, name) for name in Facts.model_fields}
        return cls(**told, size_bytes=len(source), sha256=hashlib.sha256(source).hexdigest(), **more)

    def shown(self) -> Version:
        return Version(**{name: getattr(self, name) for name in Version.model_fields})


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedScript:
    """``versions``: those that are kept, the oldest first; never empty."""

    id: str
    versions: tuple[SavedVersion, ...]
    shipped: bool = False

    @property
    def newest(self) -> SavedVersion:
        return self.versions[-1]

    def find(self, version: int | None) -> SavedVersion | None:
        """None: the newest. Answers None where that version is not kept."""
        if version is None:
            return self.newest
        return next((each for each in self.versions if each.version == version), None)

    def to_document(self) -> dict[str, Any]:
        return {"versions": [each.model_dump(mode="json") for each in self.versions]}

    @classmethod
    def from_document(cls, script_id: str, document: Any) -> SavedScript | None:
        """None: what is there is no script; a catalog that was brought back is hostile input."""
        try:
            versions = tuple(SavedVersion.model_validate(each) for each in document["versions"])
        except (ValidationError, KeyError, TypeError):
            return None
        in_order = all(one.version < two.version for one, two in pairwise(versions))
        return cls(id=script_id, versions=versions) if versions and in_order else None
