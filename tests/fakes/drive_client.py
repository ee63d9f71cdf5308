"""A client of the fake Drive that does exactly what a test tells it, right or wrong."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.fakes.drive import Drive

FILES = "/drive/v3/files"
UPLOAD = "/upload/drive/v3/files"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def reason(self) -> str:
        """That of a Drive error."""
        return str(self.json["error"]["errors"][0]["reason"])


class Client:
    """Keeps one connection; a new one after each that broke. Signs in when it is made, unless ``token`` is given."""

    def __init__(self, fake: Drive, account: dict[str, str] | None = None, timeout_s: float = 20) -> None:
        self._fake = fake
        self._connection = http.client.HTTPConnection(urlsplit(fake.root).netloc, timeout=timeout_s)
        self.account = account or fake.account()
        self.headers: dict[str, str] = {}
        self.headers = {"Authorization": f"Bearer {self.refresh().json['access_token']}"}

    def request(self, method: str, target: str, content: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """``content``: bytes, or what is to be JSON. Raises ConnectionError or http.client.HTTPException where the connection breaks."""
        if headers is None:
            headers = self.headers
        body = content if isinstance(content, bytes) or content is None else json.dumps(content).encode()
        try:
            self._connection.request(method, target, body, headers)
            response = self._connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        except (OSError, http.client.HTTPException):
            self.hang_up()
            raise

    def hang_up(self) -> None:
        self._connection.close()

    def token(self, **form: str) -> Answer:
        return self.request("POST", "/token", urlencode(form).encode(), {})

    def refresh(self) -> Answer:
        names = ("client_id", "client_secret", "refresh_token")
        return self.token(grant_type="refresh_token", **{name: self.account[name] for name in names})

    def get(self, target: str, **parameters: Any) -> Answer:
        return self.request("GET", f"{target}?{urlencode(parameters)}")

    def new_id(self) -> str:
        return str(self.get(f"{FILES}/generateIds", count=1).json["ids"][0])

    def folder(self, name: str, parent: str = "root") -> str:
        return str(
            self.request("POST", FILES, {"name": name, "parents": [parent], "mimeType": "application/vnd.google-apps.folder"}).json["id"]
        )

    def listed(self, query: str = "", **parameters: Any) -> Answer:
        return self.get(FILES, q=query, **parameters)

    def names(self, query: str = "", **parameters: Any) -> list[str]:
        """All pages."""
        names: list[str] = []
        token = ""
        while True:
            page = self.listed(query, pageToken=token, **parameters).json
            names += [one["name"] for one in page["files"]]
            token = page.get("nextPageToken", "")
            if not token:
                return names

    def open(self, size_bytes: int | None, metadata: dict[str, Any] | None = None, file_id: str = "", fields: str = "id,size") -> Answer:
        headers = self.headers | ({} if size_bytes is None else {"X-Upload-Content-Length": str(size_bytes)})
        method, place = ("PATCH", f"{UPLOAD}/{file_id}") if file_id else ("POST", UPLOAD)
        return self.request(method, f"{place}?{urlencode({'uploadType': 'resumable', 'fields': fields})}", metadata or {}, headers)

    def session(self, size_bytes: int | None, metadata: dict[str, Any] | None = None, file_id: str = "", fields: str = "id,size") -> str:
        """The path of a new session's URI."""
        return path_of(self.open(size_bytes, metadata, file_id, fields).headers["Location"])

    def chunk(self, session: str, content: bytes, start: int, total: int | str) -> Answer:
        """Without a token: the URI is the secret."""
        return self.request("PUT", session, content, {"Content-Range": f"bytes {start}-{start + len(content) - 1}/{total}"})

    def status(self, session: str, total: int | str = "*") -> Answer:
        return self.request("PUT", session, b"", {"Content-Range": f"bytes */{total}"})

    def upload(self, content: bytes, metadata: dict[str, Any] | None = None, fields: str = "id") -> str:
        """In one chunk; returns the id."""
        answer = self.chunk(self.session(len(content), metadata, fields=fields), content, 0, len(content))
        assert answer.status == 200, answer
        return str(answer.json["id"])

    def download(self, file_id: str, **headers: str) -> Answer:
        return self.request("GET", f"{FILES}/{file_id}?alt=media", headers=self.headers | headers)


def path_of(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.path}?{parts.query}"
