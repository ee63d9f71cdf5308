"""Google Drive's metadata calls, over Google's own client library, each error in our words.

The library's bundled description of the API is used: nothing is asked of the network before the first call. It builds the
requests and understands the answers; the connections are ours (``drive_web.py``), and so is the travel of contents
(``drive_bytes.py``). Nothing is repeated here but a page of a listing, and a call whose token was refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from random import Random
from typing import Any, Protocol, TypeVar, cast

import httplib2
from googleapiclient.discovery import build_from_document  # type: ignore[attr-defined]  # its stubs leave it out
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, MediaInMemoryUpload

from appliance import clock
from appliance.errors import RemoteAway, RemoteBusy, RemoteError
from appliance.remotes.drive_errors import Answer, translated
from appliance.remotes.drive_exchange import exchanged, resource_of
from appliance.remotes.drive_objects import FIELDS, FILE_TYPE, DriveFile, checked_id, is_file_id
from appliance.remotes.drive_reasons import CalledAbusive, NotThere, fresh_token_refused
from appliance.remotes.drive_requests import Body, Kind, Kinds, announced, described, together
from appliance.remotes.drive_web import Endpoints, Web
from appliance.remotes.remote import Gate

T = TypeVar("T")

PAGE_SIZE = 1000
_MOST_IDS = 1000
_SPARE_IDS = 100
_API_PATH = "drive/v3"
_DONE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_PAGE_WAITS_S, _LONGEST_TOLD_S, _PATIENCE_S = (0.25, 0.5, 1.0), 2.0, 10.0


class Access(Protocol):
    """Where access tokens come from (``drive_tokens.Tokens``)."""

    def access_token(self) -> str: ...

    def refused(self, token: str) -> None: ...

    def accepted(self, token: str) -> None: ...

    def keep_fresh(self) -> None: ...


class _Authorized:
    """The thread's connections, with a token on each request."""

    def __init__(self, http: httplib2.Http, token: str) -> None:
        self._http = http
        self._token = token

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> Any:
        return self._http.request(uri, method, body, {**(headers or {}), "authorization": f"Bearer {self._token}"})


