"""The table of users, by name. What happens often (when one was last seen) and what is large (pictures) has tables of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.errors import NotFound
from mqtt.user_answers import Role

USERS = "users"
Change = dict[str, dict[str, Any] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """``password_hash`` is None where nobody can sign in: after a recovery, or until an admin has set a password."""

    name: str
    role: Role
    created_at: datetime
    display_name: str | None = None
    email: str | None = None
    password_hash: str | None = None

    @property
    def can_sign_in(self) -> bool:
        return self.password_hash is not None

    def __repr__(self) -> str:
        return f"Account({self.name}, {self.role})"

    def to_document(self) -> dict[str, Any]:
        fields = {
            "role": str(self.role), "created_at": clock.iso(self.created_at), "display_name": self.display_name, "email": self.email,
            "password_hash": self.password_hash,
        }  # fmt: skip
        return {key: value for key, value in fields.items() if value is not None}

    @classmethod
    def from_document(cls, name: str, row: Mapping[str, Any]) -> Account:
        """Fields of a later version are passed over. Raises KeyError, TypeError, ValueError on a document that is none."""
        optional = {key: str(row[key]) for key in ("display_name", "email", "password_hash") if row.get(key) is not None}
        return cls(name=name, role=Role(row["role"]), created_at=clock.from_iso(row["created_at"]), **optional)


class Users:
    """Reading, and the documents of changes; whoever changes applies them together with what belongs to it."""

    def __init__(self, db: CatalogDB) -> None:
        self._table = db.table(USERS)

    def get(self, name: str) -> Account | None:
        row = self._table.get(doc_id=name)
        return Account.from_document(name, row) if row else None

    def find(self, name: str) -> Account:
        """Raises NotFound."""
        account = self.get(name)
        if account is None:
            raise NotFound(f"there is no user {name[:64]!r}; `pyarchive user list` shows all")
        return account

    def all(self) -> list[Account]:
        """By name."""
        return sorted((Account.from_document(name, row) for name, row in self._table.items()), key=lambda account: account.name)

    def admins_who_can_sign_in(self) -> list[str]:
        return [account.name for account in self.all() if account.role is Role.ADMIN and account.can_sign_in]


def changed(account: Account, **fields: Any) -> Change:
    """The document of the account with other fields."""
    return {account.name: replace(account, **fields).to_document()}
