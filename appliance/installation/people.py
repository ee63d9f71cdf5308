"""Users and groups: one of each for every process, a group that hands files in, one that may use the command as an admin."""

from __future__ import annotations

import os
from collections.abc import Iterator

from appliance.installation.layout import (
    ADMIN_GROUP,
    APPLIANCE_USER,
    FILES_GROUP,
    PANEL_USER,
    RUNNER_USER,
    SCRIPT_USER,
    SHARE_USER,
    Layout,
)  # fmt: skip
from appliance.installation.running import Programs
from appliance.installation.steps import Step
from appliance.installation.writing import numbers

GPIO = "gpio"
_NEXT = "Mend what is said above (another program may hold the lists of users), then try again; it goes on from here."


def steps(programs: Programs, layout: Layout, *, share: bool) -> Iterator[Step]:
    """Groups, users, memberships: of our users, and of whoever called sudo."""
    for group in (FILES_GROUP, ADMIN_GROUP):
        yield _group(programs, layout, group)
    yield _user(programs, layout, APPLIANCE_USER, FILES_GROUP)
    for user in (PANEL_USER, RUNNER_USER, SCRIPT_USER):
        yield _user(programs, layout, user, None)
    if share:
        yield _user(programs, layout, SHARE_USER, None)
    yield _member(programs, layout, PANEL_USER, FILES_GROUP)
    if has_gpio(layout):
        yield _member(programs, layout, APPLIANCE_USER, GPIO)
    if person := _caller(layout):
        for group in (FILES_GROUP, ADMIN_GROUP):
            yield _member(programs, layout, person, group)


def has_gpio(layout: Layout) -> bool:
    """There is the group that may use the pins: Raspberry Pi OS has it."""
    return GPIO in numbers(layout.at("/etc/group"))


def _caller(layout: Layout) -> str | None:
    """Whoever called sudo, if that is a person."""
    name = os.environ.get("SUDO_USER", "")
    return name if name != "root" and name in numbers(layout.at("/etc/passwd")) else None


def _group(programs: Programs, layout: Layout, name: str) -> Step:
    return Step(
        words=f"make the group {name}",
        is_done=lambda: name in numbers(layout.at("/etc/group")),
        do=lambda: _must(programs, "groupadd", "--system", name),
    )


def _user(programs: Programs, layout: Layout, name: str, group: str | None) -> Step:
    """``group``: the first one of that user; None: one of the same name."""
    of_group = ("--gid", group) if group else ("--user-group",)
    command = ("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", *of_group, name)
    return Step(
        words=f"make the user {name}",
        is_done=lambda: name in numbers(layout.at("/etc/passwd")),
        do=lambda: _must(programs, *command),
    )


def _member(programs: Programs, layout: Layout, user: str, group: str) -> Step:
    return Step(
        words=f"make {user} a member of the group {group}",
        is_done=lambda: user in _members(layout, group),
        do=lambda: _must(programs, "usermod", "--append", "--groups", group, user),
    )


def _members(layout: Layout, group: str) -> list[str]:
    try:
        lines = layout.at("/etc/group").read_text().splitlines()
    except OSError:
        return []
    return next((line.split(":")[3].split(",") for line in lines if line.startswith(f"{group}:")), [])


def _must(programs: Programs, *command: str) -> None:
    programs.must(*command, next_step=_NEXT)
