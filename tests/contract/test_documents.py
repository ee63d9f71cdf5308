"""docs/mqtt.md and docs/asyncapi.yaml: generated, complete, and valid."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from jsonschema import Draft7Validator
from pydantic import TypeAdapter, ValidationError

from appliance.errors import ApplianceError
from mqtt import messages
from mqtt.commands import COMMANDS
from mqtt.contract import TOPICS, Login, Plain
from mqtt.docs import yaml
from mqtt.docs.__main__ import documents
from mqtt.docs.asyncapi import as_json
from mqtt.docs.examples import EXAMPLES, PARAMETERS, parameters_of
from mqtt.docs.meanings import VALUES
from mqtt.docs.schemas import answers_of, undescribed
from mqtt.error_codes import ERROR_CODES
from mqtt.message import Message
from mqtt.messages import RunOrder
from mqtt.script_messages import MAX_SOURCE_BYTES
from mqtt.verbs import VERBS
from tests.contract.published import ROOT, Published

OFFICIAL = os.environ.get("PYARCHIVE_TEST_ASYNCAPI_SCHEMA")
"""A file: AsyncAPI's own JSON schema of 3.0.0 documents (npm: @asyncapi/specs, schemas/3.0.0-without-$id.json)."""


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


@pytest.mark.parametrize("name", ["mqtt.md", "asyncapi.yaml"])
def test_the_documents_are_what_the_classes_say(name: str) -> None:
    """Stale: run ``python -m mqtt.docs``."""
    assert (ROOT / "docs" / name).read_text() == documents()[name], f"docs/{name} is stale; run `python -m mqtt.docs`"


