"""docs/asyncapi.yaml: AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0), from the appliance's side."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import Any

from mqtt.contract import ASKING, BASE, TOPICS, Login, Plain, Topic
from mqtt.docs.examples import EXAMPLES, parameters_of
from mqtt.docs.meanings import VARIABLES
from mqtt.docs.schemas import REF, answers_of, request_name, response_name, schemas
from mqtt.message import Message
from mqtt.verbs import VERBS, Verb

Part = dict[str, Any]
_BINDINGS_VERSION = "0.2.0"
TRANSACTION = "7f3c9a1e"
SENT_BY_THIS_VERSION = "x-sent-by-this-version"


def document() -> Part:
    """The whole, as plain data."""
    channels, operations, messages = {}, {}, {}
    for topic in TOPICS:
        name = channel_name(topic)
        channels[name] = _channel(topic.address, name, topic.does, _access(topic))
        operations[("receive_" if topic.to_appliance else "send_") + name] = _operation(topic, name)
        messages[name] = _message(topic)
    for _, shape in sorted(VERBS.items()):  # whatever was imported first
        channels |= _verb_channels(shape)
        operations[_verb_name(shape)] = _verb_operation(shape)
        messages |= _verb_messages(shape)
    return {
        "asyncapi": "3.0.0", "info": _info(), "defaultContentType": "application/json", "servers": _servers(),
        "channels": channels, "operations": operations,
        "components": {"messages": messages, "schemas": schemas()},
    }  # fmt: skip


def channel_name(topic: Topic) -> str:
    """``archive_state`` for ``archive/{archive_id}/state``."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"/?\{\w+\}", "", topic.name)).strip("_")


def _info() -> Part:
    return {
        "title": "PyArchive appliance", "version": version("pyarchive-appliance"),
        "description": "All that the appliance says and hears over MQTT 3.1.1. docs/mqtt.md says the same for people.",
    }  # fmt: skip


def _servers() -> Part:
    return {"broker": {"host": "localhost:1883", "protocol": "mqtt", "protocolVersion": "3.1.1", "description": "The house's broker"}}


def _channel(address: str, message: str, does: str, more: Part) -> Part:
    variables: Part = {name: {"description": VARIABLES[name]} for name in re.findall(r"\{(\w+)\}", address)}
    if "login" in variables:
        variables["login"]["enum"] = [str(login) for login in ASKING]
    return {
        "address": address, "description": does, "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "parameters": variables, **more,
    }  # fmt: skip


def _access(topic: Topic) -> Part:
    return {
        "x-retained": topic.retained, **({"x-cleared": topic.cleared} if topic.cleared else {}),
        "x-writers": sorted(topic.writers), "x-readers": sorted(topic.readers), SENT_BY_THIS_VERSION: topic.sent,
    }  # fmt: skip


def _operation(topic: Topic, name: str) -> Part:
    return _acting("receive" if topic.to_appliance else "send", name, retained=topic.retained)


def _acting(action: str, name: str, *, retained: bool) -> Part:
    return {
        "action": action, "channel": {"$ref": f"#/channels/{name}"}, "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": _BINDINGS_VERSION}},
    }  # fmt: skip


def _message(topic: Topic) -> Part:
    if isinstance(topic.content, Plain):
        payload = {"type": "string", "pattern": f"^(?:{topic.content.pattern})$"}
        return {"contentType": "text/plain", "payload": payload, "examples": [{"payload": topic.content.example}]}
    return {"payload": {"$ref": REF + topic.content.__name__}, "examples": [{"payload": as_json(EXAMPLES[topic.content])}]}


def as_json(message: Message) -> Any:
    """As it is on the wire."""
    return json.loads(message.payload())


# Verbs


def _verb_name(shape: type[Verb]) -> str:
    return re.sub("[^a-z]+", "_", shape.verb)


def _verb_channels(shape: type[Verb]) -> Part:
    name = _verb_name(shape)
    own, ours = str(Login.OWN), str(Login.APPLIANCE)
    asked = {"x-retained": False, "x-writers": [own], "x-readers": [ours, own], SENT_BY_THIS_VERSION: True}
    answered = {"x-retained": False, "x-writers": [ours], "x-readers": [ours, own], SENT_BY_THIS_VERSION: True}
    return {
        f"{name}_request": _channel(f"{BASE}request/{{login}}/{shape.verb}", f"{name}_request", summary(shape), asked),
        f"{name}_response": _channel(f"{BASE}response/{{login}}/{shape.verb}", f"{name}_response", f"Answers to {shape.verb}", answered),
    }


def summary(shape: type[Verb]) -> str:
    """The first sentence or two that say what the verb does."""
    return " ".join((shape.__doc__ or "").split("\n\n")[0].split())


def _verb_operation(shape: type[Verb]) -> Part:
    name = _verb_name(shape)
    answer = f"{name}_response"
    reply = {"channel": {"$ref": f"#/channels/{answer}"}, "messages": [{"$ref": f"#/channels/{answer}/messages/{answer}"}]}
    return {
        **_acting("receive", f"{name}_request", retained=False),
        "reply": reply,
        "x-access": str(shape.access),
        "x-for-scripts": shape.for_scripts,
    }


def _verb_messages(shape: type[Verb]) -> Part:
    name = _verb_name(shape)
    return {
        f"{name}_request": {
            "payload": {"$ref": REF + request_name(shape)}, "correlationId": {"location": "$message.payload#/transaction"},
            "examples": [{"payload": request_example(shape)}],
        },
        f"{name}_response": {
            "payload": {"$ref": REF + response_name(shape)}, "correlationId": {"location": "$message.payload#/transaction"},
            "examples": [{"payload": response_example(shape)}],
        },
    }  # fmt: skip


def request_example(shape: type[Verb]) -> Part:
    return {"transaction": TRANSACTION, **parameters_of(shape.verb, set(shape.model_fields))}


def response_example(shape: type[Verb]) -> Part:
    return {"transaction": TRANSACTION, "status": "ok", "data": as_json(EXAMPLES[answers_of(shape)[-1]])}
