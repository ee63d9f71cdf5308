"""Names of files in a folder, and what is meant by them: a download from Drive renames what it has twice under one name."""

from __future__ import annotations

import re

from appliance.errors import BadRequest
from appliance.names import ARCHIVE_ID
from appliance.remotes.layout import CATALOG, is_copy_name, is_object_name

_RENAMED = re.compile(r"([0-9]{8}|manifest) ?\([0-9]{1,4}\)(|\.json)")


def meant_name(file_name: str) -> str | None:
    """The name of the object in a file: "00000001" for "00000001", "00000001(1)" and "00000001 (1)"; None where it is none of ours."""
    renamed = _RENAMED.fullmatch(file_name)
    name = renamed[1] + renamed[2] if renamed else file_name
    return name if is_object_name(name) else None


def split_id(remote_id: str) -> tuple[str, str]:
    """Archive id and name of the object. Raises BadRequest for all that does not stay in its place."""
    archive_id, _, file_name = remote_id.partition("/")
    if archive_id == CATALOG and is_copy_name(file_name):
        return archive_id, file_name
    name = meant_name(file_name) if ARCHIVE_ID.fullmatch(archive_id) else None
    if name is None:
        raise BadRequest(f"{remote_id[:64]!r} is no id of an object in a folder")
    return archive_id, name
