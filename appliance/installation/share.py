"""The inbox as a network share: one share, one login of its own, and nothing else of this computer is seen through it.

Samba's own file gets one line, at its end, that includes ours.
"""

from __future__ import annotations

import json
import secrets
import tomllib
from collections.abc import Iterator
from pathlib import Path

from appliance.installation import writing
from appliance.installation.layout import FILES_GROUP, SHARE_USER
from appliance.installation.machine import is_running_systemd
from appliance.installation.services import needs_restart, running
from appliance.installation.site import Site
from appliance.installation.steps import Step

_MAIN, _UNIT = "/etc/samba/smb.conf", "smbd.service"
_COMMENT = "# PyArchive's inbox (install.sh --no-share takes it away)"

_TEXT = """# PyArchive's inbox as a network share. Written by install.sh: changes are lost at its next run.
# What is put into the folder of an owner becomes an archive of that owner, and leaves the folder.
[inbox]
  comment = PyArchive: files to keep, one folder for each owner
  path = {inbox}
  valid users = {user}
  force user = {user}
  force group = {group}
  read only = no
  guest ok = no
  create mask = 0660
  force create mode = 0660
  directory mask = 2770
  force directory mode = 2770
  # A copy that goes on appears complete, or not at all, and no file of the share is a way out of it.
  strict allocate = no
  follow symlinks = no
  wide links = no
  veto files = /.DS_Store/._*/Thumbs.db/desktop.ini/
  delete veto files = yes
"""


def steps(site: Site) -> Iterator[Step]:
    if not site.choices.share:
        yield from removal(site)
        return
    path, owner = site.layout.configuration / "samba.conf", site.layout.owner()
    text = _TEXT.format(inbox=f"{site.choices.data}/inbox", user=SHARE_USER, group=FILES_GROUP)
    yield Step(
        words="write the network share of the inbox",
        is_done=lambda: writing.is_written(path, text, 0o644, owner),
        do=lambda: _write(site, text),
    )
    yield Step(words=f"include it in {_MAIN}", is_done=lambda: _include(site) in _main(site), do=lambda: _add_include(site))
    yield Step(words="make a password for it", is_done=lambda: _has_password(site), do=lambda: _make_password(site))
    if is_running_systemd(site.layout):
        yield running(site, _UNIT)


def removal(site: Site) -> Iterator[Step]:
    """Samba itself stays: it may have other shares."""
    files = [site.layout.configuration / "samba.conf", password_file(site)]
    yield Step(words=f"take the share out of {_MAIN}", is_done=lambda: _include(site) not in _main(site), do=lambda: _remove_include(site))
    yield Step(
        words="remove the share's files and its login",
        is_done=lambda: not any(file.exists() for file in files),
        do=lambda: _remove_login(site, files),
    )


def _remove_login(site: Site, files: list[Path]) -> None:
    site.programs.run("smbpasswd", "-x", SHARE_USER)  # none may be left of an installation that was broken off
    writing.remove(*files)


def password_file(site: Site) -> Path:
    """User name and password of the share, in clear, for root alone."""
    return site.layout.configuration / "share.toml"


def _write(site: Site, text: str) -> None:
    needs_restart(site, _UNIT)
    writing.write(site.layout.configuration / "samba.conf", text, 0o644, site.layout.owner())


def _include(site: Site) -> str:
    return f"\n{_COMMENT}\ninclude = {site.layout.inside(site.layout.configuration / 'samba.conf')}\n"


def _main(site: Site) -> str:
    path = site.layout.at(_MAIN)
    return path.read_text() if path.exists() else ""


def _add_include(site: Site) -> None:
    needs_restart(site, _UNIT)
    writing.write(site.layout.at(_MAIN), f"{_main(site).rstrip()}\n{_include(site)}", 0o644, site.layout.owner())


def _remove_include(site: Site) -> None:
    writing.write(site.layout.at(_MAIN), _main(site).replace(_include(site), ""), 0o644, site.layout.owner())
    if is_running_systemd(site.layout):
        site.programs.run("systemctl", "try-restart", _UNIT)


def _has_password(site: Site) -> bool:
    return password_file(site).exists() and site.programs.run("pdbedit", "-u", SHARE_USER).status == 0


def _make_password(site: Site) -> None:
    """The one that is kept stays."""
    path = password_file(site)
    word = tomllib.loads(path.read_text())["password"] if path.exists() else secrets.token_urlsafe(12)
    head = f"# The share \\\\{site.name}\\inbox. For another password: remove this file and run install.sh again."
    text = f"{head}\nusername = {json.dumps(SHARE_USER)}\npassword = {json.dumps(word)}\n"
    writing.write(path, text, 0o600, site.layout.owner())
    site.programs.must("smbpasswd", "-s", "-a", SHARE_USER, given=f"{word}\n{word}\n", next_step="Try again; it goes on from here.")
