"""Said where scripts are run: that the runner is not there, and what follows from that."""

from __future__ import annotations

from nicegui import ui

from ui.panel import here, parts

_WORDS = "The runner of scripts is not there: nothing can be run until it is back. It is a service of its own, pyarchive-scripts."


def runner_away() -> None:
    """Comes and goes by itself."""
    with ui.element("div").classes("pa-banners").props('role="status" aria-live="polite"') as area:
        banner = parts.banner("warn", "cloud_off", _WORDS)

    def show() -> None:
        state = here.live().get("runner/state")
        area.set_visibility(not (state and state["online"]))

    banner.set_visibility(True)
    area.set_visibility(False)
    here.follow(["runner/state"], show)
    ui.timer(2.0, show, once=True)  # retained: by then it has come, if there is any
