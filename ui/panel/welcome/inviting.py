"""How the others get in: the panel's address for phones, invitations, Home Assistant."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from nicegui import ui

from ui.panel import parts
from ui.panel.connecting.kit import address
from ui.panel.connecting.qr import qr


def is_loopback(url: str) -> bool:
    """It is reached from this computer only. Pure."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def invite() -> None:
    url = address()
    with ui.element("div").classes("pa-code-panel"):
        with parts.stack():
            parts.text("On a phone: point the camera at the code, sign in, then “Add to home screen”.", "p")
            parts.link(url, url).classes("pa-strong pa-prewrap")
            if is_loopback(url):
                parts.text(
                    "This address works on this computer only; open the panel by the appliance's name to show it to others.", "p"
                ).classes("pa-muted pa-small")
            with parts.row():
                parts.copy_button(url, "Copy the address")
                parts.go("Invite somebody", "/users", icon="person_add")
        qr(url, f"QR code of {url}")
    parts.text(
        "With Home Assistant: the appliance appears there by itself once both use the same message broker; docs/broker.md says how.", "p"
    ).classes("pa-muted")
