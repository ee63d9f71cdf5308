"""docs/asyncapi.yaml as a program reads it: which channel a topic belongs to, and whether a payload is as it says there."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator, FormatChecker

ROOT = Path(__file__).resolve().parent.parent.parent
ASYNCAPI = ROOT / "docs" / "asyncapi.yaml"

_formats = FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_utc(text: object) -> bool:
    return not isinstance(text, str) or (text.endswith("Z") and datetime.fromisoformat(text).tzinfo is not None)


class Published:
    """``strict``: fields that are not in the document are an error too, although readers have to put up with them."""

    def __init__(self, *, strict: bool = True) -> None:
        self.document: Any = yaml.safe_load(ASYNCAPI.read_text())
        self.schemas = self.document["components"]["schemas"]
        if strict:
            _close(self.schemas)
        self._patterns = [(name, _pattern(channel["address"])) for name, channel in self.document["channels"].items()]
        self._validators: dict[str, Draft7Validator] = {}

    def channel_of(self, topic: str) -> str | None:
        """Name of the channel; None where the document has none for this topic."""
        found = [name for name, pattern in self._patterns if pattern.fullmatch(topic)]
        assert len(found) <= 1, (topic, found)
        return found[0] if found else None

    def channel(self, name: str) -> Any:
        return self.document["channels"][name]

    def is_retained(self, name: str) -> bool:
        return bool(self.channel(name)["x-retained"])

    def is_said_to_stay(self, topic: str) -> bool:
        """Of a topic that is in the document: who comes late is told of it."""
        name = self.channel_of(topic)
        return name is not None and self.is_retained(name)

    def complaints(self, name: str, payload: bytes) -> list[str]:
        """What is wrong with a payload on that channel; empty where nothing is."""
        message = self.document["components"]["messages"][name]
        if message.get("contentType") == "text/plain":
            text = payload.decode()
            return [] if re.search(message["payload"]["pattern"], text) else [f"{text[:80]!r} is not allowed"]
        return [error.message[:500] for error in self.validator(name).iter_errors(json.loads(payload))]

    def validator(self, name: str) -> Draft7Validator:
        if name not in self._validators:
            payload = self.document["components"]["messages"][name]["payload"]
            schema = {**payload, "components": {"schemas": self.schemas}}
            if "$ref" in payload:  # beside $ref nothing counts in draft 7
                schema = {"allOf": [payload], "components": {"schemas": self.schemas}}
            self._validators[name] = Draft7Validator(schema, format_checker=_formats)
        return self._validators[name]


def _pattern(address: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(address)))


def _close(schemas: Any) -> None:
    for schema in schemas.values():
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
