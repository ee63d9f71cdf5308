"""Google's token endpoints, as far as an appliance and rclone use them (RFC 6749, RFC 7523, RFC 8628)."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.drive_faults import drive_error, token_error
from tests.fakes.drive_http import Request, Response

DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
_DEVICE_SCOPES = {"email", "profile", "openid", DRIVE_FILE, "https://www.googleapis.com/auth/drive.appdata"}
"""https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes"""


@dataclass
class Grant:
    """What someone allowed a client to do."""

    client_id: str
    client_secret: str
    email: str
    scope: str
    is_revoked: bool = False


@dataclass
class Device:
    """One sign-in on a device, from its code to its end."""

    client_id: str
    scope: str
    user_code: str
    expires_s: float
    interval_s: float
    asked_s: float | None = None
    decision: str = "pending"
    device_code: str = field(default_factory=lambda: "AH-1" + secrets.token_urlsafe(40))


@dataclass(frozen=True)
class Caller:
    """Who asks, as his access token tells."""

    client_id: str
    email: str
    scope: str

    @property
    def sees_all(self) -> bool:
        return self.scope.split()[0].endswith("/auth/drive")


class OAuth:
    """Clients, grants, tokens and devices. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.refresh: dict[str, Grant] = {}
        self._access: dict[str, tuple[Grant, float]] = {}
        self._devices: dict[str, Device] = {}
        self._services: dict[str, Grant] = {}
        self.email = "owner@example.com"
        self.lifetime_s = 3600.0
        self.device_interval_s: float = 5
        self.device_lifetime_s = 1800.0
        self.clients: dict[str, str] = {}

    def grant(self, client_id: str, client_secret: str, email: str, scope: str) -> str:
        """A refresh token."""
        with self._lock:
            self.clients[client_id] = client_secret
            return self._granted(client_id, email, scope)

    def _granted(self, client_id: str, email: str, scope: str) -> str:
        token = "1//0" + secrets.token_urlsafe(60)
        self.refresh[token] = Grant(client_id, self.clients[client_id], email, scope)
        return token

    def service(self, email: str, client_id: str) -> None:
        with self._lock:
            self._services[email] = Grant(client_id, "", email, DRIVE_FILE)

    def revoke(self, client_id: str | None) -> None:
        with self._lock:
            for grant in [*self.refresh.values(), *self._services.values()]:
                grant.is_revoked |= client_id in {None, grant.client_id}
            self._access = {token: one for token, one in self._access.items() if not one[0].is_revoked}

    def expire(self) -> None:
        with self._lock:
            self._access.clear()

    def caller(self, request: Request) -> Caller | None:
        """None where there is no token, or none that is good any more."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        with self._lock:
            grant, expires_s = self._access.get(token, (None, 0.0))
        if grant is None or kind.lower() != "bearer" or time.monotonic() >= expires_s:
            return None
        return Caller(grant.client_id, grant.email, grant.scope)

    def device_code(self, request: Request) -> Response:
        form = _form(request)
        with self._lock:
            if form.get("client_id") not in self.clients:
                return token_error("invalid_client")
            if unknown := set(form.get("scope", "").split()) - _DEVICE_SCOPES:
                return token_error("invalid_scope", 400, f"Invalid device flow scope: {' '.join(sorted(unknown))}")
            user_code = "-".join("".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(4)) for _ in range(2))
            expires_s = time.monotonic() + self.device_lifetime_s
            device = Device(form["client_id"], form["scope"], user_code, expires_s, self.device_interval_s)
            self._devices[device.device_code] = device
        return _json({
            "device_code": device.device_code, "user_code": user_code, "verification_url": "https://www.google.com/device",
            "expires_in": round(self.device_lifetime_s), "interval": self.device_interval_s,
        })  # fmt: skip

    def decide(self, decision: str, user_code: str | None) -> None:
        """Approved or denied by a person. Raises KeyError where nobody asks with that code."""
        with self._lock:
            asking = [device for device in self._devices.values() if user_code in {None, device.user_code}]
            if not asking:
                raise KeyError(user_code)
            asking[-1].decision = decision

    def token(self, request: Request) -> Response:
        form = _form(request)
        with self._lock:
            match form.get("grant_type"):
                case "refresh_token":
                    return self._refreshed(form)
                case "urn:ietf:params:oauth:grant-type:device_code":
                    return self._polled(form)
                case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                    return self._signed_in(form)
                case kind:
                    return token_error("unsupported_grant_type", 400, f"Invalid grant_type: {kind}")

    def _known(self, form: dict[str, str]) -> bool:
        client_id = form.get("client_id", "")
        return client_id in self.clients and self.clients[client_id] == form.get("client_secret")

    def _refreshed(self, form: dict[str, str]) -> Response:
        if not self._known(form):
            return token_error("invalid_client")
        grant = self.refresh.get(form.get("refresh_token", ""))
        if grant is None or grant.is_revoked:
            return token_error("invalid_grant")
        if grant.client_id != form["client_id"]:
            return token_error("unauthorized_client", 401, "Unauthorized")
        return self._issued(grant)

    def _issued(self, grant: Grant, refresh_token: str | None = None) -> Response:
        token = "ya29." + secrets.token_urlsafe(60)
        self._access[token] = (grant, time.monotonic() + self.lifetime_s)
        more = {} if refresh_token is None else {"refresh_token": refresh_token}
        return _json({"access_token": token, "expires_in": int(self.lifetime_s), "scope": grant.scope, "token_type": "Bearer", **more})

    def _polled(self, form: dict[str, str]) -> Response:
        if not self._known(form):
            return token_error("invalid_client")
        device = self._devices.get(form.get("device_code", ""))
        if device is None or device.client_id != form["client_id"]:
            return token_error("invalid_grant", 400, "Malformed auth code.")
        asked_s, device.asked_s = device.asked_s, time.monotonic()
        if device.asked_s >= device.expires_s:
            return token_error("expired_token")
        if asked_s is not None and device.asked_s - asked_s < device.interval_s:
            return token_error("slow_down")
        if device.decision != "approved":
            return token_error("access_denied" if device.decision == "denied" else "authorization_pending")
        del self._devices[device.device_code]
        refresh_token = self._granted(device.client_id, self.email, device.scope)
        return self._issued(self.refresh[refresh_token], refresh_token)

    def _signed_in(self, form: dict[str, str]) -> Response:
        claims = _claims(form.get("assertion", ""))
        grant = self._services.get(claims.get("iss", ""))
        if grant is None or grant.is_revoked:
            return token_error("invalid_grant", 400, "Invalid grant: account not found")
        grant.scope = claims.get("scope", DRIVE_FILE)
        return self._issued(grant)


def unauthorized() -> Response:
    response = drive_error(401, location="Authorization")
    response.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/"'
    return response


def _claims(assertion: str) -> dict[str, Any]:
    """What a JWT says; its signature is believed."""
    try:
        payload = assertion.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims


def _form(request: Request) -> dict[str, str]:
    """Clients name themselves in the form or by basic authentication."""
    form = {name: values[-1] for name, values in parse_qs(request.body.read().decode()).items()}
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        form["client_id"], _, form["client_secret"] = base64.b64decode(secret).decode().partition(":")
    return form


def _json(answer: dict[str, Any]) -> Response:
    return Response(200, json.dumps(answer).encode(), {"Content-Type": "application/json; charset=utf-8"})
