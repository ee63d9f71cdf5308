"""The first thing that one sees: whether all is well."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts, visible
from ui.panel.overview.figures import Figures, of_all, of_own
from ui.panel.overview.standing import UNKNOWN, Standing, standing
from ui.words import duration, percent, size

_NO_VALUE = "-"


class Hero:
    """Headline, four figures, how far it is. ``own``: the answer of archive/summary, for members."""

    def __init__(self) -> None:
        self.own: dict[str, Any] | None = None
        with ui.element("section").classes("pa-card pa-hero").props('aria-label="Protection"') as self._card:
            with ui.element("div").classes("pa-hero-head"):
                self._icon = ui.icon(UNKNOWN.icon).classes("pa-hero-icon").props('aria-hidden="true"')
                with ui.element("div").classes("pa-hero-words").props('role="status" aria-live="polite"'):
                    self._title = parts.prose(UNKNOWN.title, "h2").classes("pa-hero-title")
                    with ui.element("p").classes("pa-hero-detail"):
                        self._detail = parts.prose(UNKNOWN.detail, "span")
                        self._at = parts.when(None, "by", none="")
            self._invite = _invitation(connect=here.person().admin)
            with ui.element("div").classes("pa-stack pa-gap") as self._numbers:
                self._bar = parts.bar("Stored on the active connection")
                self._stats()

    def _stats(self) -> None:
        with ui.element("div").classes("pa-stats"):
            self._risk = parts.stat("Only here so far", _NO_VALUE)
            self._kept = parts.stat("Kept", _NO_VALUE)
            self._stored = parts.stat("Stored remotely", _NO_VALUE)
            self._proof = parts.stat("Last proof by reading back", "")
            with self._proof.value:
                self._proven = parts.when(None, none=_NO_VALUE)

    def show(self) -> None:
        state, person = here.live().get("appliance/state"), here.person()
        figures = None if not state else of_all(state) if person.admin else of_own(self.own) if self.own else None
        self._say(standing(figures, state, visible.problems(person, state)) if figures else UNKNOWN)
        is_empty = figures is not None and not figures.archives
        self._invite.set_visibility(is_empty)
        self._numbers.set_visibility(not is_empty)
        if figures and not is_empty:
            self._show_figures(figures, state)

    def _say(self, said: Standing) -> None:
        if self._card.props.get("data-tone") != said.tone:
            self._card.props["data-tone"] = said.tone
            self._card.update()
        if self._icon.name != said.icon:
            self._icon.name = said.icon
        self._title.show(said.title)
        self._detail.show(said.detail)
        self._at.show(said.at)

    def _show_figures(self, figures: Figures, state: dict[str, Any]) -> None:
        self._risk.show(size(figures.at_risk_bytes), "nothing at risk" if not figures.at_risk_bytes else _left(state))
        archives = f"{figures.archives:,} archives" if figures.archives != 1 else "1 archive"
        self._kept.show(size(figures.size_bytes), archives)
        self._stored.show(percent(figures.progress_ratio), f"{size(figures.to_go_bytes)} to go" if figures.to_go_bytes else "nothing to go")
        self._bar.show(figures.progress_ratio)
        self._proven.show(figures.last_proof_at)
        self._proof.note.set("every archive is proven" if figures.oldest_proof_at else "")


def _left(state: dict[str, Any]) -> str:
    return f"{duration(state['eta_s'])} left" if state["eta_s"] else "time not known yet"


def _invitation(*, connect: bool) -> Element:
    """Instead of figures, while nothing is kept."""
    with ui.element("div").classes("pa-invite") as element:
        parts.go("Upload your first file", "/upload", icon="cloud_upload", kind="main", tab="pyarchive-upload")
        if connect:
            parts.go("Connect Google Drive", "/connections/add/drive", icon="add_to_drive")
            parts.go("First steps", "/welcome", icon="flag", kind="quiet")
    return element
