"""What all payloads are made of."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A payload. Subclasses that have a topic name it below the base, with its variables in braces."""

    model_config = ConfigDict(extra="ignore", frozen=True, ser_json_timedelta="float")
    topic: ClassVar[str] = ""
    retain: ClassVar[bool] = False

    def __init_subclass__(cls, topic: str = "", retain: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.topic = topic
        cls.retain = retain

    def payload(self) -> bytes:
        return self.model_dump_json().encode()
