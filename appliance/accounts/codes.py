"""Codes that are good once: for claiming the appliance, and for invitations. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance import clock
from appliance.accounts.ages import Ages
from appliance.accounts.sessions import Change
from appliance.catalog.journal import CatalogDB
from appliance.errors import Conflict
from mqtt.user_answers import Role

INVITATIONS, SETUP = "invitations", "setup"
SETUP_LASTS, INVITATION_LASTS = timedelta(days=1), timedelta(days=7)
MOST_INVITATIONS = 100
_SETUP_ID = "code"
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that is taken for another when it is read out or typed
_GROUPS, _GROUP = 4, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Invited:
    """An invitation that can still be used."""

    id: str
    role: Role
    created_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.created_at + INVITATION_LASTS


class Codes:
    """Making and finding them; who uses one up applies ``spent`` together with what it was good for."""

    def __init__(self, db: CatalogDB, ages: Ages) -> None:
        self._db = db
        self._ages = ages
        self._setup = db.table(SETUP)
        self._invitations = db.table(INVITATIONS)

    # The setup code

    def new_setup(self) -> tuple[str, datetime]:
        """The code, in place of the one before, and its end."""
        code, now = new_code(), clock.now()
        self._db.apply({SETUP: {_SETUP_ID: {"code_hash": hash_of_code(code), "created_at": clock.iso(now)}}})
        return code, now + SETUP_LASTS

    def is_setup(self, code: str) -> bool:
        row = self._setup.get(doc_id=_SETUP_ID)
        return row is not None and row["code_hash"] == hash_of_code(code) and not self._is_over(row, SETUP_LASTS)

    def setup_spent(self) -> dict[str, Change]:
        return {SETUP: {_SETUP_ID: None}}

    # Invitations

    def invite(self, role: Role) -> tuple[str, Invited]:
        """The code, and what it is good for. Raises Conflict where too many are open."""
        if len(self.invitations()) >= MOST_INVITATIONS:
            raise Conflict(f"{MOST_INVITATIONS} invitations are open already; take some of them back")
        code, invited = new_code(), Invited(id=secrets.token_hex(4), role=role, created_at=clock.now())
        row = {"code_hash": hash_of_code(code), "role": str(role), "created_at": clock.iso(invited.created_at)}
        self._db.apply({INVITATIONS: {invited.id: row}})
        return code, invited

    def invitation(self, code: str) -> Invited | None:
        """What the code is good for; None: it is wrong, was used, or has expired."""
        wanted = hash_of_code(code)
        found = next((key for key, row in self._invitations.items() if row["code_hash"] == wanted), None)
        return next((invited for invited in self.invitations() if invited.id == found), None)

    def invitations(self) -> list[Invited]:
        """The oldest first."""
        rows = ((key, row) for key, row in self._invitations.items() if not self._is_over(row, INVITATION_LASTS))
        found = (Invited(id=key, role=Role(row["role"]), created_at=clock.from_iso(row["created_at"])) for key, row in rows)
        return sorted(found, key=lambda invited: invited.created_at)

    def uninvite(self, invitation_id: str) -> None:
        self._db.apply({INVITATIONS: {invitation_id: None}})

    def spent(self, invited: Invited | None) -> dict[str, Change]:
        return {INVITATIONS: {invited.id: None}} if invited else {}

    def _is_over(self, row: dict[str, object], lasts: timedelta) -> bool:
        return self._ages.is_over(clock.from_iso(str(row["created_at"])), lasts)

    def expire(self) -> None:
        """Raises DiskFull, CatalogUnwritable."""
        tables = ((SETUP, self._setup, SETUP_LASTS), (INVITATIONS, self._invitations, INVITATION_LASTS))
        over = {name: dict.fromkeys(key for key, row in table.items() if self._is_over(row, lasts)) for name, table, lasts in tables}
        if any(over.values()):
            self._db.apply(over)


def new_code() -> str:
    """``XXXX-XXXX-XXXX-XXXX``: 78 random bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def hash_of_code(code: str) -> str:
    """The same for the same letters, however they are grouped. A plain hash does: nobody guesses 78 random bits."""
    letters = "".join(each for each in code.upper() if each.isalnum())
    return hashlib.sha256(letters.encode(errors="replace")).hexdigest()
