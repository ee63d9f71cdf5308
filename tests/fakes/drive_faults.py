"""Faults of the fake Drive: scripted one by one, or drawn at random by a seed."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, get_args

from tests.fakes.drive_http import Response
from tests.fakes.drive_words import Kind, Operation

_STATUS_DEFAULTS: dict[int, tuple[str, str, str]] = {
    400: ("global", "badRequest", "Bad Request"),
    401: ("global", "authError", "Invalid Credentials"),
    403: ("global", "forbidden", "Forbidden"),
    404: ("global", "notFound", "File not found."),
    408: ("global", "requestTimeout", "Request Timeout"),
    409: ("global", "fileIdInUse", "A file already exists with the provided ID."),
    410: ("global", "gone", "Gone"),
    429: ("usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
    500: ("global", "internalError", "Internal Error"),
    502: ("global", "backendError", "Bad Gateway"),
    503: ("global", "backendError", "Backend Error"),
    504: ("global", "backendError", "Gateway Timeout"),
}
_REASONS: dict[str, tuple[int, str, str]] = {
    "rateLimitExceeded": (403, "usageLimits", "Rate Limit Exceeded"),
    "userRateLimitExceeded": (403, "usageLimits", "User Rate Limit Exceeded"),
    "dailyLimitExceeded": (403, "usageLimits", "Daily Limit Exceeded"),
    "storageQuotaExceeded": (403, "global", "The user's Drive storage quota has been exceeded."),
    "appNotAuthorizedToFile": (403, "global", "The user has not granted the app access to the file."),
    "insufficientFilePermissions": (403, "global", "The user does not have sufficient permissions for this file."),
    "domainPolicy": (403, "global", "The domain administrators have disabled Drive apps."),
    "cannotDownloadAbusiveFile": (403, "global", "This file has been identified as malware or spam and cannot be downloaded."),
    "notFound": (404, "global", "File not found."),
    "authError": (401, "global", "Invalid Credentials"),
    "fileIdInUse": (409, "global", "A file already exists with the provided ID."),
}
_TOKEN_ERRORS: dict[str, tuple[int, str]] = {
    "invalid_grant": (400, "Token has been expired or revoked."),
    "invalid_client": (401, "The OAuth client was not found."),
    "authorization_pending": (428, "Precondition Required"),
    "slow_down": (403, "Forbidden"),
    "access_denied": (403, "Forbidden"),
    "expired_token": (400, "The device code has expired."),
}
_PORTAL = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please sign in to use this network.</body></html>"

_UPLOADING: set[Operation] = {"chunk"}
_TOKEN: set[Operation] = {"token", "device_code"}
STORM: tuple[Kind, ...] = (
    "500",
    "502",
    "503",
    "429",
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "cut",
    "lost_answer",
    "partial",
    "no_range",
)
"""What passes by itself."""


def drive_error(
    status: int, reason: str = "", message: str = "", *, domain: str = "", location: str = "", retry_after_s: int | None = None,
) -> Response:  # fmt: skip
    """An error in the shape that Drive gives it."""
    usual = _STATUS_DEFAULTS.get(status, ("global", "badRequest", "Error"))
    domain, reason, message = domain or usual[0], reason or usual[1], message or usual[2]
    place = {"locationType": "header" if location == "Authorization" else "parameter", "location": location} if location else {}
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": domain, "reason": reason, **place}]}
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return Response(status, json.dumps({"error": error}).encode(), headers)


def token_error(error: str, status: int | None = None, description: str = "") -> Response:
    """An error of the token endpoint (RFC 6749, 5.2; RFC 8628, 3.5), with the status that Google gives it."""
    usual_status, usual = _TOKEN_ERRORS.get(error, (400, "Bad Request"))
    body = {"error": error, "error_description": description or usual}
    return Response(status or usual_status, json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8"})


def portal() -> Response:
    """What a captive portal says instead of whatever was asked for."""
    return Response(200, _PORTAL, {"Content-Type": "text/html; charset=utf-8"})


@dataclass
class Fault:
    """One rule. ``how`` is explained in tests/fakes/drive.py."""

    kind: Kind
    match: frozenset[Operation]
    times: int | None = 1
    after: int = 0
    file_id: str | None = None
    how: dict[str, Any] = field(default_factory=dict)

    def applies_to(self, operation: Operation, file_id: str | None) -> bool:
        return operation in self.match and self.file_id in {None, file_id} and self.times != 0

    def due(self) -> bool:
        """Counts one request that the rule applies to."""
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def answer(self) -> Response | None:
        """What is said instead of doing anything; None for a kind that does something else."""
        how = dict(self.how)
        if self.kind.isdigit():
            return drive_error(int(self.kind), **how)
        if self.kind in _REASONS:
            status, domain, message = _REASONS[self.kind]
            return drive_error(how.pop("status", status), self.kind, how.pop("message", message), domain=domain, **how)
        if self.kind in _TOKEN_ERRORS:
            return token_error(self.kind, **how)
        return portal() if self.kind == "html" else None


def fits(kind: Kind, operation: Operation) -> bool:
    """Can this happen to such a request?"""
    if kind in {"partial", "no_range"}:
        return operation in _UPLOADING
    if kind == "expired":
        return operation in {"chunk", "status"}
    if kind in _TOKEN_ERRORS:
        return operation in _TOKEN
    return kind not in _REASONS or operation not in _TOKEN


class Storm:
    """Each request fails with a probability; the n-th request of an operation fares alike whenever the seed is the same."""

    def __init__(self, seed: int, rate: float, kinds: Iterable[Kind], match: frozenset[Operation]) -> None:
        self._seed, self._rate, self._kinds, self._match = seed, rate, tuple(kinds), match
        self._seen: Counter[Operation] = Counter()

    def fault(self, operation: Operation) -> Fault | None:
        if operation not in self._match:
            return None
        self._seen[operation] += 1
        chance = random.Random(f"{self._seed}/{operation}/{self._seen[operation]}")
        kinds = [kind for kind in self._kinds if fits(kind, operation)]
        if chance.random() >= self._rate or not kinds:
            return None
        kind = chance.choice(kinds)
        return Fault(kind, frozenset({operation}), how=_drawn(kind, chance))


def _drawn(kind: Kind, chance: random.Random) -> dict[str, Any]:
    """The particulars that a fault of this kind needs."""
    how: dict[Kind, Callable[[], dict[str, Any]]] = {
        "cut": lambda: {"after_bytes": int(2 ** chance.uniform(0, 23)), "of": chance.choice(["request", "response"])},
        "partial": lambda: {"keep_bytes": 256 * 1024 * chance.randrange(4)},
        "latency": lambda: {"seconds": chance.uniform(0, 0.3)},
    }
    return how[kind]() if kind in how else {}


class Faults:
    """All rules, in the order in which they were given; the first that is due is what happens. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self._storm: Storm | None = None
        self.happened: Counter[str] = Counter()

    def add(self, rule: Fault) -> None:
        unfit = [operation for operation in rule.match if not fits(rule.kind, operation)]
        if len(unfit) == len(rule.match):
            raise ValueError(f"{rule.kind} cannot happen to {sorted(rule.match)}")
        with self._lock:
            self._rules.append(rule)

    def storm(self, storm: Storm | None) -> None:
        with self._lock:
            self._storm = storm

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
            self._storm = None

    def pick(self, operation: Operation, file_id: str | None) -> Fault | None:
        """What happens to this request. Asked once for each."""
        with self._lock:
            rules = [rule for rule in self._rules if rule.applies_to(operation, file_id)]
            fault = next((rule for rule in rules if rule.due()), None) or (self._storm.fault(operation) if self._storm else None)
            if fault is not None:
                self.happened[f"{operation} {fault.kind}"] += 1
            return fault


def operations(match: Iterable[Operation] | str) -> frozenset[Operation]:
    """``any``, one operation, or several. Raises ValueError for a word that is none."""
    known = get_args(Operation)
    words = known if match == "any" else (match,) if isinstance(match, str) else tuple(match)
    if unknown := set(words) - set(known):
        raise ValueError(f"no such operation: {unknown}; there are {known}")
    return frozenset(words)
