"""Who may ask for what. MQTT does not tell who published, so the topic does: the broker binds its login to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from appliance.errors import Unauthorised

Decide = Callable[[str, Mapping[str, Any]], None]


def check(login: str, verb: str, parameters: Mapping[str, Any]) -> None:
    """Returns where that login may ask for that. Raises Unauthorised, whatever the verb: who may ask nothing learns nothing."""
    _DECIDES.get(login, _refuse_stranger)(verb, parameters)


def _admin(_verb: str, _parameters: Mapping[str, Any]) -> None:
    """The password is readable by root and by who administers; whoever has it may do everything."""


def _by_session(_verb: str, _parameters: Mapping[str, Any]) -> None:
    raise Unauthorised("the panel asks for a user who is signed in, and this version has no accounts yet; use `pyarchive` instead")


def _by_run(_verb: str, _parameters: Mapping[str, Any]) -> None:
    raise Unauthorised("a script asks with the id of its run, and this version runs no scripts yet; use `pyarchive` instead")


def _refuse_stranger(_verb: str, _parameters: Mapping[str, Any]) -> None:
    raise Unauthorised("this login may not ask for anything; ask as `cli`, with the login in DATA/client.toml")


_DECIDES: dict[str, Decide] = {"cli": _admin, "panel": _by_session, "scripts": _by_run}
