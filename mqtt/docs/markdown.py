"""docs/mqtt.md: the contract for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mqtt.contract import BASE, TOPICS, Login, Plain, Topic
from mqtt.docs.asyncapi import as_json, request_example, summary
from mqtt.docs.examples import EXAMPLES
from mqtt.docs.meanings import ACCESS, AUDITED, SCRIPTS, VALUES
from mqtt.docs.prose import BEGINNING, COMMANDS, PRIVATE, REQUESTS
from mqtt.docs.schemas import answers_of, request_name, schemas
from mqtt.docs.tables import field_table, parameter_table
from mqtt.error_codes import ERROR_CODES
from mqtt.verbs import VERBS, Verb

_BY_NAME = {shape.__name__: example for shape, example in EXAMPLES.items()}


def text() -> str:
    parts = (BEGINNING, *_topic_table(), *_topics(), COMMANDS, *_commands(), REQUESTS, *_errors(), *_verbs(), *_types(), *_values())
    return "\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"


def _topic_table() -> Iterator[str]:
    yield "| topic | retained | written by | read by | content |"
    yield "|---|---|---|---|---|"
    for topic in TOPICS:
        retained = ("yes" + (f", cleared {topic.cleared}" if topic.cleared else "")) if topic.retained else "no"
        later = "" if topic.sent else " (not sent by this version)"
        yield f"| `{shown(topic)}` | {retained} | {_logins(topic.writers)} | {_logins(topic.readers)} | {topic.does}{later} |"
    yield "| `request/<login>/<verb>` | no | that login | appliance | [a request](#requests) |"
    yield "| `response/<login>/<verb>` | no | appliance | that login | its answer |"
    yield ""


def shown(topic: Topic) -> str:
    """``archive/<archive_id>/state``."""
    return topic.name.replace("{", "<").replace("}", ">")


def _logins(logins: Iterable[Login]) -> str:
    return ", ".join(sorted(logins))


def _topics() -> Iterator[str]:
    private = False
    for topic in TOPICS:
        if isinstance(topic.content, Plain) or not topic.address.startswith(BASE):
            continue
        if not private and Login.HOMEASSISTANT not in topic.readers:
            private = True
            yield PRIVATE
        name = topic.content.__name__
        yield f"### `{shown(topic)}`\n"
        yield f"{_doc(schemas()[name])}\n"
        yield from field_table(schemas()[name])
        yield _json(as_json(EXAMPLES[topic.content]))


def _doc(schema: dict[str, Any]) -> str:
    return " ".join(str(schema.get("description", "")).replace("``", "`").split())


def _json(value: Any) -> str:
    return f"\n```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```\n"


def _commands() -> Iterator[str]:
    yield "| topic | payload | does |"
    yield "|---|---|---|"
    for topic in TOPICS:
        if isinstance(topic.content, Plain) and topic.to_appliance and topic.address.startswith(BASE):
            yield f"| `{topic.name}` | {topic.content.allowed} | {topic.does} |"
    yield ""


def _errors() -> Iterator[str]:
    yield "| code | meaning |"
    yield "|---|---|"
    yield from (f"| `{code}` | {meaning} |" for code, meaning in ERROR_CODES.items())
    yield ""


def _verbs() -> Iterator[str]:
    group = ""
    for _, shape in sorted(VERBS.items()):
        if shape.verb.split("/")[0] != group:
            group = shape.verb.split("/")[0]
            yield f"## Requests `{group}/…`\n"
        yield from _verb(shape)


def _verb(shape: type[Verb]) -> Iterator[str]:
    yield f"### `{shape.verb}`\n"
    yield f"{_docstring(shape)}\n"
    scripts = SCRIPTS[shape.looks] if shape.for_scripts else ""
    yield f"Who may ask: {ACCESS[shape.access]}.{scripts}{AUDITED if shape.audited else ''}\n"
    yield from parameter_table(schemas()[request_name(shape)])
    links = (f"[{answer.__name__}](#{answer.__name__.lower()})" for answer in answers_of(shape))
    yield f"\nAnswers {' or '.join(links)}."
    yield _json(request_example(shape))


def _docstring(shape: type[Verb]) -> str:
    rest = (shape.__doc__ or "").split("\n\n")[1:]
    return "\n\n".join([summary(shape), *(" ".join(part.split()) for part in rest)]).replace("``", "`")


def _types() -> Iterator[str]:
    own_heading = {topic.content.__name__ for topic in TOPICS if isinstance(topic.content, type)}
    yield "## Types\n"
    yield "What stands within messages and answers.\n"
    for name, schema in schemas().items():
        if not name.endswith(("Request", "Response")) and "enum" not in schema:
            yield f"### {name}\n"
            yield from _type(name, schema, as_topic=name in own_heading)


def _type(name: str, schema: dict[str, Any], *, as_topic: bool) -> Iterator[str]:
    if as_topic:
        addresses = (f"`{shown(topic)}`" for topic in TOPICS if isinstance(topic.content, type) and topic.content.__name__ == name)
        yield f"The payload of {', '.join(addresses)}.\n"
        return
    doc = _doc(schema)
    if doc:
        yield f"{doc}\n"
    yield from field_table(schema)
    yield _json(as_json(_BY_NAME[name])) if name in _BY_NAME else ""


def _values() -> Iterator[str]:
    for enum, meanings in VALUES.items():
        yield f"### {enum.__name__}\n"
        yield f"{' '.join((enum.__doc__ or '').split())}\n"
        yield "| value | meaning |"
        yield "|---|---|"
        yield from (f"| `{value}` | {meaning} |" for value, meaning in meanings.items())
        yield ""
