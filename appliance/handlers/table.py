"""The request verbs: a table from verb to what is done and answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from appliance import access
from appliance.accounts.audit import about
from appliance.accounts.household import Household
from appliance.errors import BadRequest, NotFound
from appliance.library import Library
from mqtt.message import Message
from mqtt.script_answers import RunFacts
from mqtt.verb import Access, Verb
from mqtt.verbs import VERBS

log = logging.getLogger("scripts")
Handler = Callable[..., Any]
_MARK, _WHO = "_handles", "_is_told_who_asks"
_Method = TypeVar("_Method", bound=Callable[..., Any])


def handles(shape: type[Verb], *, who: bool = False) -> Callable[[_Method], _Method]:
    """Marks the method of a topic that answers this verb: it gets the parameters, and answers a Message or what is ready for JSON.

    What anyone or any member may ask for is filtered by who asks, so its method also gets the Caller; another one does with ``who``.
    """

    def mark(method: _Method) -> _Method:
        setattr(method, _MARK, shape.verb)
        setattr(method, _WHO, who or shape.access in {Access.ANYONE, Access.MEMBER})
        return method

    return mark


class Handlers:
    """``execute`` is what the responder calls, on any of its threads. ``topics``: objects with methods that are marked.

    ``check(shape)`` raises ApplianceError where nothing of that kind is done at the moment, whoever asks.
    """

    def __init__(
        self, topics: Iterable[object], library: Library, household: Household, running: Callable[[str], RunFacts | None],
        check: Callable[[type[Verb]], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.table: dict[str, Handler] = {verb: handler for topic in topics for verb, handler in _marked(topic)}
        self._library = library
        self._household = household
        self._running = running
        self._check = check

    def execute(self, login: str, verb: str, parameters: dict[str, Any]) -> Any:
        """What the verb answers, ready for JSON. Raises ApplianceError, with the cause in words.

        What is somebody's own is looked for among the caller's own here, before its handler sees it; admins see everything.
        """
        parameters = dict(parameters)
        caller = access.caller_of(login, parameters, self._household.signed_in, self._running)
        shape, handler = VERBS.get(verb), self.table.get(verb)
        access.check(caller, shape.access if shape else Access.MEMBER)
        if shape is None or handler is None:
            raise NotFound(f"there is no request {verb[:64]!r}")
        access.check_script(caller, shape)
        self._check(shape)
        asked = _understood(shape, parameters)
        access.check_script_changes(caller, asked)
        if shape.access in {Access.OWN, Access.HANDED_IN}:
            asked = access.own(asked, caller, self._library)
        answer = handler(asked, caller) if getattr(handler, _WHO) else handler(asked)
        if shape.audited:
            self._household.audit.note(caller, verb, about(asked))
        elif caller.run is not None and asked.changes():
            log.info("run %s of %s: %s", caller.run.run_id, caller.run.title, verb)
        return answer.model_dump(mode="json") if isinstance(answer, Message) else answer


def _marked(topic: object) -> Iterator[tuple[str, Handler]]:
    for name in dir(type(topic)):
        verb = getattr(getattr(type(topic), name), _MARK, None)
        if verb is not None:
            yield verb, getattr(topic, name)


def _understood(shape: type[Verb], parameters: dict[str, Any]) -> Verb:
    try:
        return shape.model_validate(parameters)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadRequest(f"{shape.verb}: {'.'.join(str(part) for part in first['loc']) or 'request'}: {first['msg']}") from None
