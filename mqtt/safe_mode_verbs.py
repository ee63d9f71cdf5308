"""The request verbs of safe mode: is it on, and its end."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mqtt.message import Message
from mqtt.verb import Verb


class SafeModeState(Message):
    """``minimal``: not even the catalog could be read; then the appliance is not online, and answers this request alone."""

    mode: Literal["full", "safe", "minimal"] = Field(description="What was started: everything, all but what works, or next to nothing")
    reason: str | None = Field(description="Why, in words; none where the mode is full")
    next_step: str | None = Field(description="What a person does about it")


class SafeModeShow(Verb, verb="safe-mode/show", answer=SafeModeState, looks=True, for_scripts=False):
    """Whether the appliance does everything it should, or is held back after repeated crashes."""


class SafeModeEnd(Verb, verb="safe-mode/end", audited=True, for_scripts=False):
    """Begin anew, with everything. Nothing happens where it is not on. Safe to repeat."""
