"""Files for the browser to fetch. They do not come through this page: ``/files/<archive_id>`` is a route of its own."""

from __future__ import annotations

import json

from nicegui import ui

# Browsers drop what is asked for in one breath.
_ONE_BY_ONE = """
(async () => {
  for (const path of %s) {
    const link = document.createElement("a");
    link.href = path;
    link.download = "";
    document.body.append(link);
    link.click();
    link.remove();
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
})()
"""


def path_of(archive_id: str) -> str:
    return f"/files/{archive_id}"


def download_each(ids: list[str]) -> None:
    ui.run_javascript(_ONE_BY_ONE % json.dumps([path_of(archive_id) for archive_id in ids]))
