"""``python -m tests.ui.panel.all_routes``: every route of the real panel, a JSON list of path and methods. A process of its own, as the
panel is: NiceGUI has one set of pages.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Mount

from ui.panel.app import build
from ui.panel.server import _panel
from ui.panel.settings import load

_ENVIRONMENT = {"PYARCHIVE_APPLIANCE_ID": "no-house", "PYARCHIVE_MQTT_HOST": "127.0.0.1", "PYARCHIVE_MQTT_PORT": "1"}


def _below(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """A mount that says what is in it is walked through; one that does not (files, websockets) is a route itself."""
    for route in routes:
        path = prefix + getattr(route, "path", type(route).__name__)
        inner = getattr(route, "routes", None) if isinstance(route, Mount) else None
        if inner:
            yield from _below(inner, path)
        else:
            yield path, sorted(getattr(route, "methods", None) or [])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app: Any = build(_panel(load(_ENVIRONMENT, Path(folder))))
        while not hasattr(app, "router"):  # what is around it lets everything through, or nothing
            app = app._app
        json.dump(list(_below(app.router.routes)), sys.stdout)


if __name__ == "__main__":
    main()
