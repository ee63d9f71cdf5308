"""One script: written, changed; run, watched, deployed, looked back on, deleted."""

from __future__ import annotations

from nicegui import ui

from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.scripting.detail import Detail
from ui.panel.scripting.develop import START, Develop
from ui.panel.scripting.finding import found_script, none_such
from ui.panel.scripting.look import dress
from ui.panel.scripting.source import Source


@page("/scripts/new", title="New script", admin=True)
async def new_script_page() -> None:
    """``?from=ID``: begins with that script's source."""
    dress()
    listed = (await here.ask("script/list", limit=200))["scripts"]
    templates = {one["id"]: one["title"] for one in listed}
    given = ui.context.client.request.query_params.get("from", "")
    if given not in templates:
        Develop(None, START, {}, templates)
        return
    script = await here.ask("script/show", script=given)
    Develop(None, Source.of_base64(script["source_base64"]), {"description": script["description"], **_rights(script)}, templates)


@page("/scripts/{script_id}/edit", title="Change a script", heading=False, admin=True)
async def edit_script_page(script_id: str) -> None:
    dress()
    script = await found_script(script_id)
    if script is None:
        none_such()
        return
    ui.page_title(f"{script['title']} · PyArchive")
    parts.text(script["title"], "h1").classes("pa-title")
    with parts.row():
        parts.go("Back to its page", f"/scripts/{script_id}", kind="quiet", icon="arrow_back")
    source = Source.of_base64(script["source_base64"])
    if script["shipped"]:
        parts.banner("wait", "info", "It came with the appliance and stays as it is. Save what you make of it as a script of your own.")
        Develop(None, source, {"description": script["description"], **_rights(script)}, {})
    elif not source.is_text:
        parts.empty("code_off", "This is no text", "Its bytes are not UTF-8, so it can be run and kept, and not be changed here.")
    else:
        Develop(script, source, script, {})


@page("/scripts/{script_id}", title="Script", heading=False, admin=True)
async def script_page(script_id: str) -> None:
    dress()
    script = await found_script(script_id)
    if script is None:
        none_such()
        return
    ui.page_title(f"{script['title']} · PyArchive")
    await Detail(script).load()


def _rights(script: dict[str, object]) -> dict[str, object]:
    return {name: script[name] for name in ("permission", "limits")}