class DriveApi:
    """Thread-safe. Every method raises RemoteError in the words of ``drive_errors.translated``, most of all RemoteAway and RemoteBusy."""

    def __init__(self, web: Web, tokens: Access, endpoints: Endpoints) -> None:
        self.web = web
        self.tokens = tokens
        self._endpoints = endpoints
        self._http = web.http()
        service = _service(self._http, endpoints)
        self._files, self._about = service.files(), service.about()
        self._kinds = Kinds(self._files)
        self._spare_lock, self._spare_ids = threading.Lock(), list[str]()
        self._random = Random()  # noqa: S311 (jitter is no secret)

    def content_url(self, file_id: str, *, acknowledge_abuse: bool = False) -> str:
        """Where the bytes of a file are."""
        insisting = "&acknowledgeAbuse=true" if acknowledge_abuse else ""
        return f"{self._endpoints.api}/files/{checked_id(file_id)}?alt=media{insisting}"

    def new_ids(self, count: int) -> list[str]:
        """Ids for files that are not made yet, each given out once. Some more are asked for and kept, for the next caller."""
        with self._spare_lock:
            while len(self._spare_ids) < count:
                wanted = min(_MOST_IDS, max(_SPARE_IDS, count - len(self._spare_ids)))
                self._spare_ids += self._generated(wanted)
            ids, self._spare_ids = self._spare_ids[:count], self._spare_ids[count:]
            return ids

    def _generated(self, count: int) -> list[str]:
        request = self._files.generateIds(count=count, space="drive", type="files", fields="ids")
        found = self._run(request, "asking for ids").get("ids")
        if not isinstance(found, list) or not found or not all(map(is_file_id, found)):
            raise RemoteError("asking for ids: Google Drive gave none; it is tried again by itself")
        return found

    def find(self, file_id: str, doing: str) -> DriveFile | None:
        """Freshly; None where Drive says that there is none."""
        try:
            return _understood(self._run(self._files.get(fileId=checked_id(file_id), fields=FIELDS), doing), doing)
        except NotThere:
            return None

    def list(self, query: str, doing: str, gate: Gate | None = None) -> Iterator[DriveFile]:
        """All files that the query finds, trashed ones too unless it says otherwise. What ends early raises; it is never a short list."""
        token: str | None = None
        while True:
            page = self._page(query, token, doing, gate)
            yield from (file for file in map(DriveFile.of, page["files"]) if file is not None)
            token = page.get("nextPageToken")
            if not token:
                return

    def _page(self, query: str, token: str | None, doing: str, gate: Gate | None) -> dict[str, Any]:
        fields = f"nextPageToken,incompleteSearch,files({FIELDS})"

        def ask() -> dict[str, Any]:
            request = self._files.list(q=query, pageSize=PAGE_SIZE, pageToken=token, spaces="drive", fields=fields)
            page = self._run(request, doing)
            if not isinstance(page.get("files"), list) or page.get("incompleteSearch"):
                raise RemoteBusy(f"{doing}: Google Drive could not list everything; it is tried again by itself")
            return page

        return self._patiently(ask, gate)

    def _patiently(self, ask: Callable[[], dict[str, Any]], gate: Gate | None) -> dict[str, Any]:
        """A listing of many pages must not begin anew because one of them stumbled; what takes its time to fail is not tried again."""
        end_s = clock.monotonic_s() + _PATIENCE_S
        for wait_s in _PAGE_WAITS_S:
            _pass(gate)
            try:
                return ask()
            except (RemoteAway, RemoteBusy) as error:
                told_s = getattr(error, "retry_after_s", None) or 0.0
                if told_s > _LONGEST_TOLD_S or clock.monotonic_s() > end_s:
                    raise
            threading.Event().wait(told_s + self._random.uniform(0, wait_s))
        _pass(gate)
        return ask()

    def make(self, file: Mapping[str, Any], content: bytes | None, doing: str) -> DriveFile:
        """A folder, or with a content a small file. Raises RemoteTaken where the id is in use."""
        if content is not None:
            return self.store(file, len(content), lambda: (content,), doing)
        return _made(self._asked(self._kinds.make, lambda: described(file), doing), doing)

    def store(
        self, file: Mapping[str, Any], size_bytes: int, pieces: Callable[[], Iterable[bytes]], doing: str, *, changed_id: str | None = None
    ) -> DriveFile:
        """A new file, or a new content of the one with that id, in one request: all of it or, where that fails, nothing.

        ``pieces()`` gives the content, once more where the token was refused. Raises RemoteTaken, NotThere, and what comes from it.
        """
        kind = self._kinds.make_at_once if changed_id is None else self._kinds.change_at_once(changed_id)
        return _made(self._asked(kind, lambda: together(file, size_bytes, pieces()), doing), doing)

    def change(self, file_id: str, file: Mapping[str, Any], doing: str, content: bytes | None = None) -> DriveFile:
        """Raises NotThere."""
        media = None if content is None else MediaInMemoryUpload(content, mimetype=FILE_TYPE)
        request = self._files.update(fileId=checked_id(file_id), body=dict(file), media_body=media, fields=FIELDS)
        return _understood(self._run(request, doing), doing)

    def delete(self, file_id: str, doing: str) -> None:
        """For ever, past the trash. Nothing happens where Drive says that there is none."""
        try:
            said = self._execute(self._files.delete(fileId=checked_id(file_id)), doing)
        except NotThere:
            return
        if said:  # Drive says nothing
            raise translated(ValueError("no JSON"), doing)

    def read_small(self, file_id: str, most_bytes: int, doing: str) -> bytes:
        """The beginning of a file that is not empty, whatever Google takes it for. Raises NotThere."""
        try:
            return self._beginning(file_id, most_bytes, doing)
        except CalledAbusive:
            return self._beginning(file_id, most_bytes, doing, acknowledgeAbuse=True)

    def _beginning(self, file_id: str, most_bytes: int, doing: str, **insisting: bool) -> bytes:
        request = self._files.get_media(fileId=checked_id(file_id), **insisting)
        request.headers["range"] = f"bytes=0-{most_bytes - 1}"
        content: bytes = self._execute(request, doing)
        return content

    def about(self, doing: str) -> dict[str, Any]:
        """``storageQuota`` and ``user.emailAddress``."""
        return self._run(self._about.get(fields="storageQuota,user(emailAddress)"), doing)

    def open_session(self, file: Mapping[str, Any], size_bytes: int, doing: str, *, changed_id: str | None = None) -> str:
        """The URI, a secret, to which to send the content of a new file, or of the one with that id. Raises RemoteTaken, NotThere."""
        kind = self._kinds.open_session if changed_id is None else self._kinds.change_in_session(changed_id)
        answer = self._asked(kind, lambda: announced(file, size_bytes), doing)
        location = answer.headers.get("location")
        if answer.status >= HTTPStatus.BAD_REQUEST or not location:
            raise translated(answer, doing)
        return location

    def _asked(self, kind: Kind, body: Callable[[], Body], doing: str) -> Answer:
        def send(token: str) -> Answer:
            sent = body()
            headers = {**kind.headers, **sent.headers}
            return exchanged(self.web, kind.method, kind.url, token, headers, sent.size_bytes, sent.pieces)

        return self._authorized(send, doing)

    def _run(self, request: HttpRequest, doing: str) -> dict[str, Any]:
        answer = self._execute(request, doing)
        if not isinstance(answer, dict):  # the library hands on what it cannot read as JSON
            raise translated(ValueError("no JSON"), doing)
        return answer

    def _execute(self, request: HttpRequest, doing: str) -> Any:
        return self._authorized(lambda token: request.execute(http=cast("httplib2.Http", _Authorized(self._http, token))), doing)

    def _authorized(self, send: Callable[[str], T], doing: str) -> T:
        """Sent once more with a new token where the server does not accept the first."""
        for _ in range(2):
            token = self.tokens.access_token()
            try:
                answer = send(token)
            except HttpError as error:
                if error.resp.status != HTTPStatus.UNAUTHORIZED:
                    raise translated(error, doing) from None
            except Exception as error:  # noqa: BLE001 (whatever the library and the network raise is put into our words)
                raise translated(error, doing) from None
            else:
                if not (isinstance(answer, Answer) and answer.status == HTTPStatus.UNAUTHORIZED):
                    self.tokens.accepted(token)
                    return answer
            self.tokens.refused(token)
        raise fresh_token_refused(doing)


def _service(http: httplib2.Http, endpoints: Endpoints) -> Any:
    """The library's description of Drive v3, led to where we want to go."""
    document = json.loads(get_static_doc("drive", "v3"))  # type: ignore[no-untyped-call]  # its stubs leave it out
    document["rootUrl"] = endpoints.api.removesuffix(_API_PATH)
    return build_from_document(document, http=http)


def _pass(gate: Gate | None) -> None:
    if gate is not None:
        gate(0)


def _made(answer: Answer, doing: str) -> DriveFile:
    if answer.status not in _DONE:
        raise translated(answer, doing)
    return _understood(resource_of(answer, doing), doing)


def _understood(resource: dict[str, Any], doing: str) -> DriveFile:
    file = DriveFile.of(resource)
    if file is None:
        raise RemoteError(f"{doing}: Google Drive describes the file in a way that this version does not understand; update the appliance")
    return file
