"""How the layout looks on Google Drive: the marks on our files and folders, and Drive's file resources, believed in nothing.

Every file and folder of ours carries ``appProperties``, which only our OAuth client can read and write. So one query finds all of
an appliance at a thousand a page, whatever a person calls or moves::

    pyarchive_role         top | readme | appliance | owner | archive | batch | manifest | catalog | probe
    pyarchive_place        the id of the top folder (not on that one itself): an account may have several
    pyarchive_appliance    the appliance's id (not on top folder and README)
    pyarchive_archive      the archive's id, or "catalog" (on folders of archives and what is in them)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from appliance.errors import BadRequest
from appliance.names import ARCHIVE_ID
from appliance.remotes.layout import CATALOG, MANIFEST_NAME, is_copy_name, is_object_name
from appliance.remotes.remote import Object

Role = Literal["top", "readme", "appliance", "owner", "archive", "batch", "manifest", "catalog", "probe"]

FOLDER_TYPE = "application/vnd.google-apps.folder"
FILE_TYPE = "application/octet-stream"
"""Nothing that Google would look into, convert or show."""

ROLE, PLACE, APPLIANCE, ARCHIVE = "pyarchive_role", "pyarchive_place", "pyarchive_appliance", "pyarchive_archive"
FIELDS = "id,name,mimeType,size,md5Checksum,sha256Checksum,trashed,explicitlyTrashed,parents,createdTime,modifiedTime,appProperties"
STORED_FIELDS = "id,name,size,md5Checksum,sha256Checksum,trashed,appProperties"
"""What is wanted at the end of an upload. Not more: it stands in the session's URI, and that in the ledger."""

NO_SHA256 = bytes(32)
"""Of what stands under an id but is not what it should be: no content has it."""

_FILE_ID = re.compile(r"[A-Za-z0-9_-]{5,128}")
_MD5, _SHA256 = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class DriveFile:
    """A file or folder as Drive describes it. ``trashed`` may come from a folder above, ``trashed_itself`` does not."""

    id: str
    name: str
    is_folder: bool
    size_bytes: int
    md5: bytes | None
    sha256: bytes | None
    trashed: bool
    trashed_itself: bool
    parents: tuple[str, ...]
    created: str
    modified: str
    marks: Mapping[str, str]

    @classmethod
    def of(cls, resource: Any) -> Self | None:
        """None for what cannot be a file resource with ``FIELDS``."""
        if not isinstance(resource, dict) or not is_file_id(resource.get("id")):
            return None
        is_folder = resource.get("mimeType") == FOLDER_TYPE
        size = resource.get("size")
        if not is_folder and not (isinstance(size, str) and _DIGITS.fullmatch(size)):
            return None
        parents, marks = resource.get("parents"), resource.get("appProperties")
        return cls(
            id=resource["id"],
            name=_text(resource.get("name")),
            is_folder=is_folder,
            size_bytes=0 if is_folder else int(str(size)),
            md5=_digest(_MD5, resource.get("md5Checksum")),
            sha256=_digest(_SHA256, resource.get("sha256Checksum")),
            trashed=resource.get("trashed") is not False,
            trashed_itself=resource.get("explicitlyTrashed") is True,
            parents=tuple(filter(is_file_id, parents)) if isinstance(parents, list) else (),
            created=_text(resource.get("createdTime")),
            modified=_text(resource.get("modifiedTime")),
            marks={key: value for key, value in marks.items() if isinstance(value, str)} if isinstance(marks, dict) else {},
        )

    @property
    def role(self) -> str | None:
        return self.marks.get(ROLE)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _digest(pattern: re.Pattern[str], text: object) -> bytes | None:
    return bytes.fromhex(text) if isinstance(text, str) and pattern.fullmatch(text) else None


def is_file_id(value: object) -> bool:
    return isinstance(value, str) and _FILE_ID.fullmatch(value) is not None


def checked_id(remote_id: str) -> str:
    """Raises BadRequest where it cannot be the id of a file on Drive."""
    if not is_file_id(remote_id):
        raise BadRequest(f"{remote_id[:64]!r} is no id of an object on Google Drive")
    return remote_id


def checked_archive(archive_id: str) -> str:
    """An archive's id, or that of the catalog's copies. Raises BadRequest."""
    if archive_id != CATALOG and not ARCHIVE_ID.fullmatch(archive_id):
        raise BadRequest(f"{archive_id[:64]!r} is no id of an archive")
    return archive_id


def role_of(archive_id: str, name: str) -> Role | None:
    """What an object of that name is; None where there is none of that name."""
    if archive_id == CATALOG:
        return "catalog" if is_copy_name(name) else None
    if not ARCHIVE_ID.fullmatch(archive_id) or not is_object_name(name):
        return None
    return "manifest" if name == MANIFEST_NAME else "batch"


def checked_role(archive_id: str, name: str) -> Role:
    """Raises BadRequest where no object may have that name."""
    role = role_of(archive_id, name)
    if role is None:
        raise BadRequest(f"{name[:64]!r} is no name of an object of archive {archive_id[:64]!r}")
    return role


def object_of(file: DriveFile) -> Object | None:
    """None for what is not, by its name and marks, a batch, a manifest or a copy of the catalog."""
    archive_id = file.marks.get(ARCHIVE, "")
    if file.is_folder or file.role is None or file.role != role_of(archive_id, file.name):
        return None
    md5 = file.md5 if file.sha256 is None else None
    return Object(file.id, archive_id, file.name, file.size_bytes, file.sha256, file.trashed, md5)


def object_or_stranger(file: DriveFile) -> Object:
    """What stands under an id: where that is none of our objects, one that is right for no content."""
    return object_of(file) or Object(file.id, file.marks.get(ARCHIVE, ""), file.name, file.size_bytes, NO_SHA256, file.trashed)


def having(marks: Mapping[str, str], *conditions: str) -> str:
    """A search for files that carry these marks and meet the conditions.

    https://developers.google.com/workspace/drive/api/guides/search-files
    """
    found = (f"appProperties has {{ key='{_quoted(key)}' and value='{_quoted(value)}' }}" for key, value in marks.items())
    return " and ".join([*found, *conditions])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
