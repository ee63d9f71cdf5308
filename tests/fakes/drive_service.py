"""The fake Drive as a client meets it: every request is named, counted, hindered by a fault where one is due, and answered."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.fakes.drive_api import Api, Refused
from tests.fakes.drive_faults import Fault, drive_error
from tests.fakes.drive_http import Request, Response
from tests.fakes.drive_oauth import Caller, unauthorized
from tests.fakes.drive_upload_api import UploadApi
from tests.fakes.drive_uploads import Session
from tests.fakes.drive_wire import ConnectionBroken
from tests.fakes.drive_words import Operation
from tests.fakes.drive_world import World

_FILES = "/drive/v3/files"
_UPLOADS = ("/upload/drive/v3/files", "/resumable/upload/drive/v3/files")
_FIXED: dict[tuple[str, str], Operation] = {
    ("POST", "/token"): "token",
    ("POST", "/device/code"): "device_code",
    ("GET", "/drive/v3/about"): "about",
    ("GET", "/drive/v3/drives"): "drives",
    ("GET", "/drive/v3/changes"): "changes",
    ("GET", "/drive/v3/changes/startPageToken"): "changes",
    ("GET", _FILES): "list",
    ("POST", _FILES): "create",
    ("GET", _FILES + "/generateIds"): "generate_ids",
    ("DELETE", _FILES + "/trash"): "delete",
}
_OF_A_FILE: dict[str, Operation] = {"GET": "get", "PATCH": "update", "DELETE": "delete", "POST": "copy"}

CUT_BEFORE_ANSWER = -1


class Service:
    """Answers requests. Thread-safe."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._api = Api(world)
        self._uploads = UploadApi(world, self._api)

    def __call__(self, request: Request) -> Response:
        session = self._session(request)
        operation = _operation(request)
        with self.world.lock:
            self.world.requests[operation] += 1
        fault = self.world.faults.pick(operation, _file_id(request, session))
        self.world.line.wait_until_thawed()
        if fault is not None and fault.kind == "freeze":
            self.world.line.freeze()
            self.world.line.wait_until_thawed()
        response = self._hindered(request, operation, session, fault)
        self._wait(fault)
        return response

    def _wait(self, fault: Fault | None) -> None:
        wait_s = self.world.line.latency_s + (fault.how.get("seconds", 0.0) if fault is not None and fault.kind == "latency" else 0.0)
        if wait_s:
            time.sleep(wait_s)
        self.world.line.wait_until_thawed()

    def _session(self, request: Request) -> Session | None:
        with self.world.lock:
            return self.world.sessions.get(request.query.get("upload_id", ""))

    def _hindered(self, request: Request, operation: Operation, session: Session | None, fault: Fault | None) -> Response:
        if fault is None:
            return self._answered(request, operation, session, None)
        if (instead := fault.answer()) is not None:
            if session is not None:
                self._uploads.thrown_away(request, session)
            return instead
        if fault.kind == "cut" and fault.how.get("of", "request") == "request":
            request.body.cut_after_bytes = fault.how.get("after_bytes", 0)
        if fault.kind == "expired" and session is not None:
            self._uploads.thrown_away(request, session)
            self._uploads.forget(session)
            return drive_error(fault.how.get("status", 404), message="Upload session not found.")
        response = self._answered(request, operation, session, fault)
        return self._spoilt(response, session, fault)

    def _spoilt(self, response: Response, session: Session | None, fault: Fault) -> Response:
        """What was done all the same; only the answer suffers."""
        if fault.kind == "lost_answer" or (fault.kind == "cut" and fault.how.get("of", "request") == "request"):
            response.cut_after_bytes = CUT_BEFORE_ANSWER
        elif fault.kind == "cut":
            response.cut_after_bytes = fault.how.get("after_bytes", 0)
        elif fault.kind == "no_range" and session is not None and session.result is None:
            self._uploads.lose(session)
            return Response(308, b"")
        return response

    def _answered(self, request: Request, operation: Operation, session: Session | None, fault: Fault | None) -> Response:
        try:
            return self._done(request, operation, session, fault)
        except Refused as refused:
            return refused.response
        except ConnectionBroken:
            return Response(cut_after_bytes=CUT_BEFORE_ANSWER)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.world.violation(f"{request.method} {request.path}: {error!r}")
            return drive_error(400, "parseError", "Parse Error")

    def _done(self, request: Request, operation: Operation, session: Session | None, fault: Fault | None) -> Response:
        if operation in {"chunk", "status"}:
            return self._uploads.unknown() if session is None else self._uploads.continued(request, session, fault)
        if operation == "token":
            return self.world.oauth.token(request)
        if operation == "device_code":
            return self.world.oauth.device_code(request)
        caller = self.world.oauth.caller(request)
        if caller is None:
            return unauthorized()
        return self._method(request, operation)(request, caller)

    def _method(self, request: Request, operation: Operation) -> Callable[[Request, Caller], Response]:
        api, file_id = self._api, _file_id(request, None)
        if request.path.startswith(_UPLOADS):
            method = self._uploads.open if operation == "open" else self._uploads.at_once
            return lambda request, caller: method(request, caller, file_id)
        if operation == "delete" and file_id is None:
            return api.empty_trash
        if operation == "changes":
            return api.start_page_token if request.path.endswith("startPageToken") else api.changes
        whole: dict[Operation, Callable[[Request, Caller], Response]] = {
            "list": api.list_files, "create": api.create, "generate_ids": api.generate_ids, "about": api.about, "drives": api.drives,
        }  # fmt: skip
        if operation in whole:
            return whole[operation]
        of_a_file: dict[Operation, Callable[[Request, Caller, str], Response]] = {
            "get": api.get, "download": api.download, "update": api.update, "delete": api.delete, "copy": api.copy,
        }  # fmt: skip
        if file_id is None or operation not in of_a_file:
            return lambda *_: drive_error(404, "notFound", "Not Found")
        return lambda request, caller: of_a_file[operation](request, caller, file_id)


def _uploading(request: Request) -> Operation:
    if "upload_id" in request.query:
        return "status" if request.headers.get("content-range", "").startswith("bytes */") else "chunk"
    if request.query.get("uploadType") == "resumable":
        return "open"
    return "create" if request.method == "POST" else "update"


def _operation(request: Request) -> Operation:
    if request.path.startswith(_UPLOADS):
        return _uploading(request)
    fixed = _FIXED.get((request.method, request.path))
    if fixed is not None:
        return fixed
    if not request.path.startswith(_FILES + "/"):
        return "other"
    if request.method == "GET" and request.query.get("alt") == "media":
        return "download"
    return _OF_A_FILE.get(request.method, "other")


def _file_id(request: Request, session: Session | None) -> str | None:
    """The file that the request is about, where its path or its session tells."""
    if session is not None:
        return session.file.id
    below = request.path.partition("/v3/files/")[2].partition("/")[0]
    return None if not below or below in {"generateIds", "trash"} else below
