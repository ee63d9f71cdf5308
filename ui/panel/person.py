"""Who is signed in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A user with a session. ``name`` is also the owner of that user's archives; ``session`` is a secret."""

    name: str
    display_name: str
    role: str
    session: str = field(repr=False)

    @property
    def admin(self) -> bool:
        return self.role == "admin"
