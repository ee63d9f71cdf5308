"""The settings file that an installation begins, and people go on with: two lines in it are ours."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

from appliance.installation import writing
from appliance.installation.errors import CannotGoOn
from appliance.installation.site import Site
from appliance.installation.steps import Step

_BEGINNING = "# Settings of PyArchive, see README.md. What the panel and `pyarchive settings set` say comes before.\n"
_OURS = "# by install.sh"


def steps(site: Site) -> Iterator[Step]:
    path = site.layout.settings_file
    yield Step(
        words=f"write the data folder and the panel's address into {site.layout.inside(path)}",
        is_done=lambda: writing.is_written(path, _wanted(site), 0o644, site.layout.owner()),
        do=lambda: writing.write(path, _wanted(site), 0o644, site.layout.owner()),
    )


def check(site: Site) -> None:
    """Raises CannotGoOn where it cannot be understood."""
    path = site.layout.settings_file
    try:
        tomllib.loads(_text(site))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotGoOn(f"the settings file {path} cannot be read: {error}.", "Mend it, and try again.") from error


def with_value(text: str, name: str, value: str, *, keep: bool = False) -> str:
    """TOML with that value of the topmost table, wherever its line stood. ``keep``: unless somebody wrote the line himself."""
    line = f"{name} = {json.dumps(value, ensure_ascii=False)}  {_OURS}\n"
    table = re.search(r"^\s*\[", text, re.MULTILINE)
    top, rest = (text[: table.start()], text[table.start() :]) if table else (text, "")
    found = re.search(rf"^{name}[ \t]*=.*\n?", top, re.MULTILINE)
    if found is None:
        return f"{top.rstrip() and top.rstrip() + chr(10)}{line}{rest and chr(10)}{rest.lstrip(chr(10))}"
    if keep and not found[0].rstrip().endswith(_OURS):
        return text
    return f"{top[: found.start()]}{line}{top[found.end() :]}{rest}"


def _wanted(site: Site) -> str:
    text = with_value(_text(site), "data", site.choices.data)
    return with_value(text, "panel_url", site.panel_url, keep=True)


def _text(site: Site) -> str:
    path = site.layout.settings_file
    return path.read_text() if path.exists() else _BEGINNING
