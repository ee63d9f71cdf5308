"""Uploads of content to the fake Drive: sessions, and small files in one request with their metadata."""

from __future__ import annotations

import email.parser
import email.policy
import json
from typing import Any

from tests.fakes.drive_api import Api, refused
from tests.fakes.drive_faults import Fault, drive_error
from tests.fakes.drive_files import File
from tests.fakes.drive_http import Request, Response
from tests.fakes.drive_oauth import Caller
from tests.fakes.drive_uploads import UNIT_BYTES, ContentRange, Receiver, Session
from tests.fakes.drive_world import World

_MIME = "application/octet-stream"


class UploadApi:
    """Everything below /upload. Each method raises Refused."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api
        self.files = world.files

    def open(self, request: Request, caller: Caller, file_id: str | None) -> Response:
        """A session for a new file, or for a new content of the file."""
        metadata = json.loads(request.body.read() or b"{}")
        total = request.headers.get("x-upload-content-length")
        with self.files.lock:
            self._room(int(total or 0))
            file = self.api.new_file(metadata, caller) if file_id is None else self.api.visible(caller, file_id)
            session = self._session(request, metadata, file, is_update=file_id is not None)
        with self.world.lock:
            self.world.sessions[session.id] = session
        scheme = "https" if request.is_tls else "http"
        location = f"{scheme}://{request.host}{request.path}?uploadType=resumable&upload_id={session.id}"
        return Response(200, b"", {"Location": location, "X-GUploader-UploadID": session.id})

    def _room(self, size_bytes: int) -> None:
        if not self.world.has_room(size_bytes):
            raise refused(403, "storageQuotaExceeded", "The user's Drive storage quota has been exceeded.")

    def _session(self, request: Request, metadata: dict[str, Any], file: File, *, is_update: bool) -> Session:
        total = request.headers.get("x-upload-content-length")
        return Session(
            metadata=metadata,
            file=file,
            is_update=is_update,
            fields=request.query.get("fields"),
            opening=request,
            path=self.world.sessions_folder / self.files.content_path(file.id).name,
            target=_target(metadata, file, is_update=is_update),
            total_bytes=None if total is None else int(total),
            mime_type=request.headers.get("x-upload-content-type", _MIME),
            hashing=self.world.hashing(),
        )

    def at_once(self, request: Request, caller: Caller, file_id: str | None) -> Response:
        """uploadType=multipart or media."""
        content = request.body.read()
        metadata: dict[str, Any] = {}
        mime_type = request.headers.get("content-type", _MIME)
        if request.query.get("uploadType") == "multipart":
            metadata, mime_type, content = _parts(mime_type, content)
        with self.files.lock:
            self._room(len(content))
            file = self.api.new_file(metadata, caller) if file_id is None else self.api.visible(caller, file_id)
            self.world.meter.received(_target(metadata, file, is_update=file_id is not None), 0, len(content))
            if file_id is None:
                self.files.add(file)
            else:
                self.api.apply(file, metadata, request, caller)
            if "mimeType" not in metadata:
                self.files.change(file, mime_type=mime_type)
            self.files.write(file, content, self.world.checksums)
            return self.api.show(file, request.query.get("fields"))

    def continued(self, request: Request, session: Session, fault: Fault | None) -> Response:
        """A chunk, or a question how much is kept."""
        session.take_over()
        try:
            session.receiving = request.body.wire
            if session.id not in self.world.sessions:
                return self.unknown()
            return self._continued(request, session, fault)
        finally:
            session.receiving = None
            session.lock.release()

    def unknown(self) -> Response:
        return drive_error(self.world.expired_status, "notFound" if self.world.expired_status == 404 else "", "Upload session not found.")

    def _continued(self, request: Request, session: Session, fault: Fault | None) -> Response:
        asked = ContentRange.of(request)
        if session.result is not None:
            self._thrown_away(request, session, asked)
            return self._finished(session)
        if asked is None:
            return self._wrong(request, session, asked, "Failed to parse Content-Range header.")
        if asked.total is not None and session.total_bytes is not None and asked.total != session.total_bytes:
            return self._wrong(request, session, asked, f"the total is {asked.total} byte(s), {session.total_bytes} were announced")
        if asked.total is not None:
            session.total_bytes = asked.total
        if asked.start is not None and (wrong := _wrong_chunk(request, session, asked)):
            return self._wrong(request, session, asked, wrong)
        if asked.start is not None:
            self._receive(request, session, asked, fault)
        return self._finished(session) if session.kept_bytes == session.total_bytes else incomplete(session)

    def _wrong(self, request: Request, session: Session, asked: ContentRange | None, text: str) -> Response:
        self.world.violation(text)
        self._thrown_away(request, session, asked)
        return drive_error(400, "badRequest", f"Invalid request. {text}")

    def thrown_away(self, request: Request, session: Session) -> None:
        """A chunk that is refused whatever it holds."""
        self._thrown_away(request, session, ContentRange.of(request))

    def _thrown_away(self, request: Request, session: Session, asked: ContentRange | None) -> None:
        start = 0 if asked is None or asked.start is None else asked.start
        self.world.meter.received(session.target, start, request.body.throw_away())

    def _receive(self, request: Request, session: Session, asked: ContentRange, fault: Fault | None) -> None:
        assert asked.start is not None
        assert asked.end is not None
        overlap_bytes = session.kept_bytes - asked.start
        if overlap_bytes:
            self.world.violation(f"a chunk from {asked.start}, where {session.kept_bytes} were confirmed")
            self.world.meter.received(session.target, asked.start, request.body.throw_away(overlap_bytes))
        keep_bytes = asked.end - session.kept_bytes
        if fault is not None and fault.kind == "partial":
            keep_bytes = min(keep_bytes, fault.how["keep_bytes"])
        Receiver(session, self.world.meter).receive(request.body, keep_bytes)
        if not request.body.is_cut:
            start = session.kept_bytes
            self.world.meter.received(session.target, start, request.body.throw_away())

    def _finished(self, session: Session) -> Response:
        with self.files.lock:
            if session.result is None:
                self._finish(session)
            file = self.files.by_id.get(session.file.id)
            if file is None:
                return drive_error(404, "notFound", f"File not found: {session.file.id}.")
            return self.api.show(file, session.fields)

    def _finish(self, session: Session) -> None:
        """Raises Refused where another request was faster, or nothing fits any more."""
        file, total_bytes = session.file, session.total_bytes or 0
        self._room(total_bytes)
        if session.is_update:
            self.api.apply(file, session.metadata, session.opening, Caller(file.client_id, "", "all"))
        else:
            self.api.free_id({"id": file.id} if "id" in session.metadata else {})
            self.files.add(file)
        if "mimeType" not in session.metadata:
            self.files.change(file, mime_type=session.mime_type)
        session.path.touch()
        path = session.path.rename(self.files.content_path(file.id))
        self.files.replace_content(file, path, total_bytes, session.hashing.digests())
        session.result = file.id

    def forget(self, session: Session) -> None:
        """As after a week."""
        with self.world.lock:
            self.world.sessions.pop(session.id, None)
        session.path.unlink(missing_ok=True)

    def lose(self, session: Session) -> None:
        """Nothing of it is kept; the session goes on from zero."""
        session.kept_bytes = 0
        session.hashing = self.world.hashing()


def incomplete(session: Session) -> Response:
    """308: how much is kept, where anything is."""
    headers = {"Range": f"bytes=0-{session.kept_bytes - 1}"} if session.kept_bytes else {}
    return Response(308, b"", headers | {"X-GUploader-UploadID": session.id})


def _wrong_chunk(request: Request, session: Session, asked: ContentRange) -> str | None:
    assert asked.start is not None
    assert asked.end is not None
    size_bytes = asked.end - asked.start
    if request.content_bytes != size_bytes:
        return f"There were {request.content_bytes} byte(s) in the request body. There should have been {size_bytes} byte(s)."
    if session.total_bytes is not None and asked.end > session.total_bytes:
        return f"The chunk ends at {asked.end}, behind the end at {session.total_bytes}."
    if asked.start > session.kept_bytes:
        return f"The upload offset is {asked.start} byte(s), which exceeds already uploaded size of {session.kept_bytes} byte(s)."
    if not asked.is_last and size_bytes % UNIT_BYTES:
        return f"A chunk of {size_bytes} byte(s), which is not a multiple of {UNIT_BYTES}."
    return None


def _target(metadata: dict[str, Any], file: File, *, is_update: bool) -> tuple[str, ...]:
    """What is received again when it is received again: the id or, without one, the name; of an update the revision that it replaces."""
    if is_update:
        return file.id, file.revision
    return (file.id,) if "id" in metadata else (file.parents[0], file.name)


def _parts(content_type: str, content: bytes) -> tuple[dict[str, Any], str, bytes]:
    """Metadata, type and content of a multipart/related body (RFC 2387)."""
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode())
    boundary = parsed.get_boundary()
    if boundary is None:
        raise refused(400, "badContent", "Missing multipart boundary")
    pieces = content.split(b"--" + boundary.encode())
    if len(pieces) < 4:
        raise refused(400, "badContent", "Malformed multipart body.")
    _, metadata = _split(pieces[1])
    # A boundary cannot stand in the content, so that what lies between the second and the last one is all of it.
    head, media = _split(pieces[2])
    return json.loads(metadata), head.get("content-type", _MIME), media


def _split(piece: bytes) -> tuple[dict[str, str], bytes]:
    line_end = b"\r\n" if piece.startswith(b"\r\n") else b"\n"
    head, _, content = piece.removeprefix(line_end).partition(line_end * 2)
    lines = (line.partition(":") for line in head.decode().splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in lines}, content.removesuffix(line_end)
