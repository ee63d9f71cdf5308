"""Drive API v3 of the fake Drive: everything but uploads of content."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from tests.fakes.drive_faults import drive_error
from tests.fakes.drive_fields import InvalidFields, chosen, file_mask, list_mask, mask, shown
from tests.fakes.drive_files import ROOT_ID, File, new_id, now_text
from tests.fakes.drive_http import FilePart, Request, Response
from tests.fakes.drive_oauth import Caller
from tests.fakes.drive_query import InvalidQuery, found
from tests.fakes.drive_world import World

T = TypeVar("T")

_KEPT_LISTS = 64
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_ORDERS: dict[str, Callable[[File], Any]] = {
    "name": lambda file: file.name,
    "name_natural": lambda file: file.name,
    "createdTime": lambda file: file.created_time,
    "modifiedTime": lambda file: file.modified_time,
    "quotaBytesUsed": lambda file: file.size_bytes or 0,
    "folder": lambda file: not file.is_folder,
}
_SETTABLE = {"name": "name", "mimeType": "mime_type", "modifiedTime": "modified_time", "createdTime": "created_time", "trashed": "trashed"}
_OTHER = {"description", "properties", "starred"}


class Refused(Exception):
    """Carries what is answered instead."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def refused(status: int, reason: str = "", message: str = "", *, location: str = "") -> Refused:
    return Refused(drive_error(status, reason, message, location=location))


def json_response(resource: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(resource).encode(), {"Content-Type": "application/json; charset=UTF-8", "Cache-Control": "no-store"})