def test_every_reference_leads_somewhere(published: Published) -> None:
    broken = [ref for ref in references(published.document) if resolve(published.document, ref) is None]
    assert broken == []


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def resolve(document: Any, ref: str) -> Any:
    found = document
    for part in ref.removeprefix("#/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def test_every_message_has_an_example_that_its_schema_allows(published: Published) -> None:
    for name, message in published.document["components"]["messages"].items():
        assert message["examples"], name
        for example in message["examples"]:
            payload = example["payload"]
            text = payload if isinstance(payload, str) else json.dumps(payload)
            assert published.complaints(name, text.encode()) == [], name


def test_every_schema_is_one_of_draft_7(published: Published) -> None:
    for schema in published.schemas.values():
        Draft7Validator.check_schema(schema)


def test_every_channel_names_its_variables_and_one_operation_uses_it(published: Published) -> None:
    document = published.document
    used = [operation["channel"]["$ref"] for operation in document["operations"].values()]
    replies = [operation["reply"]["channel"]["$ref"] for operation in document["operations"].values() if "reply" in operation]
    assert sorted([*used, *replies]) == sorted(f"#/channels/{name}" for name in document["channels"])
    for channel in document["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
        assert set(channel["x-writers"]) | set(channel["x-readers"]) <= set(Login)


@pytest.mark.skipif(OFFICIAL is None, reason="PYARCHIVE_TEST_ASYNCAPI_SCHEMA does not name AsyncAPI's own schema")
def test_it_is_valid_by_the_schema_of_asyncapi() -> None:
    schema = json.loads(Path(str(OFFICIAL)).read_text())
    assert [
        f"{list(e.absolute_path)}: {e.message[:300]}" for e in Draft7Validator(schema).iter_errors(Published(strict=False).document)
    ] == []


def test_every_class_with_a_topic_is_in_the_table_once() -> None:
    classes = {each for each in vars(messages).values() if isinstance(each, type) and issubclass(each, Message) and each.topic}
    in_table = [topic.content for topic in TOPICS if isinstance(topic.content, type)]
    assert classes <= set(in_table)
    assert len(in_table) == len(set(in_table))
    for each in classes:
        topic = next(topic for topic in TOPICS if topic.content is each)
        assert (topic.name, topic.retained) == (each.topic, each.retain)


def test_every_message_and_every_answer_has_an_example_and_every_field_a_meaning() -> None:
    sent = {topic.content for topic in TOPICS if isinstance(topic.content, type)}
    answered = {answer for shape in VERBS.values() for answer in answers_of(shape)}
    assert sent | answered <= EXAMPLES.keys()
    assert list(undescribed()) == []
    for enum, meanings in VALUES.items():
        assert set(meanings) == set(enum)


def test_examples_survive_the_way_over_the_wire() -> None:
    for shape, example in EXAMPLES.items():
        assert shape.model_validate_json(example.payload()) == example
        assert as_json(example) == json.loads(example.payload())


@pytest.mark.parametrize("verb", VERBS)
def test_the_example_of_a_verb_is_accepted_by_it_and_its_answer_has_a_schema(verb: str) -> None:
    shape = VERBS[verb]
    shape.model_validate(parameters_of(verb, set(shape.model_fields)))
    TypeAdapter(shape.answer).json_schema()
    assert shape.__doc__


def test_no_parameters_are_given_for_a_verb_that_is_not() -> None:
    assert PARAMETERS.keys() <= VERBS.keys()


def test_every_error_code_has_a_meaning() -> None:
    assert {each.code for each in leaves(ApplianceError)} <= ERROR_CODES.keys()


def leaves(error: type[ApplianceError]) -> Iterator[type[ApplianceError]]:
    yield error
    for each in error.__subclasses__():
        yield from leaves(each)


def test_the_document_for_people_names_every_topic_verb_error_and_command() -> None:
    text = (ROOT / "docs" / "mqtt.md").read_text()
    names = [topic.name.replace("{", "<").replace("}", ">") for topic in TOPICS]
    assert [name for name in [*names, *VERBS, *ERROR_CODES, *COMMANDS] if f"`{name}`" not in text and f"`command/{name}`" not in text] == []
    headings = {line.lstrip("# ").strip("`").lower() for line in text.splitlines() if line.startswith("#")}
    links = set(re.findall(r"\]\(#([a-z-]+)\)", text))
    assert links <= headings


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_a_command_allows_its_example_and_nothing_around_it(command: Any) -> None:
    example = command.example.encode()
    assert command.allows(example)
    for wrong in (b"", example + b"\n", b" " + example, example.lower() + b"x", b"\xff", example * 1000, b"null", b'"' + example + b'"'):
        assert not command.allows(wrong)


def test_plain_topics_allow_their_examples() -> None:
    for topic in TOPICS:
        if isinstance(topic.content, Plain):
            assert re.fullmatch(topic.content.pattern, topic.content.example)


@pytest.mark.parametrize("source", [b"", b"\xff\xfe\r\n\t\0", "print('ä')\r\n".encode(), bytes(range(256)) * 700])
def test_the_source_of_a_script_arrives_byte_for_byte(source: bytes) -> None:
    order = RunOrder.of(source, run_id="r", script_id="s", name="n", source_sha256="0" * 64, asked_at="2026-11-22T10:00:00Z")
    assert RunOrder.model_validate_json(order.payload()).source == source


def test_the_largest_source_fits_into_a_payload_and_a_larger_one_is_refused() -> None:
    facts = {"run_id": "r" * 36, "script_id": "s" * 36, "name": "n" * 1024, "source_sha256": "0" * 64, "asked_at": "2026-11-22T10:00:00Z"}
    assert len(RunOrder.of(b"x" * MAX_SOURCE_BYTES, **facts).payload()) <= messages.MAX_PAYLOAD_BYTES
    with pytest.raises(ValidationError):
        RunOrder.of(b"x" * (MAX_SOURCE_BYTES + 3), **facts)


@pytest.mark.parametrize(
    "value",
    [
        {}, [], "", "no", "ON", "null", "1", "1.5", "a: b", "#x", "- x", "x\ny", "ä\u2028", " x", "x ", "~", "1e3", "0x1", "2026-11-22",
        {"a": [], "b": {}, "c": [[1, [2, {"d": None}]], {"e": True}], "f": -1.5, "on": "off", "x y": "z"},
    ],
)  # fmt: skip
def test_our_yaml_is_read_as_what_was_written(value: Any) -> None:
    assert pyyaml.safe_load(yaml.dump({"key": value})) == {"key": value}
