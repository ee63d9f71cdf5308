"""The web panel: does it answer where the house looks for it, and is its certificate good?"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend
from ui.words import age

_TIMEOUT_S = 4.0
_BROKEN = 500
_SOON_DAYS = 21
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        usual = 443 if self.tls else 80
        return f"{'https' if self.tls else 'http'}://{self.host}" + ("" if self.port == usual else f":{self.port}")


def address(case: Case) -> Address:
    """From what was chosen at installation; from the demo's file; from the environment."""
    place = case.place
    if place.installed:
        tls = place.choices.get("tls", "none") != "none"
        return Address(_HOST, int(place.choices.get("panel_port", 0)) or (443 if tls else 80), tls)
    if place.demo:
        return Address(_HOST, int(place.demo.get("panel_port", 8080)), tls=False)
    host = os.environ.get("PYARCHIVE_PANEL_HOST") or _HOST
    host = _HOST if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared with, not bound to
    port = os.environ.get("PYARCHIVE_PANEL_PORT") or "8080"
    return Address(host, int(port) if port.isdecimal() else 8080, bool(os.environ.get("PYARCHIVE_PANEL_TLS_CERT")))


def house_name(case: Case) -> str:
    """By which the house finds an installed system: chosen, or the computer's own."""
    own = case.machine.text("/etc/hostname") or socket.gethostname()
    return str(case.place.choices.get("host_name") or f"{own}.local")


def panel(case: Case) -> Iterator[Finding]:
    at = address(case)
    again = "sudo systemctl restart pyarchive-panel; if that does not help: journalctl -u pyarchive-panel -n 50"
    step = again if case.place.installed else "start it: `pyarchive panel`, or the whole demo"
    try:
        status = _status(at)
    except (OSError, http.client.HTTPException) as error:
        level = mend if case.place.kind != "by hand" else look
        yield level("panel", f"nothing answers at {at}: {_short(error)}", step)
        return
    if status >= _BROKEN:
        yield mend("panel", f"the panel at {at} answers with an error ({status})", step)
    else:
        yield good("panel", f"the panel answers at {at}")
    if at.tls:
        yield from _certificate(case, at)


def _short(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or type(error).__name__


def _status(at: Address) -> int:
    unverified = ssl._create_unverified_context() if at.tls else None  # noqa: S323, SLF001 - the certificate is looked at on its own
    line = (
        http.client.HTTPSConnection(at.host, at.port, timeout=_TIMEOUT_S, context=unverified)
        if at.tls
        else http.client.HTTPConnection(at.host, at.port, timeout=_TIMEOUT_S)
    )
    with contextlib.closing(line):
        line.request("GET", "/", headers={"User-Agent": "pyarchive-doctor"})
        return line.getresponse().status


def _certificate(case: Case, at: Address) -> Iterator[Finding]:
    """Read by trusting exactly it: whoever signed it is not the question here."""
    renew = "sudo ./install.sh with a new certificate: --tls-certificate FILE --tls-key FILE"
    try:
        found = _peer(at)
    except ssl.SSLCertVerificationError as error:
        yield mend("certificate", f"the panel's certificate is not good: {error.verify_message}", renew)
        return
    except OSError as error:
        yield mend("certificate", f"the panel's certificate cannot be read: {_short(error)}", renew)
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
    text = f"the panel's certificate ends on {ends:%Y-%m-%d}, {age(ends.isoformat())}"
    yield look("certificate", text, renew) if (ends - datetime.now(UTC)).days < _SOON_DAYS else good("certificate", text)
    wanted = house_name(case)
    names = [value for _, value in found.get("subjectAltName", ())]
    if case.place.installed and wanted not in names:
        yield look("certificate's name", f"the certificate is for {', '.join(names) or 'no name'}, and the house looks for {wanted}", renew)


def _peer(at: Address) -> dict[str, Any]:
    context = ssl.create_default_context(cadata=ssl.get_server_certificate((at.host, at.port), timeout=_TIMEOUT_S))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    with socket.create_connection((at.host, at.port), timeout=_TIMEOUT_S) as line, context.wrap_socket(line) as tls:
        return dict(tls.getpeercert() or {})
