"""Sessions: a random token that only its bearer has; the catalog has its hash, under which the row stands."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance import clock
from appliance.accounts.ages import Ages
from appliance.catalog.journal import CatalogDB
from appliance.errors import ApplianceError

SESSIONS, SEEN = "sessions", "seen"
IDLE, LONGEST = timedelta(days=14), timedelta(days=90)
USED_EVERY = timedelta(hours=1)
"""How often a use is written down: an SD card wears."""
MOST_OF_A_USER = 20
_ADDRESSES = 8
MAX_TOKEN_CHARACTERS = 128
_TOKEN_BYTES, _ID_DIGITS = 32, 16
Change = dict[str, dict[str, Any] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """``dated``: its times were taken when the clock could be believed; until then it does not age."""

    key: str
    user: str
    device: str
    address: str | None
    created_at: datetime
    used_at: datetime
    dated: bool = True

    @property
    def id(self) -> str:
        """What it is called; no way leads from here to the token."""
        return self.key[:_ID_DIGITS]

    @property
    def expires_at(self) -> datetime:
        return min(self.created_at + LONGEST, self.used_at + IDLE)

    def to_document(self) -> dict[str, Any]:
        row = {
            "user": self.user, "device": self.device, "created_at": clock.iso(self.created_at), "used_at": clock.iso(self.used_at),
            "address": self.address, "dated": self.dated,
        }  # fmt: skip
        return {key: value for key, value in row.items() if value is not None}

    @classmethod
    def from_document(cls, key: str, row: Mapping[str, Any]) -> Session:
        return cls(
            key=key, user=row["user"], device=row["device"], address=row.get("address"), dated=row["dated"],
            created_at=clock.from_iso(row["created_at"]), used_at=clock.from_iso(row["used_at"]),
        )  # fmt: skip


class Sessions:
    """Thread-safe: each change is one record of the catalog."""

    def __init__(self, db: CatalogDB, ages: Ages) -> None:
        self._db = db
        self._ages = ages
        self._table = db.table(SESSIONS)

    def begun(self, user: str, device: str, address: str | None) -> tuple[str, Session, dict[str, Change]]:
        """Token, session, and the change with which it begins; of too many the ones that were used longest ago end."""
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), clock.now()
        session = Session(
            key=_key(token), user=user, device=device, address=address, created_at=now, used_at=now, dated=self._ages.trusted()
        )
        rows: Change = {old.key: None for old in self.of(user)[MOST_OF_A_USER - 1 :]}
        return token, session, {SESSIONS: {**rows, session.key: session.to_document()}, SEEN: {user: self._seen(user, address)}}

    def _seen(self, user: str, address: str | None) -> dict[str, Any]:
        before = [] if address is None else [each for each in self.addresses(user) if each != address]
        return {"at": clock.iso(clock.now()), "addresses": [address, *before][:_ADDRESSES] if address else self.addresses(user)}

    def addresses(self, user: str) -> list[str]:
        """Where the user has signed in from lately, the last one first."""
        return list((self._db.table(SEEN).get(doc_id=user) or {}).get("addresses", []))

    def last_seen_at(self, user: str) -> datetime | None:
        row = self._db.table(SEEN).get(doc_id=user)
        return clock.from_iso(row["at"]) if row else None

    def find(self, token: str) -> Session | None:
        """The session of that token, where it has not ended; that it was used is noted now and then."""
        session = self.get(_key(token)) if len(token) <= MAX_TOKEN_CHARACTERS else None
        if session is None or self.is_over(session):
            return None
        self._note_use(session)
        return session

    def get(self, key: str) -> Session | None:
        row = self._table.get(doc_id=key)
        return Session.from_document(key, row) if row else None

    def is_over(self, session: Session) -> bool:
        if not session.dated:
            return False
        return self._ages.is_over(session.used_at, IDLE) or self._ages.is_over(session.created_at, LONGEST)

    def _note_use(self, session: Session) -> None:
        """One that began before the clock was right begins now, as far as its age is concerned."""
        now = clock.now()
        if not self._ages.trusted() or (session.dated and now - session.used_at < USED_EVERY):
            return
        begun = {} if session.dated else {"created_at": clock.iso(now), "dated": True}
        # A full disk must not sign anybody out; and what has ended meanwhile must not come back, so the row is changed, not put.
        with contextlib.suppress(ApplianceError, KeyError):
            self._table.update({"used_at": clock.iso(now), **begun}, doc_ids=[session.key])
            self._db.apply({SEEN: {session.user: self._seen(session.user, None)}})

    def of(self, user: str) -> list[Session]:
        """Those that have not ended, the last used first."""
        found = (Session.from_document(key, row) for key, row in self._table.items() if row["user"] == user)
        return sorted((each for each in found if not self.is_over(each)), key=lambda each: each.used_at, reverse=True)

    def is_called(self, key: str, session_id: str) -> bool:
        return key[:_ID_DIGITS] == session_id

    def ended(self, user: str, *, but: str | None = None) -> Change:
        """The change that ends all of a user's, but the one of that key."""
        return {key: None for key, row in self._table.items() if row["user"] == user and key != but}

    def expire(self) -> None:
        """Rows of sessions that are over go. Raises DiskFull, CatalogUnwritable."""
        over = [key for key, row in self._table.items() if self.is_over(Session.from_document(key, row))]
        if over:
            self._db.apply({SESSIONS: dict.fromkeys(over)})


def _key(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
