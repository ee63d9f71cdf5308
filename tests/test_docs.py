"""What the documents say is so: settings, commands, tests, verbs, problems and links that they name are there."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import ApplianceError
from appliance.settings import FIXED_AT_START, Settings
from mqtt.verbs import VERBS
from tests.campaigns import CAMPAIGNS
from ui.parser import build_parser

ROOT = Path(__file__).resolve().parent.parent
README, DESIGN, STORIES = ROOT / "README.md", ROOT / "docs/design.md", ROOT / "docs/failure-stories.md"
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def below(document: Path, heading: str) -> str:
    """The text of that section, up to the next heading of its level."""
    level = heading.split(maxsplit=1)[0]
    after = document.read_text().split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^{level} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of its tables, heads and rules left out."""
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("|")]
    return [cells for cells in lines if cells[0] != "name" and not set(cells[0]) <= {"-", "|"}]


def shown(default: Any) -> str:
    """A default as the table writes it: whole numbers without a fraction, truths as they are set."""
    if default in {None, ""}:
        return "none"
    if isinstance(default, bool):
        return f"`{default}`".lower()
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_the_table_of_settings_names_each_with_its_default() -> None:
    documented = {cells[0]: cells[1] for cells in rows(below(README, "## Settings"))}
    assert documented == {f"`{name}`": shown(field.default) for name, field in Settings.model_fields.items()}


def test_the_table_of_settings_says_which_need_a_start() -> None:
    said = {cells[0].strip("`") for cells in rows(below(README, "## Settings")) if cells[2] == "at the start"}
    assert said >= FIXED_AT_START


def subcommands(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, each in action.choices.items():
                yield prefix + name
                yield from subcommands(each, f"{prefix}{name} ")


_COMMAND = r"(?:`|\$ |^ *)(?:sudo )?pyarchive(?: --data \S+)? ([a-z][a-z-]*)(?: ([a-z-]+))?"


def test_every_command_in_the_documents_is_one_and_every_one_is_in_the_readme() -> None:
    known = set(subcommands(build_parser()))
    groups = {name.split()[0] for name in known if " " in name}
    for document in DOCUMENTS:
        for name, action in re.findall(_COMMAND, document.read_text(), re.MULTILINE):
            assert (f"{name} {action}" if name in groups else name) in known, (document, name, action)
    text = README.read_text()
    missing = [name for name in known - groups if f"pyarchive {name}" not in text and f"`{name.split()[-1]}`" not in text]
    assert not missing


def test_every_campaign_is_in_the_readme() -> None:
    text = README.read_text()
    assert [name for name in CAMPAIGNS if f"./install.sh campaign {name}" not in text] == []


def test_every_test_that_a_failure_story_names_exists() -> None:
    named = re.findall(r"`([a-z_/]+\.py)::(\w+)`", STORIES.read_text())
    functions = {path: functions_of(ROOT / "tests" / path) for path, _ in named}
    assert named
    assert [f"{path}::{name}" for path, name in named if name not in functions[path]] == []


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_failure_story_of_this_version_has_a_test() -> None:
    stories = [cells for cells in rows(below(STORIES, "## This version")) if cells[0].isdigit()]
    assert len(stories) > 20
    assert all(len(cells) == 4 and "::" in cells[3] for cells in stories)


def test_the_design_names_every_verb_and_every_error_code() -> None:
    text = DESIGN.read_text()
    assert [verb for verb in VERBS if f"`{verb}`" not in text] == []
    assert set(re.findall(r"`((?:archive|transfer|connection|integrity|settings|log)/[a-z]+)`", text)) <= VERBS.keys()
    unnamed = {each.code for each in leaves(ApplianceError)} - CODES_NOBODY_SEES
    assert [code for code in sorted(unnamed) if f"`{code}`" not in text] == []


CODES_NOBODY_SEES = {"data_folder", "remote_damaged", "local_damaged", "ledger_damaged"}
"""One line before the process ends; or shown under the problem that they become."""


def leaves(error: type[ApplianceError]) -> Iterator[type[ApplianceError]]:
    for each in error.__subclasses__():
        yield each
        yield from leaves(each)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
