"""Units: written, enabled, running with what is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.installation import certificates, units, writing
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import APPLIANCE_USER, BROKER_UNIT, UNITS
from appliance.installation.machine import is_running_systemd, systemd_release
from appliance.installation.people import has_gpio
from appliance.installation.site import Site
from appliance.installation.steps import Step

DROP_IN = Path("mosquitto.service.d/pyarchive.conf")
POLKIT_RULE = "/etc/polkit-1/rules.d/50-pyarchive-power-off.rules"
_RULE_OF_SOURCE = "appliance/front_panel/50-pyarchive-power-off.rules"
_PENDING = "/run/pyarchive-installation"
_NEXT = "Mend what is said above, and try again; it goes on from here."


def texts(site: Site) -> dict[str, str]:
    """The files below /etc/systemd/system."""
    place = units.Place(
        data=Path(site.choices.data), panel_port=site.choices.port, panel_tls=certificates.files(site),
        has_gpio=has_gpio(site.layout), systemd=systemd_release(site.layout) or 252,
    )  # fmt: skip
    try:
        return units.render(units.values(place))
    except units.BadUnit as error:
        raise CannotGoOn(f"{error}.", "Choose another path.") from error


def write_steps(site: Site) -> Iterator[Step]:
    """Units and the rule by which the button may switch off."""
    yield Step(words="write the units of systemd", is_done=lambda: not _other_units(site), do=lambda: _write_units(site))
    rule = site.layout.at(POLKIT_RULE)
    text = (site.source / _RULE_OF_SOURCE).read_text()
    yield Step(
        words=f"let {APPLIANCE_USER} switch the computer off ({POLKIT_RULE})",
        is_done=lambda: writing.is_written(rule, text, 0o644, site.layout.owner()),
        do=lambda: writing.write(rule, text, 0o644, site.layout.owner()),
    )


def start_steps(site: Site) -> Iterator[Step]:
    """Enabled for each boot, and running now, with what is written now. Where systemd does not run: enabled."""
    enabled = (BROKER_UNIT, *sorted(name for name, text in texts(site).items() if "\n[Install]\n" in text))
    yield Step(
        words=f"enable {', '.join(enabled)}",
        is_done=lambda: all(site.programs.run("systemctl", "is-enabled", "--quiet", name).status == 0 for name in enabled),
        do=lambda: systemctl(site, "enable", *enabled),
    )
    if is_running_systemd(site.layout):
        for name in (BROKER_UNIT, *(name for name in enabled if name.endswith(".path")), *UNITS):
            yield running(site, name)


def needs_restart(site: Site, *names: str) -> None:
    """Before what a unit reads is changed: so that it is started anew, whatever comes between. A boot does that, too."""
    for name in names:
        writing.write(site.layout.at(_PENDING) / name, "")


def running(site: Site, name: str) -> Step:
    """The unit is on its way or there, since the last change of what it reads."""
    pending = site.layout.at(_PENDING) / name

    def start() -> None:
        site.programs.run("systemctl", "reset-failed", name)
        systemctl(site, "restart", *(("--no-block",) if name in UNITS else ()), name)
        pending.unlink(missing_ok=True)

    return Step(words=f"start {name}", is_done=lambda: not pending.exists() and _is_on(site, name), do=start)


def _is_on(site: Site, name: str) -> bool:
    state = site.programs.run("systemctl", "show", "--property", "ActiveState", "--value", name).output.strip()
    return state in {"active", "activating", "reloading"}


def _other_units(site: Site) -> list[str]:
    owner = site.layout.owner()
    return [name for name, text in texts(site).items() if not writing.is_written(site.layout.units / name, text, 0o644, owner)]


def _write_units(site: Site) -> None:
    every = texts(site)
    for name in _other_units(site):
        needs_restart(site, name.partition(".d/")[0])
        writing.write(site.layout.units / name, every[name], 0o644, site.layout.owner())
    if is_running_systemd(site.layout):
        systemctl(site, "daemon-reload")


def systemctl(site: Site, *arguments: str) -> None:
    """Raises CannotGoOn."""
    site.programs.must("systemctl", *arguments, next_step=_NEXT)
