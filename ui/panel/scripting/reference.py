"""The appliance's API for scripts, at hand beside the editor; all of it is in docs/scripts.md."""

from __future__ import annotations

from nicegui import ui

from ui.panel import parts

_LINES = (
    ("from appliance_api import appliance", "How every script begins."),
    ('appliance.archives(rungs=["received"])', "Archives that match, the newest first; without anything, all."),
    ("appliance.archive(id)", "One archive: .title, .owner, .size_bytes, .rung, .health, .local, .at_risk_bytes, .batches()"),
    ("archive.release()  .restore()  .remove()", "Change it. A release answers a job: .wait() until it is done."),
    ("appliance.waiting()  .moving()  .sync()", "The queue, what moves now, and trying at once."),
    ("appliance.connections()", "Connections: .name, .kind, .active, .valid, .free_bytes"),
    ("appliance.verify(local=True).wait()", "Check archives; repair=True mends what can be mended."),
    ("appliance.orphans().wait()", "What lies on remotes that no archive knows."),
    ("appliance.setting(name)  .set(name, value)", "Read and change a setting."),
    ("appliance.log(limit=50)", "Lines of the system log."),
    ('appliance.publish("free", 12.5, unit="GB")', "A value that Home Assistant shows as a sensor."),
    ('appliance.ask("archive/summary")', "Any request of docs/mqtt.md, by its name."),
)


def reference() -> None:
    with ui.element("details").classes("pa-details").props("open"):
        parts.text("What a script can ask for", "summary")
        with ui.element("dl").classes("pa-reference"):
            for code, meaning in _LINES:
                parts.text(code, "dt").classes("pa-mono")
                parts.text(meaning, "dd").classes("pa-muted pa-small")
