"""Who may use which route of the panel. A route that is not here fails the test of every door."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from nicegui import __version__ as nicegui_version


class Who(Enum):
    """OWNER: signed in, and one's own; admins too. SOCKET: see ``test_websockets.py``; plain requests get nothing there."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    OWNER = "owner"
    ADMIN = "admin"
    SOCKET = "socket"


@dataclass(frozen=True)
class Door:
    """``example`` is an address of it; ``{archive}``, ``{upload}``, ``{connection}`` and ``{script}`` stand for ids, of the admin's."""

    path: str
    methods: frozenset[str]
    who: Who
    example: str

    @property
    def is_page(self) -> bool:
        """Of NiceGUI."""
        return self.methods == {"GET"} and not self.path.startswith("/_nicegui")


def _door(methods: str, path: str, who: Who, example: str | None = None) -> Door:
    return Door(path, frozenset(methods.split()), who, example or path)


_NICEGUI = f"/_nicegui/{nicegui_version}"
_TUS = "/uploads/tus"

DOORS = (
    _door("GET HEAD", "/healthz", Who.ANYONE),
    _door("GET HEAD", "/manifest.webmanifest", Who.ANYONE),
    _door("", "/static", Who.ANYONE, "/static/panel.css"),
    _door("GET HEAD", "/login", Who.ANYONE),
    _door("POST", "/login", Who.ANYONE),
    _door("GET HEAD", "/claim", Who.ANYONE),
    _door("POST", "/claim", Who.ANYONE),
    _door("GET HEAD", "/register", Who.ANYONE),
    _door("POST", "/register", Who.ANYONE),
    _door("POST", "/logout", Who.SIGNED_IN),
    _door("GET HEAD", "/upload", Who.SIGNED_IN),
    _door("GET HEAD", "/upload/unfinished", Who.SIGNED_IN),
    _door("", "/upload/static", Who.SIGNED_IN, "/upload/static/uploader.js"),
    _door("OPTIONS POST", _TUS, Who.SIGNED_IN),
    _door("DELETE HEAD OPTIONS PATCH", _TUS + "/{id}", Who.OWNER, _TUS + "/{upload}"),
    _door("GET HEAD", "/files/{archive_id}", Who.OWNER, "/files/{archive}"),
    _door("GET HEAD", "/files/{archive_id}/{name:path}", Who.OWNER, "/files/{archive}/film.mkv"),
    _door("", "/_nicegui_ws", Who.SOCKET, "/_nicegui_ws/socket.io/?EIO=4&transport=polling"),
    _door("", f"{_NICEGUI}/static", Who.ANYONE, f"{_NICEGUI}/static/nicegui.css"),
    _door("GET", f"{_NICEGUI}/libraries/{{key:path}}", Who.SIGNED_IN, f"{_NICEGUI}/libraries/none"),
    _door("GET", f"{_NICEGUI}/components/{{key:path}}", Who.SIGNED_IN, f"{_NICEGUI}/components/none"),
    _door("GET", f"{_NICEGUI}/resources/{{key}}/{{path:path}}", Who.SIGNED_IN, f"{_NICEGUI}/resources/none/none"),
    _door("GET", f"{_NICEGUI}/dynamic_resources/{{name}}", Who.SIGNED_IN, f"{_NICEGUI}/dynamic_resources/none"),
    _door("GET", f"{_NICEGUI}/esm/{{key}}/{{path:path}}", Who.SIGNED_IN, f"{_NICEGUI}/esm/none/none"),
    _door("GET", "/", Who.SIGNED_IN),
    _door("GET", "/archives", Who.SIGNED_IN),
    _door("GET", "/archives/{archive_id}", Who.OWNER, "/archives/{archive}"),
    _door("GET", "/transfers", Who.SIGNED_IN),
    _door("GET", "/profile", Who.SIGNED_IN),
    _door("GET", "/connections", Who.SIGNED_IN),
    _door("GET", "/connections/{connection_id}", Who.SIGNED_IN, "/connections/{connection}"),
    _door("GET", "/connections/{connection_id}/recover", Who.ADMIN, "/connections/{connection}/recover"),
    _door("GET", "/connections/{connection_id}/recovery-sheet", Who.ADMIN, "/connections/{connection}/recovery-sheet"),
    _door("GET", "/connections/add/folder", Who.ADMIN),
    _door("GET", "/connections/add/drive", Who.ADMIN),
    _door("GET", "/front-panel", Who.SIGNED_IN),
    _door("GET", "/notifications", Who.ADMIN),
    _door("GET", "/welcome", Who.ADMIN),
    _door("GET", "/scripts", Who.ADMIN),
    _door("GET", "/scripts/new", Who.ADMIN),
    _door("GET", "/scripts/{script_id}", Who.ADMIN, "/scripts/{script}"),
    _door("GET", "/scripts/{script_id}/edit", Who.ADMIN, "/scripts/{script}/edit"),
    _door("GET HEAD", "/log/download", Who.ADMIN),
    _door("GET", "/log", Who.ADMIN),
    _door("GET", "/settings", Who.ADMIN),
    _door("GET", "/users", Who.ADMIN),
)
