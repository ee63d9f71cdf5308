"""Pictures of people: made small in the browser, kept by the appliance."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.errors import Failed
from ui.panel import here, parts

_SHRINK = "(event) => pyarchive.shrink(event.target.files[0]).then((text) => emit(text))"


async def shown_picture(name: str) -> Element:
    """The picture, or the first letter of the name where there is none."""
    element = ui.element("div").classes("pa-face")
    try:
        found = await here.ask("user/picture", name=name if name != here.person().name else None)
    except Failed:
        found = None
    with element:
        if found:
            _image(f"data:{found['media_type']};base64,{found['base64']}")
        else:
            parts.text(name[:1].upper()).props('aria-hidden="true"')
    return element


def _image(source: str) -> None:
    image = ui.element("img").props('alt=""')
    image.props["src"] = source


def picture_chooser(face: Element) -> None:
    """Shows a new picture in ``face`` once the appliance has it."""

    async def chosen(event: Any) -> None:
        text = event.args if isinstance(event.args, str) else ""
        if not text:
            parts.toast("This file is no picture that the browser can read. Choose a PNG, JPEG or WebP.", bad=True)
            return
        if await parts.said(lambda: here.ask("user/profile", picture=text), "Your picture is saved."):
            face.clear()
            with face:
                _image(f"data:image/webp;base64,{text}")

    with ui.element("label").classes("pa-file-label"):
        parts.text("Choose a picture")
        field = ui.element("input").props('type="file" accept="image/*"').classes("pa-hidden-text")
        field.on("change", chosen, js_handler=_SHRINK)
