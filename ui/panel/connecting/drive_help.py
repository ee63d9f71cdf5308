"""How somebody gets an OAuth client of Google, in plain steps; addresses stand as text too, for another device."""

from __future__ import annotations

from nicegui import ui

from ui.panel import parts

_CONSOLE = "https://console.cloud.google.com/"
_DESCRIBE = (
    "“Google Auth Platform”, “Get started”: a name that you will recognise, your own address twice, audience “External”. "
    "Leave the rest empty."
)
_CLIENT = (
    "“Clients”, “Create client”, type “TVs and Limited Input devices”, any name. In the window that opens at once, press “Download JSON”: "
    "Google shows the secret only this once."
)
_STEPS = {
    "Make a project.": "Open the page above, signed in to Google. Choose “New project”, name it pyarchive-home, and select it.",
    "Switch the API on.": "“APIs & Services”, “Library”: find “Google Drive API”, and press “Enable”.",
    "Describe the app.": _DESCRIBE,
    "Publish it.": "“Google Auth Platform”, “Audience”, “Publish app”. In “Testing” each sign-in would end after 7 days.",
    "Make the client.": _CLIENT,
}


def how_to_get_a_client() -> None:
    with ui.element("details").classes("pa-fold").props("open"):
        parts.text("How to get the file", "summary")
        parts.link(_CONSOLE, _CONSOLE, new_tab=True)
        with ui.element("ol").classes("pa-steps"):
            for title, words in _STEPS.items():
                with ui.element("li"):
                    parts.text(title).classes("pa-strong")
                    parts.text(f" {words}")
        parts.text(
            "Google moves its buttons now and then; these are the words to look for. Keep the file with your recovery sheet: files on "
            "Drive are bound to this client.", "p",
        ).classes("pa-muted pa-small")  # fmt: skip
