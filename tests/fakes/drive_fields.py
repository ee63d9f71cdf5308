"""Resources as Drive shows them, and the ``fields`` masks that choose from them (https://developers.google.com/workspace/drive/api/guides/fields-parameter)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from googleapiclient.discovery_cache import get_static_doc

from tests.fakes.drive_files import File, Files

Mask = dict[str, "Mask"]
"""What is wanted; an empty inner mask is all of it."""

_DEFAULT = "kind,id,name,mimeType"


class InvalidFields(ValueError):
    """Drive answers this with 400 and location ``fields``."""


@cache
def _schemas() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(get_static_doc("drive", "v3"))  # type: ignore[no-untyped-call]  # the library has no types here
    return {name: schema["properties"] for name, schema in document["schemas"].items()}


@lru_cache(maxsize=1024)
def mask(fields: str, schema: str) -> Mask:
    """Raises InvalidFields for what the schema of the public API does not have."""
    parsed, rest = _parsed(fields.replace(" ", ""), 0)
    if rest != len(fields.replace(" ", "")):
        raise InvalidFields(fields)
    _check(parsed, schema)
    return parsed


def _parsed(text: str, at: int) -> tuple[Mask, int]:
    wanted: Mask = {}
    while True:
        start = at
        while at < len(text) and text[at] not in ",()/":
            at += 1
        if at == start:
            raise InvalidFields(text)
        inner: Mask = {}
        name = text[start:at]
        if text[at : at + 1] == "/":
            inner, at = _path(text, at + 1)
        elif text[at : at + 1] == "(":
            inner, at = _parsed(text, at + 1)
            if text[at : at + 1] != ")":
                raise InvalidFields(text)
            at += 1
        wanted[name] = {**wanted.get(name, {}), **inner}
        if text[at : at + 1] != ",":
            return wanted, at
        at += 1


def _path(text: str, at: int) -> tuple[Mask, int]:
    """What follows a slash: one name, with what is below it."""
    end = at
    while end < len(text) and text[end] not in ",)":
        if text[end] == "(":
            end = text.index(")", end)
        end += 1
    inner, _ = _parsed(text[at:end], 0)
    return inner, end


def _check(wanted: Mask, schema: str) -> None:
    _check_names(wanted, _schemas()[schema])


def _check_names(wanted: Mask, properties: dict[str, Any]) -> None:
    for name, inner in wanted.items():
        if name == "*":
            continue
        if name not in properties:
            raise InvalidFields(name)
        told = properties[name].get("items", properties[name])
        if "$ref" in told:
            _check(inner, told["$ref"])
        elif inner and "additionalProperties" not in told:
            _check_names(inner, told.get("properties", {}))


def chosen(resource: dict[str, Any], wanted: Mask) -> dict[str, Any]:
    """The part of a resource that the mask names."""
    if not wanted or "*" in wanted:
        return resource
    return {name: _inside(resource[name], inner) for name, inner in wanted.items() if name in resource}


def _inside(value: Any, wanted: Mask) -> Any:
    if isinstance(value, dict):
        return chosen(value, wanted)
    return [_inside(one, wanted) for one in value] if isinstance(value, list) else value


_LINKS = {True: "https://drive.google.com/drive/folders/", False: "https://drive.google.com/file/d/"}

_SHOWN: dict[str, Callable[[Files, File], Any]] = {
    "kind": lambda _, __: "drive#file",
    "id": lambda _, file: file.id,
    "name": lambda _, file: file.name,
    "mimeType": lambda _, file: file.mime_type,
    "parents": lambda _, file: file.parents or None,
    "trashed": lambda files, file: files.is_trashed(file),
    "explicitlyTrashed": lambda _, file: file.trashed,
    "starred": lambda _, __: False,
    "spaces": lambda _, __: ["drive"],
    "ownedByMe": lambda _, __: True,
    "size": lambda _, file: None if file.size_bytes is None else str(file.size_bytes),
    "quotaBytesUsed": lambda _, file: str(file.size_bytes or 0),
    "md5Checksum": lambda _, file: file.checksums.get("md5"),
    "sha1Checksum": lambda _, file: file.checksums.get("sha1"),
    "sha256Checksum": lambda _, file: file.checksums.get("sha256"),
    "createdTime": lambda _, file: file.created_time,
    "modifiedTime": lambda _, file: file.modified_time,
    "appProperties": lambda _, file: file.app_properties or None,
    "headRevisionId": lambda _, file: None if file.is_folder else file.revision,
    "originalFilename": lambda _, file: None if file.is_folder else file.name,
    "webViewLink": lambda _, file: _LINKS[file.is_folder] + file.id,
    "capabilities": lambda _, file: {
        "canEdit": True, "canTrash": True, "canUntrash": True, "canDelete": True, "canDownload": not file.is_folder,
        "canAddChildren": file.is_folder,
    },
    "description": lambda _, file: file.other.get("description"),
    "properties": lambda _, file: file.other.get("properties"),
}  # fmt: skip


def shown(files: Files, file: File, wanted: Mask) -> dict[str, Any]:
    """The file as Drive shows it, of that only what is wanted; nothing is said of what it does not have."""
    names = _SHOWN if not wanted or "*" in wanted else wanted
    rendered = {name: value for name in names if name in _SHOWN and (value := _SHOWN[name](files, file)) is not None}
    return chosen(rendered, wanted)


def file_mask(fields: str | None) -> Mask:
    """Raises InvalidFields."""
    return mask(fields or _DEFAULT, "File")


def list_mask(fields: str | None) -> tuple[Mask, Mask]:
    """The mask of a page, and that of each file in it. Raises InvalidFields."""
    page = mask(fields or f"kind,nextPageToken,incompleteSearch,files({_DEFAULT})", "FileList")
    return page, {} if "*" in page else page.get("files", {})
