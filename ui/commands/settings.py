"""``pyarchive settings``: read and change them."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ui import output
from ui.link import open_link
from ui.words import clean

_HEADERS = ("NAME", "VALUE", "SOURCE", "MEANING")


def run(args: argparse.Namespace) -> int:
    """``action`` comes from the grammar."""
    with open_link(args) as link:
        if args.action == "set":
            link.ask("settings/set", name=args.name, value=_value(args))
        answer = link.ask("settings/get", name=args.name)
    if args.json:
        output.emit(answer)
    else:
        _show(answer["settings"] if args.name is None else [answer])
    return 0


def _value(args: argparse.Namespace) -> Any:
    """A number, true, false or text, as it is written."""
    if args.default:
        return None
    try:
        value = json.loads(args.value)
    except ValueError:
        return args.value
    return value if isinstance(value, int | float) else args.value


def _show(settings: list[dict[str, Any]]) -> None:
    header, *lines = output.table(_HEADERS, [_row(setting) for setting in settings], flexible=3)
    output.say(output.paint(header, "bold"))
    for line in lines:
        output.say(line)


def _row(setting: dict[str, Any]) -> tuple[str, ...]:
    value = setting["value"]
    shown = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return clean(setting["name"]), clean(shown), setting["source"], clean(setting["description"])
