"""The live view of ``watch`` and ``demo`` on a terminal: drawn from what the appliance publishes."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ui.headline import headline, uploads
from ui.lamp_words import lamp_line
from ui.mirror import Mirror
from ui.words import clean, percent, rate, size

# The terminal writes ^C where the cursor is: behind a full line that would make another line, and the view would be drawn twice.
END = Text("")
_BAR_CELLS = 24
_STATUS_STYLES = {
    "idle": "green",
    "transferring": "green",
    "needs_you": "red",
    "starting": "yellow",
    "waiting": "yellow",
    "paused": "yellow",
}


def draw(mirror: Mirror) -> RenderableType:
    """The whole view at this moment."""
    state = mirror.get("appliance/state")
    if not isinstance(state, dict):
        return Text("waiting for the appliance", style="yellow")
    parts: list[RenderableType] = [_title(state, online=mirror.online), _overall(state)]
    if window := uploads(state):
        parts.append(Text(f"uploads: {window}", style="dim"))
    lamp = mirror.get("frontpanel/state")
    if isinstance(lamp, dict) and mirror.online:
        parts.append(Text(f"lamp: {lamp_line(lamp)}", style="dim", no_wrap=True, overflow="ellipsis"))
    slots = mirror.below("transfer/")
    if slots:
        parts.append(_slots([slots[name] for name in sorted(slots)]))
    parts += [_problem(problem) for problem in state["problems"]]
    return Group(*parts, END)


def _title(state: dict[str, Any], *, online: bool) -> Text:
    status = state["status"].replace("_", " ") if online else "not online"
    style = _STATUS_STYLES.get(state["status"], "") if online else "red"
    text = Text(no_wrap=True, overflow="ellipsis").append(clean(state["appliance_id"]), style="bold")
    text.append("  ").append(status, style=style)
    if online and state["status_reason"]:
        text.append(f"  {clean(state['status_reason'])}", style="dim")
    return text


def _overall(state: dict[str, Any]) -> Table:
    grid = _grid()
    active = state["active_connection"]
    where = f"on {clean(active['name'])}" if active else "no remote is active"
    grid.add_row(
        Text(where),
        ProgressBar(total=1.0, completed=state["progress_ratio"], width=_BAR_CELLS),
        percent(state["progress_ratio"]),
        Text(headline(state)),
    )
    return grid


def _slots(slots: list[dict[str, Any]]) -> Table:
    grid = _grid()
    for slot in slots:
        batch = "manifest" if slot["batch_index"] is None else f"batch {slot['batch_index'] + 1}/{slot['batches_total']}"
        arrow = "↑" if slot["direction"] == "up" else "↓"
        share = slot["done_bytes"] / slot["size_bytes"] if slot["size_bytes"] else 1.0
        detail = f"{batch}, {size(slot['done_bytes'])} of {size(slot['size_bytes'])}, {rate(slot['rate_bytes_per_s'])}"
        grid.add_row(
            Text(f"{arrow} {clean(slot['title'])}"), ProgressBar(total=1.0, completed=share, width=_BAR_CELLS), percent(share), Text(detail)
        )
    return grid


def _grid() -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=28, no_wrap=True, overflow="ellipsis")
    grid.add_column(width=_BAR_CELLS)
    grid.add_column(width=5, justify="right")
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis", style="dim")
    return grid


def _problem(problem: dict[str, Any]) -> Text:
    text = Text("needs you: " if problem["needs_you"] else "passes: ", style="red" if problem["needs_you"] else "yellow")
    return text.append(f"{clean(problem['message'])}; {clean(problem['next_step'])}", style="default")
