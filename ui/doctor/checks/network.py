"""The network, as far as the appliance itself needs it: nobody is asked but what it uses."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from ui.doctor.case import Case
from ui.doctor.checks import panel
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import clean

_DRIVE = ("www.googleapis.com", "oauth2.googleapis.com")
_CONNECT_S, _SLOW_S = 5.0, 1.5
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def route(case: Case) -> Iterator[Finding]:
    """A way out: the table of the kernel has a default."""
    table = (case.machine.text("/proc/net/route") or "").splitlines()[1:]
    ways = {row[0] for line in table if len(row := line.split()) > 2 and row[1] == "00000000"}  # noqa: PLR2004 - interface, destination, gateway
    sixth = (case.machine.text("/proc/net/ipv6_route") or "").splitlines()
    ways |= {row[9] for line in sixth if len(row := line.split()) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo"}  # noqa: PLR2004 - the last is the interface
    if ways:
        yield good("route", f"there is a way out of the house, by {clean(', '.join(sorted(ways)))}")
    elif _endpoints(case):
        yield mend("route", "there is no way out of the house: no default route", "see cable or Wi-Fi: nmcli device status; then: ip route")
    else:
        yield skipped("route", "there is no way out of the house, and no remote needs one")


def remote(case: Case) -> Iterator[Finding]:
    """Name and connection of what the active remotes need; nothing is sent."""
    endpoints = _endpoints(case)
    if not endpoints:
        yield skipped(
            "remote's address",
            "no remote of this appliance is on the internet" if case.told.online else "which addresses the remotes have is not known",
        )
    elif any(os.environ.get(name) for name in _PROXIES):
        yield skipped("remote's address", "a proxy is set: the remote is reached by it, and not tried from here")
    else:
        for host, port in endpoints:
            yield _reached(host, port)


def _endpoints(case: Case) -> list[tuple[str, int]]:
    if not any(each["kind"] == "drive" for each in case.told.connections):
        return []
    other = urlsplit(str(case.told.setting("drive_endpoint") or ""))
    if other.hostname:
        return [(other.hostname, other.port or (443 if other.scheme == "https" else 80))]
    return [(host, 443) for host in _DRIVE]


def _reached(host: str, port: int) -> Finding:
    name = f"reach {host}"
    try:
        began_s = time.monotonic()
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
        found_s = time.monotonic() - began_s
    except (OSError, UnicodeError):  # the second: it cannot be a name
        return mend(
            name, f"the name {host} is not found: DNS does not work", "see the router, and /etc/resolv.conf; then: getent hosts " + host
        )
    try:
        began_s = time.monotonic()
        socket.create_connection((str(address[0]), port), timeout=_CONNECT_S).close()
        reached_s = time.monotonic() - began_s
    except OSError as error:
        return mend(
            name,
            f"{host} cannot be reached: {error.strerror or 'no answer in time'}",
            "see the router and the line; a firewall may be in between",
        )
    text = f"{host} answers: name after {found_s * 1000:.0f} ms, connection after {reached_s * 1000:.0f} ms"
    return look(name, f"{text}, which is slow", "see the router and the line") if found_s + reached_s > _SLOW_S else good(name, text)


def house_name(case: Case) -> Iterator[Finding]:
    """The name under which the house finds the panel (mDNS)."""
    if not case.place.installed or not case.place.choices.get("mdns", True):
        yield skipped("name in the house", "no name in the house was set up")
        return
    wanted = panel.house_name(case)
    if not wanted.endswith(".local"):
        yield skipped("name in the house", f"{wanted} is told by the house's own DNS, not by this computer")
        return
    ran = case.machine.run("systemctl", "is-active", "avahi-daemon")
    if ran is None or ran.out.strip() != "active":
        yield mend(
            "name in the house",
            f"{wanted} is not told to the house: avahi-daemon does not run",
            "sudo systemctl enable --now avahi-daemon",
        )
        return
    found = case.machine.run("avahi-resolve", "--name", f"{wanted}")
    if found is None:
        yield good("name in the house", f"avahi-daemon runs, and tells {wanted}")
    elif found.out.strip():
        yield good("name in the house", f"{wanted} is found as {clean(found.out.split()[-1])}")
    else:
        yield look("name in the house", f"{wanted} is not found", "another computer may have the name: journalctl -u avahi-daemon -n 20")
