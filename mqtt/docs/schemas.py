"""JSON schemas of all payloads: messages as they are sent, requests as they are accepted, answers in their envelopes."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from mqtt.contract import TOPICS
from mqtt.docs.meanings import FIELDS
from mqtt.message import Message
from mqtt.messages import Error
from mqtt.verbs import VERBS, Verb

Schema = dict[str, Any]
REF = "#/components/schemas/"
TRANSACTION: Schema = {"type": "string", "minLength": 1, "maxLength": 128, "description": FIELDS["transaction"]}

SESSION: Schema = {"type": "string", "description": "Of the login `panel` alone: the token that user/login answered"}
RUN_ID: Schema = {"type": "string", "description": "Of the login `scripts` alone: the run that asks; the runner adds it"}
ENVELOPE = (TRANSACTION, SESSION, RUN_ID)
"""What requests have beside their verb's parameters. The last is there only where a script may ask."""


def answers_of(shape: type[Verb]) -> list[type[Message]]:
    """The classes of what a verb may answer."""
    answer = shape.answer
    return list(get_args(answer)) if isinstance(answer, types.UnionType) else [answer]


def request_name(shape: type[Verb]) -> str:
    return f"{shape.__name__}Request"


def response_name(shape: type[Verb]) -> str:
    return f"{shape.__name__}Response"


@cache
def schemas() -> dict[str, Schema]:
    """By name, sorted. References lead to ``#/components/schemas/<name>``."""
    sent: set[type[Message]] = {topic.content for topic in TOPICS if isinstance(topic.content, type)} | {Error}
    sent |= {answer for shape in VERBS.values() for answer in answers_of(shape)}
    found = _schemas_of(sent, "serialization")
    for _, shape in sorted(VERBS.items()):
        asked = _schemas_of([shape], "validation")
        request = asked.pop(shape.__name__)
        found |= asked | {request_name(shape): _with_envelope(request, shape), response_name(shape): _response(shape)}
    return dict(sorted(found.items()))


def _schemas_of(models: Iterable[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Schema]:
    wanted = [(model, mode) for model in sorted(models, key=lambda model: model.__name__)]
    _, document = models_json_schema(wanted, ref_template=REF + "{model}")
    return {name: _described(_without_titles(schema)) for name, schema in document["$defs"].items()}


def _without_titles(value: Any) -> Any:
    """A field is titled with its name again by pydantic."""
    if isinstance(value, dict):
        return {key: _without_titles(each) for key, each in value.items() if not (key == "title" and isinstance(each, str))}
    return [_without_titles(each) for each in value] if isinstance(value, list) else value


def _described(schema: Schema) -> Schema:
    for name, field in schema.get("properties", {}).items():
        if "description" not in field and name in FIELDS:
            field["description"] = FIELDS[name]
    return schema


def _with_envelope(schema: Schema, shape: type[Verb]) -> Schema:
    run: Schema = {"run_id": RUN_ID} if shape.for_scripts else {}
    return {
        **schema, "properties": {"transaction": TRANSACTION, "session": SESSION, **run, **schema.get("properties", {})},
        "required": ["transaction", *schema.get("required", [])],
    }  # fmt: skip


def _response(shape: type[Verb]) -> Schema:
    data = [{"$ref": REF + answer.__name__} for answer in answers_of(shape)]
    ok = _envelope("ok", "data", data[0] if len(data) == 1 else {"anyOf": data})
    return {"description": f"What {shape.verb} answers", "oneOf": [ok, _envelope("error", "error", {"$ref": REF + Error.__name__})]}


def _envelope(status: str, key: str, content: Schema) -> Schema:
    return {
        "type": "object", "required": ["transaction", "status", key], "additionalProperties": False,
        "properties": {"transaction": TRANSACTION, "status": {"const": status}, key: content},
    }  # fmt: skip


def undescribed() -> Iterator[str]:
    """Fields without a meaning."""
    for name, schema in schemas().items():
        yield from (f"{name}.{key}" for key, field in schema.get("properties", {}).items() if not field.get("description"))
