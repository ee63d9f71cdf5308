"""The pages that the frame leads to, in the order in which a household needs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """``everyday``: it stands in the bar of a phone; the others are under More."""

    path: str
    label: str
    icon: str
    admin: bool = False
    everyday: bool = False
    own_tab: bool = False


PLACES = (
    Place(path="/", label="Overview", icon="home", everyday=True),
    Place(path="/archives", label="Archives", icon="inventory_2", everyday=True),
    Place(path="/upload", label="Upload", icon="cloud_upload", everyday=True, own_tab=True),
    Place(path="/transfers", label="Transfers", icon="swap_vert", everyday=True),
    Place(path="/connections", label="Connections", icon="hub"),
    Place(path="/front-panel", label="Front panel", icon="lightbulb"),
    Place(path="/scripts", label="Scripts", icon="terminal", admin=True),
    Place(path="/log", label="Log", icon="article", admin=True),
    Place(path="/users", label="Users", icon="group", admin=True),
    Place(path="/notifications", label="Notifications", icon="notifications", admin=True),
    Place(path="/settings", label="Settings", icon="tune", admin=True),
)


def places_for(*, admin: bool) -> list[Place]:
    return [place for place in PLACES if admin or not place.admin]
