"""Open websockets end with the session that opened them, wherever it was ended, and when its person's role changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.errors import Failed
from ui.panel.person import Person
from ui.panel.sessions import Sessions

log = logging.getLogger("panel.sockets")
LOOK_EVERY_S = 4.0
_SAYING_S = 0.3
_ENDED = 4401
Dismiss = Callable[[Person], Awaitable[None]]


class Sockets:
    """``dismiss(person)`` tells the pages of that session to leave, before their websockets are closed."""

    def __init__(self, app: ASGIApp, sessions: Sessions, dismiss: Dismiss, look_every_s: float = LOOK_EVERY_S) -> None:
        self._app = app
        self._sessions = sessions
        self._dismiss = dismiss
        self._look_every_s = look_every_s
        self._open: set[_Socket] = set()
        self._watching: asyncio.Task[None] | None = None

    async def serve(self, person: Person, scope: Scope, receive: Receive, send: Send) -> None:
        socket = _Socket(person, receive, send)
        self._open.add(socket)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            await self._app(scope, socket.receive, socket.send)
        finally:
            self._open.discard(socket)

    async def _watch(self) -> None:
        """As long as any is open. An appliance that is away ends nothing: whether a session has ended is unknown then."""
        while self._open:
            await asyncio.sleep(self._look_every_s)
            for person in {socket.person for socket in self._open}:
                if await self._has_ended(person):
                    await self._end(person)

    async def _has_ended(self, person: Person) -> bool:
        try:
            now = await self._sessions.of(person.session, fresh=True)
        except Failed:
            return False
        return now is None or now.role != person.role

    async def _end(self, person: Person) -> None:
        log.info("the pages of a session of %s are closed: it has ended, or the role has changed", person.name)
        await self._dismiss(person)
        await asyncio.sleep(_SAYING_S)
        for socket in [one for one in self._open if one.person == person]:
            await socket.end()


@dataclass(eq=False, slots=True)
class _Socket:
    person: Person
    receive_more: Receive
    send_on: Send
    ended: bool = False

    async def receive(self) -> Message:
        message = await self.receive_more()
        return {"type": "websocket.disconnect", "code": _ENDED} if self.ended else message

    async def send(self, message: Message) -> None:
        if not self.ended:
            await self.send_on(message)

    async def end(self) -> None:
        self.ended = True
        try:
            await self.send_on({"type": "websocket.close", "code": _ENDED, "reason": "the session has ended"})
        except (OSError, RuntimeError):  # it has gone meanwhile
            log.debug("a websocket was gone before it was closed")
