"""``python -m tests.ui.panel.telling_panel``: the panel, with little patience for pages that are gone; SIGUSR1: what it holds, as JSON."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from pathlib import Path

from nicegui import app as nicegui_app
from nicegui import core
from nicegui.app.app import prune_tab_storage
from nicegui.client import Client
from nicegui.elements.timer import Timer

from ui.panel import app, here
from ui.panel.__main__ import main
from ui.panel.overview import chart


def tell(*_: object) -> None:
    """Into the panel's own folder; ``objects`` are all that Python's collector knows."""
    assert core.loop
    core.loop.create_task(prune_tab_storage())  # as NiceGUI does by itself every ten seconds
    gc.collect()
    objects = gc.get_objects()
    told = {
        "timers": sum(isinstance(each, Timer) for each in objects),  # one keeps its page until its next round
        "pages": len(Client.instances), "websockets": len(core.sio.eio.sockets), "tabs": len(nicegui_app.storage._tabs),
        "followers": len(here.live()._followers), "followed": len(here.live()._wanted), "objects": len(objects),
    }  # fmt: skip
    file = Path(os.environ["PYARCHIVE_PANEL_DATA"]) / "told"
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(told))
    fresh.replace(file)


if __name__ == "__main__":
    chart._LOOK_EVERY_S = 1.0
    app._RECONNECT_S = float(os.environ.get("TELLING_PATIENCE_S", "1"))
    signal.signal(signal.SIGUSR1, tell)
    sys.exit(main())
