"""The editor: CodeMirror, which comes with NiceGUI, in the panel's theme."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from nicegui import ui

from ui.panel.scripting.source import Source

_THEMES = {False: "vscodeLight", True: "vscodeDark"}
Do = Callable[[], Awaitable[object]]


class Editor:
    """``keys``: what is done at a stroke, as CodeMirror names them. ``changed()`` after each change by the reader."""

    def __init__(
        self, source: Source, *, label: str = "Source", changed: Callable[[], object] | None = None, keys: dict[str, Do] | None = None,
        read_only: bool = False,
    ) -> None:  # fmt: skip
        dark = ui.context.client.request.cookies.get("pyarchive_theme") == "dark"
        with ui.element("div").classes("pa-editor").props("data-read-only" if read_only else "data-writes") as frame:
            frame.props["data-editor"] = label
            self._field = ui.codemirror(source.text, language="Python", theme=_THEMES[dark], line_wrapping=False)  # type: ignore[arg-type]  # one of its themes
        if read_only:
            self._field.disable()
        if changed:
            self._field.on_value_change(changed)
        for key, do in (keys or {}).items():
            self._field.map_key(key, do)
        ui.on("pa-dark", lambda event: self._dress(dark=bool(event.args)))
        ui.context.client.on_connect(self._ask_theme)

    @property
    def text(self) -> str:
        return self._field.value or ""

    def put(self, source: Source) -> None:
        self._field.set_value(source.text)

    async def _ask_theme(self) -> None:
        with contextlib.suppress(TimeoutError):  # a tab that was closed at once, or sleeps
            self._dress(dark=bool(await ui.run_javascript("window.pyarchive.isDark()")))

    def _dress(self, *, dark: bool) -> None:
        self._field.set_theme(_THEMES[dark])  # type: ignore[arg-type]  # one of its themes