class Api:
    """One method an operation. Each raises Refused."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.files = world.files

    def visible(self, caller: Caller, file_id: str) -> File:
        if file_id in {"root", ROOT_ID} and caller.sees_all:
            return self.world.root()
        file = self.world.visible(caller, file_id)
        if file is None:
            raise refused(404, "notFound", f"File not found: {file_id}.", location="fileId")
        return file

    def show(self, file: File, fields: str | None, status: int = 200) -> Response:
        return json_response(shown(self.files, file, _checked(lambda: file_mask(fields))), status)

    def generate_ids(self, request: Request, _: Caller) -> Response:
        count = int(request.query.get("count", "10"))
        if not 1 <= count <= 1000:
            raise refused(400, "invalidParameter", f"Invalid value '{count}'. Values must be within the range: [1, 1000]", location="count")
        ids = [new_id() for _ in range(count)]
        with self.world.lock:
            self.world.generated.update(ids)
        answer = {"kind": "drive#generatedIds", "space": "drive", "ids": ids}
        return json_response(chosen(answer, _checked(lambda: mask(request.query.get("fields") or "*", "GeneratedIds"))))

    def new_file(self, metadata: dict[str, Any], caller: Caller) -> File:
        """A record that is not in the index yet."""
        parents = [ROOT_ID if parent == "root" else parent for parent in metadata.get("parents") or ["root"]]
        if len(parents) > 1:
            raise refused(400, "invalidParameter", "A file cannot have more than one parent.")
        file = File(self.free_id(metadata), metadata.get("name", "Untitled"), caller.client_id, parents)
        if parents != [ROOT_ID]:
            self.visible(caller, parents[0])
        for name, value in _changes(metadata, file).items():
            setattr(file, name, value)
        return file

    def free_id(self, metadata: dict[str, Any]) -> str:
        """The id that the client asks for, or a new one."""
        wanted = metadata.get("id")
        if wanted is None:
            return new_id()
        if wanted in self.files.by_id:
            raise refused(409, "fileIdInUse", "A file already exists with the provided ID.")
        if wanted not in self.world.generated:
            raise refused(400, "invalid", "The provided file ID is not usable.", location="file.id")
        return str(wanted)

    def create(self, request: Request, caller: Caller) -> Response:
        metadata = json.loads(request.body.read() or b"{}")
        with self.files.lock:
            file = self.new_file(metadata, caller)
            self.files.add(file)
            if not file.is_folder:
                self.files.write(file, b"", self.world.checksums)
            return self.show(file, request.query.get("fields"))

    def get(self, request: Request, caller: Caller, file_id: str) -> Response:
        with self.files.lock:
            return self.show(self.visible(caller, file_id), request.query.get("fields"))

    def download(self, request: Request, caller: Caller, file_id: str) -> Response:
        with self.files.lock:
            file = self.visible(caller, file_id)
            if file.content is None:
                raise refused(403, "fileNotDownloadable", "Only files with binary content can be downloaded.")
            if file_id in self.world.abusive and request.query.get("acknowledgeAbuse") != "true":
                raise refused(
                    403, "cannotDownloadAbusiveFile", "This file has been identified as malware or spam and cannot be downloaded."
                )
            size_bytes = file.content.stat().st_size
            response = _part(file, size_bytes, request.headers.get("range"))
        with self.world.lock:
            self.world.sent_bytes += response.size_bytes
        return response

    def list_files(self, request: Request, caller: Caller) -> Response:
        page_mask, shown_mask = _checked(lambda: list_mask(request.query.get("fields")))
        page_size = int(request.query.get("pageSize", "100"))
        if not 1 <= page_size <= 1000:
            raise refused(
                400, "invalidParameter", f"Invalid value '{page_size}'. Values must be within the range: [1, 1000]", location="pageSize"
            )
        with self.files.lock:
            key, at, ids = self._place(request, caller)
            page = [self.files.by_id[file_id] for file_id in ids[at : at + page_size] if file_id in self.files.by_id]
            answer: dict[str, Any] = {
                "kind": "drive#fileList", "incompleteSearch": False, "files": [shown(self.files, file, shown_mask) for file in page],
            }  # fmt: skip
        if at + page_size < len(ids):
            answer["nextPageToken"] = f"{key}~{at + page_size}"
        return json_response({name: value for name, value in answer.items() if not page_mask or name in page_mask or "*" in page_mask})

    def _place(self, request: Request, caller: Caller) -> tuple[str, int, list[str]]:
        """The list that a page is of (its ids as they were at the first page), and where the page begins."""
        query = request.query.get("q", "")
        token = request.query.get("pageToken")
        if token:
            key, _, at = token.partition("~")
            of_query, ids = self.world.lists.get(key, (None, []))
            if of_query != query or not at.isdigit():
                raise refused(400, "invalid", "Invalid Value", location="pageToken")
            return key, int(at), ids
        key = secrets.token_hex(12)
        ids = self._found(query, request.query.get("orderBy", ""), caller)
        self.world.lists[key] = (query, ids)
        while len(self.world.lists) > _KEPT_LISTS:
            del self.world.lists[next(iter(self.world.lists))]
        return key, 0, ids

    def _found(self, query: str, order: str, caller: Caller) -> list[str]:
        try:
            files = found(self.files, query)
        except InvalidQuery as error:
            raise refused(400, "invalid", "Invalid Value", location="q") from error
        files = [
            file for file in files if (caller.sees_all or file.client_id == caller.client_id) and not self.world.lag.hides(self.files, file)
        ]
        for word in reversed([word.strip() for word in order.split(",") if word.strip()]):
            name, _, direction = word.partition(" ")
            if name not in _ORDERS:
                raise refused(400, "invalid", "Invalid Value", location="orderBy")
            files.sort(key=_ORDERS[name], reverse=direction == "desc")
        return [file.id for file in files]

    def update(self, request: Request, caller: Caller, file_id: str) -> Response:
        metadata = json.loads(request.body.read() or b"{}")
        with self.files.lock:
            file = self.visible(caller, file_id)
            self.apply(file, metadata, request, caller)
            return self.show(file, request.query.get("fields"))

    def apply(self, file: File, metadata: dict[str, Any], request: Request, caller: Caller) -> None:
        """What an update says beside a new content."""
        if "parents" in metadata:
            raise refused(403, "fieldNotWritable", "The parents field is not directly writable in update requests.")
        if file.id in {"root", ROOT_ID}:
            raise refused(403, "insufficientFilePermissions", "The user does not have sufficient permissions for this file.")
        changes = _changes(metadata, file)
        gone = request.query.get("removeParents", "").split(",")
        added = [ROOT_ID if parent == "root" else parent for parent in request.query.get("addParents", "").split(",") if parent]
        for parent in added:
            if parent != ROOT_ID:
                self.visible(caller, parent)
        parents = [parent for parent in file.parents if parent not in gone and not (parent == ROOT_ID and "root" in gone)]
        if len(set(parents + added)) > 1:
            raise refused(403, "cannotAddParent", "Increasing the number of parents is not allowed")
        self.files.change(file, parents=parents or added, **changes)
        if changes and "modified_time" not in changes and changes.keys() != {"trashed"}:
            self.files.change(file, modified_time=now_text())

    def delete(self, _: Request, caller: Caller, file_id: str) -> Response:
        with self.files.lock:
            self.files.remove(self.visible(caller, file_id).id)
        return Response(204)

    def empty_trash(self, _: Request, caller: Caller) -> Response:
        with self.files.lock:
            for file in [one for one in self.files.by_id.values() if one.trashed and one.client_id == caller.client_id]:
                self.files.remove(file.id)
        return Response(204)

    def copy(self, request: Request, caller: Caller, file_id: str) -> Response:
        metadata = json.loads(request.body.read() or b"{}")
        with self.files.lock:
            source = self.visible(caller, file_id)
            if source.content is None:
                raise refused(403, "cannotCopyFile", "This file cannot be copied by the user.")
            made = self.new_file({"name": source.name, "parents": source.parents, "mimeType": source.mime_type} | metadata, caller)
            self.files.add(made)
            self.files.write(made, source.content.read_bytes(), self.world.checksums)
            return self.show(made, request.query.get("fields"))

    def about(self, request: Request, caller: Caller) -> Response:
        fields = request.query.get("fields")
        if not fields:
            raise refused(400, "required", "The 'fields' parameter is required for this method.", location="fields")
        with self.files.lock:
            used, trashed = self.world.used_bytes(), self.files.trashed_bytes()
        quota = {"usage": str(used), "usageInDrive": str(self.files.used_bytes()), "usageInDriveTrash": str(trashed)}
        if self.world.limit_bytes is not None:
            quota["limit"] = str(self.world.limit_bytes)
        user = {"kind": "drive#user", "displayName": "Owner", "me": True, "permissionId": "0", "emailAddress": caller.email}
        answer = {
            "kind": "drive#about", "user": user, "storageQuota": quota, "maxUploadSize": str(5 << 40), "appInstalled": True,
            "canCreateDrives": False, "exportFormats": {}, "importFormats": {},
        }  # fmt: skip
        return json_response(chosen(answer, _checked(lambda: mask(fields, "About"))))

    def drives(self, _: Request, __: Caller) -> Response:
        return json_response({"kind": "drive#driveList", "drives": []})

    def start_page_token(self, _: Request, __: Caller) -> Response:
        return json_response({"kind": "drive#startPageToken", "startPageToken": str(self.files.born + 1)})

    def changes(self, request: Request, _: Caller) -> Response:
        return json_response({"kind": "drive#changeList", "newStartPageToken": request.query.get("pageToken", "1"), "changes": []})


def _checked(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except InvalidFields as error:
        raise refused(400, "invalidParameter", f"Invalid field selection {error}", location="fields") from error


def _changes(metadata: dict[str, Any], file: File) -> dict[str, Any]:
    """Attributes by what a client writes; a property that is null goes."""
    changes = {attribute: metadata[name] for name, attribute in _SETTABLE.items() if name in metadata}
    if "appProperties" in metadata:
        given = metadata["appProperties"] or {}
        if too_long := [key for key, value in given.items() if value is not None and len(f"{key}{value}".encode()) > 124]:
            raise refused(400, "propertyTooLong", f"Property {too_long[0]} is too long: key and value may have 124 bytes.")
        changes["app_properties"] = {key: value for key, value in {**file.app_properties, **given}.items() if value is not None}
    if other := {name: metadata[name] for name in _OTHER & metadata.keys()}:
        changes["other"] = {**file.other, **other}
    return changes


def _part(file: File, size_bytes: int, asked: str | None) -> Response:
    """The whole content or a range of it (RFC 9110, 14)."""
    assert file.content is not None
    headers = {"Content-Type": file.mime_type, "Accept-Ranges": "bytes"}
    match = _RANGE.fullmatch(asked or "")
    if match is None or match.groups() == ("", ""):
        return Response(200, FilePart(file.content, 0, size_bytes), headers)
    first, last = match.groups()
    start = int(first) if first else max(0, size_bytes - int(last))
    end = min(size_bytes, int(last) + 1) if first and last else size_bytes
    if start >= end:
        return Response(416, b"", {"Content-Range": f"bytes */{size_bytes}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size_bytes}"
    return Response(206, FilePart(file.content, start, end - start), headers)
