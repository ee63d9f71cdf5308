"""The request verbs: a table from verb to what is done and answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from appliance import access
from appliance.errors import BadRequest, NotFound
from mqtt.message import Message
from mqtt.verbs import VERBS, Verb

Handler = Callable[[Any], Any]
_MARK = "_handles"
_Topic = TypeVar("_Topic")
_Asked = TypeVar("_Asked", bound=Verb)
_Method = Callable[[_Topic, _Asked], Any]


def handles(shape: type[_Asked]) -> Callable[[_Method[_Topic, _Asked]], _Method[_Topic, _Asked]]:
    """Marks the method of a topic that answers this verb. It gets the parameters, and answers a Message or what is ready for JSON."""

    def mark(method: _Method[_Topic, _Asked]) -> _Method[_Topic, _Asked]:
        setattr(method, _MARK, shape.verb)
        return method

    return mark


class Handlers:
    """``execute`` is what the responder calls, on any of its threads. ``topics``: objects with methods that are marked."""

    def __init__(self, topics: Iterable[object]) -> None:
        self.table: dict[str, Handler] = {verb: handler for topic in topics for verb, handler in _marked(topic)}

    def execute(self, login: str, verb: str, parameters: dict[str, Any]) -> Any:
        """What the verb answers, ready for JSON. Raises ApplianceError, with the cause in words."""
        access.check(login, verb, parameters)
        shape, handler = VERBS.get(verb), self.table.get(verb)
        if shape is None or handler is None:
            raise NotFound(f"there is no request {verb[:64]!r}")
        answer = handler(_understood(shape, parameters))
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
