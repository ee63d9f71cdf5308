"""A copy of the catalog, as it lies on a remote: made from the catalog without its secrets, and read back believed in nothing.

::

    {"format": "pyarchive-catalog-copy", "version": 1, "appliance_id": …, "serial": …, "made_at": …, "sha256": …,
    "tables": {
    "archives": {
    "<archive id>": {"title": …, "owner": …, "file_name": …, "size_bytes": …, "removed_at": …},
    …

The header comes first, so that a few bytes tell how old the copy is; ``sha256`` is that of what stands after ``"tables": ``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from appliance import clock
from appliance.errors import Damaged, NewerFormat
from appliance.names import ARCHIVE_ID, MAX_FILE_NAME_BYTES, MAX_TITLE_CHARACTERS, OWNER
from mqtt.topics import APPLIANCE_ID

MAX_COPY_BYTES = 256 * 1024 * 1024
HEADER_BYTES = 4096
"""The header is never longer."""
SECRET_KEY = re.compile(r"password|passwd|passphrase|secret|token|hash|salt|setup_code|session|credential|totp", re.IGNORECASE)

_FORMAT, _VERSION = "pyarchive-catalog-copy", 1
_BREAK, _END = b',\n"tables": ', b"\n}\n"
_ROW_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MOST_CONNECTIONS = 1000
Row = dict[str, Any]


class Header(BaseModel):
    """What a few bytes tell."""

    model_config = ConfigDict(strict=True, frozen=True)

    format: Literal["pyarchive-catalog-copy"]
    version: Annotated[int, Field(ge=_VERSION, le=_VERSION)]  # not Literal[1], which is true of True
    appliance_id: Annotated[str, Field(pattern=rf"^{APPLIANCE_ID.pattern}\z")]
    serial: Annotated[int, Field(ge=1, lt=2**53)]
    made_at: Annotated[AwareDatetime, Field(strict=False)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]


class ArchiveRow(BaseModel):
    """What the catalog alone knows of an archive; the rest is in its manifest."""

    model_config = ConfigDict(strict=True, frozen=True)

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)]
    owner: Annotated[str, Field(pattern=rf"^{OWNER.pattern}\z")]
    file_name: Annotated[str, Field(min_length=1, max_length=MAX_FILE_NAME_BYTES)]
    size_bytes: Annotated[int, Field(ge=0, lt=2**63)]
    removed_at: Annotated[AwareDatetime | None, Field(strict=False)] = None


class ConnectionRow(BaseModel):
    """A connection without its secrets: what a person needs to add it again."""

    model_config = ConfigDict(strict=True, frozen=True)

    kind: Annotated[str, Field(pattern=r"^[a-z]{1,16}\z")]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    path: Annotated[str, Field(max_length=4096)] | None = None
    folder_id: Annotated[str, Field(max_length=128)] | None = None
    client_id: Annotated[str, Field(max_length=256)] | None = None
    active: bool = False


class _Tombstone(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    archive_id: str
    reason: Annotated[str, Field(max_length=64)]


_ARCHIVES = TypeAdapter(dict[Annotated[str, Field(pattern=rf"^{ARCHIVE_ID.pattern}\z")], ArchiveRow])
_CONNECTIONS = TypeAdapter(dict[Annotated[str, Field(pattern=rf"^{_ROW_ID.pattern}\z")], ConnectionRow])
_ROWS = TypeAdapter(dict[Annotated[str, Field(pattern=rf"^{_ROW_ID.pattern}\z")], Row])
_TOMBSTONES = TypeAdapter(dict[str, _Tombstone])


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogCopy:
    """One that was read whole and is what it was when it was made. What its rows say is still hostile input."""

    header: Header
    archives: Mapping[str, ArchiveRow]
    connections: Mapping[str, ConnectionRow]
    settings: Row
    users: Mapping[str, Row]
    scripts: Mapping[str, Row]
    deployments: Mapping[str, Row]
    buried: frozenset[str]
    """Archives whose removal was past its undo time."""

    def is_removed(self, archive_id: str) -> bool:
        row = self.archives.get(archive_id)
        return row.removed_at is not None if row else archive_id in self.buried


# Made


def tables_of(tables: Mapping[str, Iterable[tuple[str, Mapping[str, Any]]]]) -> bytes:
    """The tables, a line a row; the same rows are always the same bytes. Row after row: all at once would take ten times the memory."""
    text = BytesIO()
    text.write(b"{")
    for number, name in enumerate(sorted(tables)):
        text.write((",\n" if number else "\n").encode() + json.dumps(name).encode() + b": {")
        for count, (row_id, row) in enumerate(sorted(tables[name], key=lambda pair: pair[0])):
            text.write(b",\n" if count else b"\n")
            text.write(f"{json.dumps(row_id)}: {json.dumps(row, sort_keys=True)}".encode())
        text.write(b"}")
    text.write(b"}")
    return text.getvalue()


def copy_of(tables: bytes, appliance_id: str, serial: int, made_at: datetime) -> bytes:
    """The whole copy."""
    header = {
        "format": _FORMAT, "version": _VERSION, "appliance_id": appliance_id, "serial": serial, "made_at": clock.iso(made_at),
        "sha256": hashlib.sha256(tables).hexdigest(),
    }  # fmt: skip
    return json.dumps(header).encode()[:-1] + _BREAK + tables + _END


def without_secrets(value: Any) -> Any:
    """The same without whatever is called by a secret's name, all the way down."""
    if isinstance(value, Mapping):
        return {key: without_secrets(each) for key, each in value.items() if not SECRET_KEY.search(str(key))}
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    return value


