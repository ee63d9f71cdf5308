"""A payload's schema as a table for people: field, type, unit, meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mqtt.docs.schemas import ENVELOPE, REF, Schema

_UNITS = (
    ("_bytes_per_s", "bytes/s"), ("_kb_per_s", "kB/s"), ("_bytes", "bytes"), ("bytes_", "bytes"), ("_s", "s"), ("_ratio", "0 to 1"),
    ("_at", "UTC"),
)  # fmt: skip
_TYPES = {
    "string": "text", "object": "object", "boolean": "true, false", "null": "none", "integer": "whole number", "number": "number"
}  # fmt: skip
_BOUNDS = (("minimum", "at least"), ("maximum", "at most"), ("minLength", "characters at least"), ("maxLength", "characters at most"))


def field_table(schema: Schema) -> Iterator[str]:
    """Markdown; one line where there are no fields."""
    fields = schema.get("properties", {})
    if not fields:
        yield "No fields."
        return
    yield "| field | type | unit | meaning |"
    yield "|---|---|---|---|"
    for name, field in fields.items():
        yield f"| `{name}` | {type_of(field)} | {unit_of(name)} | {meaning_of(field)} |"


def parameter_table(schema: Schema) -> Iterator[str]:
    """Without what all have."""
    fields = {name: field for name, field in schema["properties"].items() if field not in ENVELOPE}
    if not fields:
        yield "No parameters."
        return
    yield "| parameter | type | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in fields.items():
        default = "must be given" if name in schema["required"] else f"`{json.dumps(field.get('default'))}`"
        yield f"| `{name}` | {type_of(field)} | {default} | {meaning_of(field)} |"


def type_of(field: Schema) -> str:
    """``integer``, ``list of [Problem](#problem)``, ``text or none``."""
    if "$ref" in field:
        name = field["$ref"].removeprefix(REF)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        kinds = [type_of(each) for each in field["anyOf"]]
        return " or ".join(kind for kind in kinds if kind != "none") + (" or none" if "none" in kinds else "")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    return _plain_type(field)


def _plain_type(field: Schema) -> str:
    kind = field.get("type")
    if kind == "array":
        return f"list of {type_of(field.get('items', {}))}"
    if field.get("format") == "date-time":
        return "time"
    return _TYPES.get(str(kind), "anything")


def unit_of(name: str) -> str:
    if name == "bytes":
        return name
    return next((unit for part, unit in _UNITS if (name.startswith(part) if part.endswith("_") else name.endswith(part))), "")


def meaning_of(field: Schema) -> str:
    bounds = [f"{word} {value:,}" for key, word in _BOUNDS if (value := _bound(field, key)) is not None]
    text = field.get("description", "") + (f" ({', '.join(bounds)})" if bounds else "")
    return re.sub(r"``", "`", text).replace("|", "\\|")


def _bound(field: Schema, key: str) -> Any:
    """Also of the one thing that an optional field may be."""
    return next((each[key] for each in [field, *field.get("anyOf", [])] if key in each), None)
