"""Messages that no one of good will sends: malformed, oversized, deeply nested, of wrong types, made to disturb logs and terminals."""

from __future__ import annotations

import json
import random
import unicodedata
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mqtt.commands import COMMANDS
from mqtt.contract import Login
from mqtt.matching import is_topic
from mqtt.verbs import VERBS

FORGED = "2026-11-22 10:00:00,000 ERROR   appliance: forged"
STRINGS = [
    "", " ", "x" * 5000, f"a\n{FORGED}", f"\r\n{FORGED}\r\n", "\x1b[2J\x1b]0;title\x07", "\x9b31m", "\u202egnp.exe", "\u2028\u2029\x85",
    "\0", "\ud800", "../../etc/passwd", "/dev/zero", "-rf", "$(reboot)", "%s%n%d", "{0}{x!r}", "null", "ÿ" * 300, "👩‍👩‍👧" * 50,
    "<script>alert(1)</script>", "'; DROP TABLE archives; --", "a/b", "+", "#", "\\", '"', "\\u0000", "ﷺ" * 1000, "e\u0301" * 500,
]  # fmt: skip
NUMBERS = [0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 1.5, -0.0, 1e308, 5e-324]
NOT_JSON = [
    b"", b"\0", b"\xff\xfe\xfd", b"\xef\xbb\xbf{}", b"{", b"}", b"[]", b"null", b"true", b"1", b'"x"', b"NaN", b"Infinity", b"1e999999",
    b"9" * 5000, b"-" + b"9" * 5000, b'{"a": 1,}', b"{'a': 1}", b'{"a"}', b"\xc0\xae\xc0\xae", b"\xed\xa0\x80", b"{}" * 1000, b"ON",
    b"PRESS\n", b"[" * 10_000, b'{"a":' * 10_000, b"[" * 10_000 + b"]" * 10_000, b"offline", b'{"transaction": ' + b"9" * 4301 + b"}",
]  # fmt: skip
AFTER_A_TRANSACTION = [
    b'"x": NaN', b'"x": Infinity', b'"x": -Infinity', b'"x": 1e999', b'"x": ' + b"9" * 4301, b'"x": ' + b"[" * 10_000 + b"]" * 10_000,
    b'"x": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'"x": ' + b"[" * 40 + b"]" * 40, b'"x": \xff', b'"x"', b'"x": 1, "x": 2',
    b'"x": "' + b"y" * 262_144 + b'"', b'"x": [' + b"0," * 140_000 + b"0]", b'"archive": 1, "archive": [], "archive": {}',
]  # fmt: skip
TRANSACTIONS: list[Any] = ["", "x" * 129, "x" * 100_000, 1, None, True, [], {}, f"t\n{FORGED}", "\x1b[2J", "\0", "\ud800", "t" * 127 + "\n"]
READING = {
    "archive/list", "archive/show", "archive/batches", "archive/locate", "transfer/list", "connection/list", "connection/show",
    "recovery/state", "integrity/tombstones", "integrity/job", "settings/get", "log/query", "archive/upload", "user/standing", "user/me",
    "user/sessions", "user/picture", "user/list", "user/invitations", "audit/query",
}  # fmt: skip
"""Verbs that may be asked by chance: they change nothing."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """``transaction``: what has to be answered with an error; None: nothing has to."""

    topic: str
    payload: bytes
    retain: bool
    transaction: str | None = None


class Generator:
    """Seeded. ``filters``: what the appliance subscribes to. ``control``: topics with control characters, which Mosquitto does not take."""

    def __init__(self, seed: int, filters: list[str], *, control: bool) -> None:
        self._control = control
        self.random = random.Random(seed)
        self._filters = sorted(set(filters))
        self._count = 0

    def message(self) -> Hostile:
        topic = self.topic(self.random.choice(self._filters))
        payload, transaction = self.payload(topic)
        if any(topic.endswith(command.topic) and command.allows(payload) for command in COMMANDS.values()):
            payload += b"!"
        retain = self.random.random() < 0.05
        if "/request/" not in topic or retain:
            transaction = None
        return Hostile(topic, payload, retain, transaction)

    def topic(self, topic_filter: str) -> str:
        """One that the filter means."""
        parts = [self._level(topic_filter) if part in {"+", "#"} else part for part in topic_filter.split("/")]
        topic = "/".join(parts)
        return topic if self._can_be_sent(topic) else topic_filter.replace("+", "cli").replace("#", "x")

    def _can_be_sent(self, topic: str) -> bool:
        refused = {"Cs"} if self._control else {"Cs", "Cc"}
        return is_topic(topic) and not any(unicodedata.category(character) in refused for character in topic)

    def _level(self, topic_filter: str) -> str:
        known = [*VERBS, *(name.value for name in COMMANDS), *(login.value for login in Login)]
        if topic_filter.endswith("request/+/#") and self.random.random() < 0.8:
            return f"{self.random.choice([*Login])}/{self.random.choice([*VERBS])}"
        return str(self.random.choice([*known, "cli/archive/list", "", *STRINGS]))[:1000]

    def payload(self, topic: str) -> tuple[bytes, str | None]:
        makers = (self._junk, self._wrong, self._wrong, self._cut_off, self._bad_transaction)
        return self.random.choice(makers)(topic)

    def _next(self) -> str:
        self._count += 1
        return f"fuzz-{self._count}"

    def _junk(self, _topic: str) -> tuple[bytes, str | None]:
        if self.random.random() < 0.5:
            return self.random.choice(NOT_JSON), None
        return self.random.randbytes(self.random.choice([1, 10, 100, 5000])), None

    def _wrong(self, topic: str) -> tuple[bytes, str | None]:
        """A request that is JSON, and wrong."""
        verb = topic.rsplit("/request/", maxsplit=1)[-1].partition("/")[2]
        transaction, asked = self._next(), self.parameters(verb)
        text = json.dumps({"transaction": transaction, **asked})
        return text.encode(), transaction

    def parameters(self, verb: str) -> dict[str, Any]:
        fields = VERBS[verb].model_fields if verb in VERBS else {"x": None}
        asked = {name: self.value(3) for name in fields if self.random.random() < 0.8}
        if verb not in READING and is_valid(verb, asked):
            asked["unknown"] = self.value(1)
        return asked

    def value(self, depth: int) -> Any:
        kind = self.random.random()
        if kind < 0.15 and depth:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        if kind < 0.3 and depth:
            return {self.random.choice(STRINGS): self.value(depth - 1) for _ in range(self.random.randrange(4))}
        return self.random.choice([None, True, False, *NUMBERS, *STRINGS])

    def _cut_off(self, _topic: str) -> tuple[bytes, str | None]:
        transaction = self._next()
        return b'{"transaction": "' + transaction.encode() + b'", ' + self.random.choice(AFTER_A_TRANSACTION) + b"}", transaction

    def _bad_transaction(self, _topic: str) -> tuple[bytes, str | None]:
        return json.dumps({"transaction": self.random.choice(TRANSACTIONS), "unknown": self.value(1)}).encode(), None


def is_valid(verb: str, asked: dict[str, Any]) -> bool:
    """It would be carried out."""
    if verb not in VERBS:
        return False
    try:
        VERBS[verb].model_validate(asked)
    except ValidationError:
        return False
    return True
