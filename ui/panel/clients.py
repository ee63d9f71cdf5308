"""A page of NiceGUI belongs to the session that it was rendered for.

NiceGUI takes messages for any page whose id they name, from any websocket. Ids are long and random; who gets hold of one all the same
can do nothing with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from nicegui import core
from nicegui.client import Client

from ui.panel.person import Person

_MESSAGES = ("handshake", "event", "javascript_response", "ack", "log")


def guard() -> None:
    """Once in a process: every handler of NiceGUI's that takes the id of a page asks whose it is first."""
    handlers = core.sio.handlers["/"]
    core.sio.on("connect", _guarded_connect(handlers["connect"]))
    for name in _MESSAGES:
        core.sio.on(name, _guarded(handlers[name]))


async def dismiss(person: Person) -> None:
    """The pages of that session load again, and so meet the gate; here nothing is left of them."""
    for client in [one for one in Client.instances.values() if _session(one.request.scope) == person.session]:
        await core.sio.emit("run_javascript", {"code": "window.location.reload()"}, room=client.id)
        for document_id in list(client._delete_tasks):  # noqa: SLF001 - its websocket may be gone already: it would be deleted twice
            client._cancel_delete_task(document_id)  # noqa: SLF001 - there is no public way
        client.delete()


def _guarded(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def guarded(sid: str, message: Any) -> Any:
        if not isinstance(message, dict) or not _belongs(core.sio.get_environ(sid), message.get("client_id")):
            return False
        result = handler(sid, message)
        return await result if hasattr(result, "__await__") else result

    return guarded


def _guarded_connect(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def guarded(sid: str, environ: dict[str, Any], auth: Any = None) -> Any:
        for client_id in parse_qs(environ.get("QUERY_STRING", "")).get("client_id", []):
            if client_id in Client.instances and not _belongs(environ, client_id):
                return False  # refused
        return await handler(sid, environ, auth)

    return guarded


def _belongs(environ: Mapping[str, Any] | None, client_id: Any) -> bool:
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    session = _session(environ["asgi.scope"]) if environ else None
    return client is not None and session is not None and _session(client.request.scope) == session


def _session(scope: Mapping[str, Any]) -> str | None:
    person = scope.get("state", {}).get("person")
    return person.session if isinstance(person, Person) else None
