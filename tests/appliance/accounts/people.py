"""People with accounts, and what each asks through the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.app import answer
from tests.inside import Inside

PASSWORD = "a long walk home"


@dataclass(slots=True)
class Person:
    """``session``: what the panel sends along."""

    inside: Inside
    name: str
    session: str

    def ask(self, verb: str, **parameters: Any) -> Any:
        return answer(self.inside.app, "panel", verb, {**parameters, "session": self.session})


def panel(inside: Inside, verb: str, **parameters: Any) -> Any:
    """Asked by nobody in particular."""
    return answer(inside.app, "panel", verb, parameters)


def claimed(inside: Inside, name: str = "carla") -> Person:
    """The first admin."""
    code = inside.ask("user/setup-code")["code"]
    return Person(inside, name, panel(inside, "user/claim", code=code, name=name, password=PASSWORD)["session"])


def joined(inside: Inside, name: str, role: str = "member") -> Person:
    """A user that an admin has added, signed in."""
    inside.ask("user/add", name=name, role=role, password=PASSWORD)
    return signed_in(inside, name)


def signed_in(inside: Inside, name: str, password: str = PASSWORD, **more: Any) -> Person:
    return Person(inside, name, panel(inside, "user/login", name=name, password=password, **more)["session"])