# Read


def header_of(beginning: bytes) -> Header:
    """From the first HEADER_BYTES of a copy. Raises Damaged, NewerFormat."""
    head, found, _ = beginning[:HEADER_BYTES].partition(_BREAK)
    if not found:
        _bad("it does not begin as one")
    document = _parsed(head + b"}")
    version = document.get("version")
    if document.get("format") == _FORMAT and type(version) is int and version > _VERSION:
        raise NewerFormat("the copy of the catalog was written by a newer version of the appliance; upgrade this one first")
    try:
        return Header.model_validate(document)
    except ValidationError as error:
        _bad(_first(error))


def read_copy(content: bytes) -> CatalogCopy:
    """Raises Damaged with the cause, NewerFormat."""
    if len(content) > MAX_COPY_BYTES:
        _bad(f"it has {len(content):,} bytes, more than {MAX_COPY_BYTES:,}")
    header = header_of(content)
    tables = content[content.index(_BREAK) + len(_BREAK) : -len(_END)]
    if not content.endswith(_END) or hashlib.sha256(tables).hexdigest() != header.sha256:
        _bad("its end is missing, or it is not as it was written")
    return _checked(header, _parsed(tables))


def _checked(header: Header, tables: Row) -> CatalogCopy:
    connections = tables.get("connections", {})
    if not isinstance(connections, dict) or len(connections) > _MOST_CONNECTIONS:
        _bad("it names too many connections")
    try:
        rows = {name: _ROWS.validate_python(tables.get(name, {})) for name in ("settings", "users", "scripts", "deployments")}
        stones = _TOMBSTONES.validate_python(tables.get("tombstones", {}))
        return CatalogCopy(
            header=header,
            archives=_ARCHIVES.validate_python(tables.get("archives", {})),
            connections=_CONNECTIONS.validate_python(connections),
            settings=rows["settings"].get("values", {}),
            users=rows["users"],
            scripts=rows["scripts"],
            deployments=rows["deployments"],
            buried=frozenset(stone.archive_id for stone in stones.values() if stone.reason == "removed"),
        )
    except ValidationError as error:
        _bad(_first(error))


def _parsed(text: bytes) -> Row:
    try:
        document = json.loads(text.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        _bad(f"it is not JSON ({error})")
    if not isinstance(document, dict):
        _bad("it is not a JSON object")
    return document


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(each)[:64] for each in first['loc'])}: {first['msg']}"


def _bad(cause: str) -> NoReturn:
    raise Damaged(f"the copy of the catalog cannot be used: {cause}")
