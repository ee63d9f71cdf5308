"""Is everything safe? What moves, what needs somebody."""

from __future__ import annotations

from ui.panel import here, parts
from ui.panel.frame import page
from ui.words import rate, size


@page("/", title="Overview")
def overview() -> None:
    with parts.grid(), parts.card("Protection"):
        risk = parts.stat("Only here so far", "-")
        up = parts.stat("Upload", "-")

    def show() -> None:
        state = here.live().get("appliance/state")
        if state:
            risk.show(size(state["bytes_at_risk"]))
            up.show(rate(state["upload_rate_bytes_per_s"]))

    show()
    here.follow(["appliance/state"], show)
