"""What tests have in their hands: one front for a fake Drive in this process and for one in a process of its own."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.fakes.drive_faults import STORM
from tests.fakes.drive_files import CHECKSUMS
from tests.fakes.drive_oauth import DRIVE_FILE
from tests.fakes.drive_words import Kind, Operation

Match = Operation | Literal["any"] | Iterable[Operation]
CLIENT_ID = "1234567890-owner.apps.googleusercontent.com"
EMAIL = "owner@example.com"
_SECRET = "GOCSPX-secret-of-"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One file or folder as it lies on the fake Drive. ``trashed``: itself or a folder above it. ``checksums`` by md5, sha1, sha256."""

    id: str
    name: str
    parents: list[str]
    is_folder: bool
    app_properties: dict[str, str]
    size_bytes: int | None
    checksums: dict[str, str]
    trashed: bool
    client_id: str
    content_path: Path | None


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A file or folder to put there without a client. Without content it can be listed, not read. ``parent`` None is My Drive."""

    name: str
    parent: str | None = None
    id: str | None = None
    is_folder: bool = False
    app_properties: dict[str, str] | None = None
    size_bytes: int | None = None
    checksums: dict[str, str] | None = None
    content: bytes | None = None
    trashed: bool = False
    client_id: str = CLIENT_ID


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """One upload session. ``id`` is the secret part of its URI."""

    id: str
    file_id: str
    name: str
    kept_bytes: int
    total_bytes: int | None
    is_complete: bool


class Drive(ABC):
    """A fake Drive, wherever it runs."""

    root: str
    """The root URL: below it /drive/v3, /upload/drive/v3, /token, /device/code."""
    proxy: str
    """With TLS: the URL of a proxy that is every host by itself (HTTPS_PROXY); else empty."""
    ca_pem: Path | None
    """With TLS: the certificate of the private CA (SSL_CERT_FILE)."""

    @abstractmethod
    def _ask(self, name: str, **arguments: Any) -> Any:
        """Calls a method of Controls."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to take this for Google; with TLS alone."""
        assert self.ca_pem is not None, "FakeDrive(…, tls=True)"
        return {"HTTPS_PROXY": self.proxy, "https_proxy": self.proxy, "SSL_CERT_FILE": str(self.ca_pem), "NO_PROXY": "", "no_proxy": ""}

    # Accounts

    def account(self, client_id: str = CLIENT_ID, *, email: str = EMAIL, scope: str = DRIVE_FILE) -> dict[str, str]:
        """The authorized_user document of someone who has just signed in."""
        secret = _SECRET + client_id[:10]
        token = self._ask("grant", client_id=client_id, client_secret=secret, email=email, scope=scope)
        return {
            "type": "authorized_user", "client_id": client_id, "client_secret": secret, "refresh_token": token,
            "token_uri": self._token_uri, "account": email,
        }  # fmt: skip

    @property
    def _token_uri(self) -> str:
        return "https://oauth2.googleapis.com/token" if self.proxy else f"{self.root}/token"

    def client(self, client_id: str = CLIENT_ID) -> dict[str, str]:
        """An OAuth client that nobody has signed in with yet: ``client_id`` and ``client_secret``."""
        secret = _SECRET + client_id[:10]
        self._ask("client", client_id=client_id, client_secret=secret)
        return {"client_id": client_id, "client_secret": secret}

    def service_account(self, email: str = "backup@project.iam.gserviceaccount.com") -> dict[str, str]:
        """The document of a service account, with a real key."""
        return {
            "type": "service_account", "project_id": "project", "private_key_id": "0" * 40, "client_email": email, "client_id": email,
            "private_key": self._ask("service_key", email=email, client_id=email), "token_uri": self._token_uri,
        }  # fmt: skip

    def tokens(self, lifetime_s: float) -> None:
        """How long access tokens live that are issued from now on."""
        self._ask("tokens", lifetime_s=lifetime_s)

    def expire_tokens(self) -> None:
        """All access tokens, now."""
        self._ask("expire_tokens")

    def revoke(self, client_id: str | None = None) -> None:
        """Grants of that client, or all: refreshing fails with invalid_grant."""
        self._ask("revoke", client_id=client_id)

    def device(self, *, interval_s: float = 5, lifetime_s: float = 1800) -> None:
        """How often a device may ask, and how long its code lives; of codes issued from now on."""
        self._ask("device", interval_s=interval_s, lifetime_s=lifetime_s)

    def approve(self, user_code: str | None = None) -> None:
        """Someone enters the code (None: of the device that asked last) and agrees."""
        self._ask("decide", decision="approved", user_code=user_code)

    def deny(self, user_code: str | None = None) -> None:
        self._ask("decide", decision="denied", user_code=user_code)

    # Faults and the line

    def fault(
        self, kind: Kind, *, match: Match = "any", times: int | None = 1, after: int = 0, file_id: str | None = None, **how: Any,
    ) -> None:  # fmt: skip
        """The request number ``after`` + 1 and the next ``times`` - 1 (None: for ever) that match fail in this way.

        how: ``after_bytes``, ``of`` ("request" or "response") for cut; ``keep_bytes`` for partial; ``seconds`` for latency; ``status``
        (404 or 410) for expired; ``retry_after_s``, ``message``, ``reason``, ``domain`` for a status; the first two for a reason;
        ``description`` for an error of the token endpoint.
        """
        words = match if isinstance(match, str) else list(match)
        self._ask("fault", kind=kind, match=words, times=times, after=after, file_id=file_id, how=how)

    def storm(self, seed: int, rate: float, *, kinds: Iterable[Kind] = STORM, match: Match = "any") -> None:
        """From now on each request fails with this probability, until ``calm``. Alike for the same seed and the same order of requests."""
        words = match if isinstance(match, str) else list(match)
        self._ask("storm", seed=seed, rate=rate, kinds=list(kinds), match=words)

    def calm(self) -> None:
        """No storm, no scripted fault, no freeze any more."""
        self._ask("calm")

    def line(self, *, up_bytes_per_s: float | None = None, down_bytes_per_s: float | None = None, latency_s: float = 0.0) -> None:
        """A line that all connections share, from now on; of new connections the buffers are small too."""
        self._ask("line", up_bytes_per_s=up_bytes_per_s, down_bytes_per_s=down_bytes_per_s, latency_s=latency_s)

    def freeze(self) -> None:
        """Connections are accepted, bytes are not read and nothing is answered, until ``thaw``."""
        self._ask("freeze")

    def thaw(self) -> None:
        self._ask("thaw")

    def lag(self, *, seconds: float = 0.0, creations: int = 0) -> None:
        """Listings do not show what was created within so many seconds, or among the last so many creations."""
        self._ask("lag", seconds=seconds, creations=creations)

    def quota(self, *, limit_bytes: int | None, used_bytes: int | None = None) -> None:
        """``limit_bytes`` None is unlimited. ``used_bytes``: in all; None leaves it."""
        self._ask("quota", limit_bytes=limit_bytes, used_bytes=used_bytes)

    def expire_sessions(self, status: Literal[404, 410] = 404) -> None:
        """All upload sessions, as after a week; ``status`` is what is said of an unknown session from now on."""
        self._ask("expire_sessions", status=status)

    # Behind the client's back

    def flip(self, file_id: str, offset_bytes: int) -> None:
        """One bit; the checksums that Drive reports follow."""
        self._ask("flip", file_id=file_id, offset_bytes=offset_bytes)

    def truncate(self, file_id: str, size_bytes: int) -> None:
        self._ask("truncate", file_id=file_id, size_bytes=size_bytes)

    def trash(self, file_id: str, *, trashed: bool = True) -> None:
        self._ask("trash", file_id=file_id, trashed=trashed)

    def delete(self, file_id: str) -> None:
        """For ever; a folder with all that is in it."""
        self._ask("delete", file_id=file_id)

    def duplicate(self, file_id: str) -> str:
        """The id of a second file with the same name, parent, properties and content."""
        return str(self._ask("duplicate", file_id=file_id))

    def drop_checksums(self, file_id: str | None = None, names: Iterable[str] = ("sha256",)) -> None:
        """Drive does not report these any more of the file, or of all that are there."""
        self._ask("drop_checksums", file_id=file_id, names=list(names))

    def report_checksums(self, names: Iterable[str] = CHECKSUMS) -> None:
        """Only these are computed and reported of files that are to come."""
        self._ask("report_checksums", names=list(names))

    def abusive(self, file_id: str, *, is_abusive: bool = True) -> None:
        """Downloads of it need acknowledgeAbuse."""
        self._ask("abusive", file_id=file_id, is_abusive=is_abusive)

    def seed(self, seeds: Iterable[Seed]) -> list[str]:
        """Puts them there, fast; returns their ids. A folder comes before what is in it."""
        encoded = [
            vars(one) | {"content": None if one.content is None else base64.b64encode(one.content).decode()} for one in seeds
        ]  # fmt: skip
        return list(self._ask("seed", records=encoded))

    # Inspection

    @property
    def files(self) -> dict[str, Record]:
        """All that is there, trashed too, by id. My Drive itself is not among them."""
        return {one["id"]: _record(one) for one in self._ask("files")}

    def named(self, name: str) -> Record:
        """The only file of that name. Raises ValueError where there are none or several."""
        (record,) = [record for record in self.files.values() if record.name == name]
        return record

    def content(self, file_id: str) -> bytes:
        path = self.files[file_id].content_path
        assert path is not None, "a folder, or seeded without content"
        return path.read_bytes()

    @property
    def sessions(self) -> list[SessionRecord]:
        return [SessionRecord(**one) for one in self._ask("sessions")]

    @property
    def requests(self) -> dict[Operation, int]:
        """How often each operation was asked for, those that failed too."""
        return dict(self._ask("counters")["requests"])

    @property
    def faults(self) -> dict[str, int]:
        """What happened: "chunk cut" → how often."""
        return dict(self._ask("counters")["faults"])

    @property
    def received_bytes(self) -> int:
        """Payload that came in uploads, in all, kept or thrown away."""
        return int(self._ask("counters")["received_bytes"])

    @property
    def received_twice_bytes(self) -> int:
        """Of those, what came again for the same offset of the same file (by its id; without one of the client's, by parent and name)."""
        return int(self._ask("counters")["received_twice_bytes"])

    @property
    def sent_bytes(self) -> int:
        """Payload of downloads that were begun."""
        return int(self._ask("counters")["sent_bytes"])

    @property
    def violations(self) -> list[str]:
        """What clients did against the protocol."""
        return list(self._ask("violations"))


def _record(told: dict[str, Any]) -> Record:
    path = told["content_path"]
    return Record(**{**told, "content_path": None if path is None else Path(path)})
