"""What kind of field a setting needs, read from its JSON schema. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["switch", "number", "choice", "text", "long_text"]
_LONG = 1000
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}([.,][0-9]{1,15})?")
_CHOICE = re.compile(r"\^\(([a-z0-9_|-]+)\)\$")


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldKind:
    """``nullable``: the setting may have no value; ``fixed``: it is read at the start of the appliance only."""

    name: str
    title: str
    group: str
    kind: Kind
    unit: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False
    nullable: bool = False
    fixed: bool = False
    order: int = 0


def kind_of(name: str, schema: dict[str, Any]) -> FieldKind:
    """``schema``: the setting's entry below ``properties``."""
    variants = schema.get("anyOf", [schema])
    main: dict[str, Any] = next((one for one in variants if one.get("type") != "null"), schema)
    choices = tuple(main.get("enum", ())) or _choices(main.get("pattern", ""))
    kind_of_value = main.get("type")
    return FieldKind(
        name=name, title=schema.get("title") or name.replace("_", " ").capitalize(), group=schema.get("x-group", "More"),
        kind=_kind(kind_of_value, choices, main), unit=schema.get("x-unit", ""), choices=choices,
        minimum=main.get("minimum", main.get("exclusiveMinimum")), maximum=main.get("maximum"), whole=kind_of_value == "integer",
        nullable=len(variants) > 1, fixed=bool(schema.get("x-fixed-at-start", False)), order=schema.get("x-order", 0),
    )  # fmt: skip


def _choices(pattern: str) -> tuple[str, ...]:
    found = _CHOICE.fullmatch(pattern)
    return tuple(found.group(1).split("|")) if found else ()


def _kind(kind: str | None, choices: tuple[str, ...], main: dict[str, Any]) -> Kind:
    if kind == "boolean":
        return "switch"
    if kind in {"integer", "number"}:
        return "number"
    if choices:
        return "choice"
    return "long_text" if main.get("maxLength", 0) > _LONG else "text"


def read(kind: FieldKind, typed: Any) -> Any:
    """What is sent for what was typed: None takes the setting back to what it is without us. Raises ValueError with words for people."""
    if kind.kind == "switch":
        return bool(typed)
    text = "" if typed is None else str(typed).strip()
    if kind.kind != "number":
        return text if text or not kind.nullable else None
    if not text:
        return None
    return _number(kind, text)


def _number(kind: FieldKind, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a number")
    if kind.whole and not text.lstrip("+-").isdigit():  # 1.000 is a thousand for some and one for others
        raise ValueError("it must be a whole number, written without dots and commas")
    value = float(text.replace(",", "."))
    if kind.minimum is not None and value < kind.minimum:
        raise ValueError(f"it must be {kind.minimum:g} or more")
    if kind.maximum is not None and value > kind.maximum:
        raise ValueError(f"it must be {kind.maximum:g} or less")
    return int(value) if kind.whole else value
