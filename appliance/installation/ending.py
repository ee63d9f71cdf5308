"""The end of an installation: it is online, or why it is not; where the panel is, and what comes next."""

from __future__ import annotations

import json
import re
import time

from appliance.installation import broker, certificates, share
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import BROKER_UNIT, UNITS
from appliance.installation.site import Site
from appliance.installation.steps import Say

_PATIENCE_S = 180.0
_PAUSE_S = 1.0
_LINES = "12"


def wait_until_online(site: Site) -> None:
    """Until the panel and the runner are there, too. Raises CannotGoOn, with what the journal says, where one does not come."""
    end = time.monotonic() + _PATIENCE_S
    while _down(site) or site.programs.run(site.layout.command, "status", "--json").status:
        if time.monotonic() > end:
            raise CannotGoOn(
                f"everything is installed, but not everything is running after {_PATIENCE_S:.0f} s.\n{_why(site)}",
                "Mend what is said above, then run this again: sudo ./install.sh. `pyarchive doctor` looks at more.",
            )
        time.sleep(_PAUSE_S)  # systemd is asked again; the loop ends by its own deadline


def tell(site: Site, say: Say, *, new: bool) -> None:
    """Where it is and what comes next. ``new``: something was done; then there is a code, as long as nobody has an account."""
    say("")
    say("PyArchive is online.")
    say(f"  panel         {site.panel_url}")
    for address in _addresses(site):
        say(f"                {site.choices.address(address)}")
    if not _has_people(site):
        code = _setup_code(site) if new else "`pyarchive user setup-code` shows a new one"
        say(f"  setup code    {code}   (good once; with it you make the first account, in the panel)")
    for line in _what_is_on(site):
        say(line)
    say("Next: open the panel and make your account; First steps lead you to a connection, and to the recovery sheet to print")
    say("(Connections, one of them, Recovery sheet). The command `pyarchive status` works after you have logged in again.")


def _what_is_on(site: Site) -> list[str]:
    chosen, inside = site.choices, site.layout.inside
    lines = [f"  data          {chosen.data}"]
    if chosen.tls == "generated":
        lines.append(f"  TLS           trust {inside(certificates.authority(site))} on your computers and phones, else browsers warn")
    if chosen.lan:
        login = f"{inside(site.layout.broker)}/credentials/homeassistant.toml"
        lines.append(f"  Home Assistant  broker port {broker.port(site, 'lan_port')}; user name and password: {login}")
    if chosen.share:
        lines.append(f"  share         \\\\{site.name}\\inbox; user name and password: {inside(share.password_file(site))}")
    return lines


def _addresses(site: Site) -> list[str]:
    shown = site.programs.run("ip", "-4", "-o", "addr", "show", "scope", "global").output
    return re.findall(r"inet ([0-9.]+)", shown)


def _has_people(site: Site) -> bool:
    """True also where that cannot be known: a code is not given away on a guess."""
    asked = site.programs.run(site.layout.command, "user", "list", "--json")
    return asked.status != 0 or bool(json.loads(asked.output)["users"])


def _setup_code(site: Site) -> str:
    made = site.programs.run(site.layout.command, "user", "setup-code", "--json")
    return "`pyarchive user setup-code` shows it" if made.status else str(json.loads(made.output)["code"])


def _down(site: Site) -> list[str]:
    return [name for name in (BROKER_UNIT, *UNITS) if site.programs.run("systemctl", "is-active", "--quiet", name).status]


def _why(site: Site) -> str:
    """The last lines of each unit that is not running, or of the appliance's."""
    names = _down(site) or UNITS[:1]
    asked = [site.programs.run("journalctl", "--no-pager", "--output", "cat", "--lines", _LINES, "--unit", name) for name in names]
    return "\n".join(f"{name}:\n{result.output.strip()}" for name, result in zip(names, asked, strict=True))
