"""Where the panel listens, and where it keeps what is its own. The broker is found as every command finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ui.client_settings import ClientSettings, find
from ui.errors import Failed

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelSettings:
    """``folder``: the panel's own, for uploads that are not finished. ``tls``: certificate and key, both or none."""

    client: ClientSettings
    host: str
    port: int
    folder: Path
    tls: tuple[Path, Path] | None

    @property
    def address(self) -> str:
        """For people on this computer."""
        scheme = "https" if self.tls else "http"
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared with, not bound to
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


def load(environment: Mapping[str, str], data: Path | None) -> PanelSettings:
    """Of the environment: PYARCHIVE_PANEL_HOST, _PORT, _DATA, _TLS_CERT, _TLS_KEY. Raises Failed."""
    client = find(environment, data)
    return PanelSettings(
        client=client,
        host=environment.get("PYARCHIVE_PANEL_HOST") or DEFAULT_HOST,
        port=_port(environment.get("PYARCHIVE_PANEL_PORT") or str(DEFAULT_PORT)),
        folder=Path(environment.get("PYARCHIVE_PANEL_DATA") or client.data / "panel"),
        tls=_tls(environment),
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 65536:  # noqa: PLR2004 - what a port can be
        return int(text)
    raise Failed(f"PYARCHIVE_PANEL_PORT is {text!r}; it must be a number from 1 to 65535")


def _tls(environment: Mapping[str, str]) -> tuple[Path, Path] | None:
    certificate, key = (environment.get(f"PYARCHIVE_PANEL_TLS_{name}") for name in ("CERT", "KEY"))
    if bool(certificate) != bool(key):
        raise Failed("TLS of the panel needs both PYARCHIVE_PANEL_TLS_CERT and PYARCHIVE_PANEL_TLS_KEY; set the other, or neither")
    return (Path(certificate), Path(key)) if certificate and key else None
