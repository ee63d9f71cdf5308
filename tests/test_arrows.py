"""The arrows of docs/design.md as tests: who may import whom, who may write to the disk, who may ask for the time."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MAY_IMPORT = {"mqtt": set(), "appliance": {"mqtt"}, "ui": {"mqtt"}, "firmware_scripts": {"mqtt"}, "tests": None}
"""Which of ours each of ours may import besides itself; None: all."""

ONE_DOOR = {
    "paho": "mqtt/client.py",
    "tinydb": "appliance/catalog/",
    "gpiozero": "appliance/front_panel/pins.py",
    "lgpio": "appliance/front_panel/pins.py",
}
"""Foreign libraries that one file (or folder) of the product imports, and nobody else."""

WRITES_DURABLY = "appliance/durable.py"
ASKS_THE_TIME = "appliance/clock.py"

WRITES = {
    *(f"os.O_{flag}" for flag in ("WRONLY", "RDWR", "CREAT", "TRUNC", "APPEND", "TMPFILE")),
    *(
        f"os.{call}"
        for call in ("fsync", "fdatasync", "sync", "write", "writev", "pwrite", "pwritev", "truncate", "ftruncate", "posix_fallocate")
    ),
    *(
        f"os.{call}"
        for call in ("rename", "renames", "replace", "link", "symlink", "unlink", "remove", "removedirs", "rmdir", "mkdir", "makedirs")
    ),
    *(f"os.{call}" for call in ("copy_file_range", "sendfile", "splice", "fdopen")),
    *(f"shutil.{call}" for call in ("copy", "copy2", "copyfile", "copyfileobj", "copytree", "copymode", "copystat", "move", "rmtree")),
    *(
        f"tempfile.{call}"
        for call in ("NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory", "SpooledTemporaryFile", "mkstemp", "mkdtemp")
    ),
    *("fcntl.ioctl", "mmap.mmap", "io.FileIO"),
}
"""Names that write to a disk, or open a way to."""

PATH_WRITES = {"write_text", "write_bytes", "unlink", "mkdir", "rmdir", "touch", "hardlink_to", "symlink_to"}
"""Methods of Path that write, whatever they are called on."""

WRITES_ALLOWED = {
    (
        "appliance/intake/copying.py",
        "fcntl.ioctl",
    ): "shares the blocks of an inbox file; durable.take syncs and reports the copy before it counts",
}

TIME = {
    *(
        f"time.{call}"
        for call in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime")
    ),
    *(f"datetime.datetime.{call}" for call in ("now", "utcnow", "today")),
    "datetime.date.today",
}

INSTALLATION = "appliance/installation/"
"""Runs before anything is installed: no part of the daemon, and made of the standard library alone."""

NOT_OURS = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__", "build", "dist", "screenshots"}


@dataclass(frozen=True)
class Found:
    """A thing that a rule is about, and where it stands."""

    path: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}"


class Source:
    """One Python file, with the names that it imports."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.package = path.partition("/")[0]
        self.tree = ast.parse(text, path)
        self.aliases = dict(self._aliases())

    def _aliases(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    yield (name.asname, name.name) if name.asname else (name.name.partition(".")[0],) * 2
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield from ((name.asname or name.name, f"{node.module}.{name.name}") for name in node.names)

    def found(self, node: ast.expr | ast.stmt, name: str) -> Found:
        return Found(self.path, node.lineno, name)

    def dotted(self, node: ast.expr) -> str | None:
        """``os.replace`` for that name, however it was imported; None for what is not a dotted name of an import."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute) and (owner := self.dotted(node.value)):
            return f"{owner}.{node.attr}"
        return None

    def imports(self) -> Iterator[Found]:
        """Every module that is imported, also by ``importlib.import_module``, as far as its name stands there."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (self.found(node, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield self.found(node, self.package if node.level else node.module or "")
            elif isinstance(node, ast.Call) and node.args and _last_name(node.func) in {"import_module", "__import__"}:
                yield self.found(node, _start_of_text(node.args[0]))

    def uses(self, names: set[str]) -> Iterator[Found]:
        """Where one of these dotted names stands, called or handed on."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute) and (name := self.dotted(node)) in names:
                yield self.found(node, name)

    def path_writes(self) -> Iterator[Found]:
        """Calls of Path's writing methods and of ``open`` for writing, but for those of the durable module."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and node.attr in PATH_WRITES and not self._is_durable(node):
                yield self.found(node, f".{node.attr}")
            elif isinstance(node, ast.Call) and not self._is_durable(node.func):
                yield from (self.found(node, what) for what in _written_by(node))

    def _is_durable(self, node: ast.expr) -> bool:
        return (self.dotted(node) or "").startswith("appliance.durable.")


def _written_by(call: ast.Call) -> Iterator[str]:
    is_method = isinstance(call.func, ast.Attribute)
    name = _last_name(call.func)
    if name == "open" and not _opens_for_reading(call, 0 if is_method else 1):
        yield "open for writing"
    # Path.replace and Path.rename take one thing; those of text, times and our own classes take more, or names.
    if is_method and name in {"rename", "replace"} and len(call.args) == 1 and not call.keywords:
        yield f".{name}"


def _opens_for_reading(call: ast.Call, position: int) -> bool:
    mode = next((word.value for word in call.keywords if word.arg == "mode"), None)
    if mode is None and len(call.args) > position:
        mode = call.args[position]
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        return not set(mode.value) & set("wax+")
    # What else is called open (os.open, Ledger.open, a lock's) is judged by its flags, or is one of ours.
    return mode is None or isinstance(call.func, ast.Attribute)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _start_of_text(node: ast.expr) -> str:
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "a name made while running"


@cache
def _read(path: Path) -> Source:
    return Source(path.relative_to(ROOT).as_posix(), path.read_text())


def sources(*packages: str) -> Iterator[Source]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield _read(path)


def product() -> Iterator[Source]:
    return sources("mqtt", "appliance", "ui", "firmware_scripts")


def daemon() -> Iterator[Source]:
    return (source for source in sources("appliance") if not source.path.startswith(INSTALLATION))


def wrong_arrows(source: Source) -> list[Found]:
    allowed = MAY_IMPORT[source.package]
    if allowed is None:
        return []
    foreign = MAY_IMPORT.keys() - allowed - {source.package} | {"a name made while running"}
    return [found for found in source.imports() if found.name.partition(".")[0] in foreign]


def wrong_doors(source: Source) -> list[Found]:
    return [
        found for found in source.imports() if (door := ONE_DOOR.get(found.name.partition(".")[0])) and not source.path.startswith(door)
    ]


def writes(source: Source) -> list[Found]:
    return [*source.uses(WRITES), *source.path_writes()]


def shown(found: list[Found]) -> str:
    return "\n".join(map(str, found))


def test_imports_follow_the_arrows() -> None:
    wrong = [found for source in product() for found in wrong_arrows(source)]
    assert not wrong, shown(wrong)


def test_a_foreign_library_has_one_door() -> None:
    wrong = [found for source in product() for found in wrong_doors(source)]
    assert not wrong, shown(wrong)


def test_the_installation_needs_nothing_but_the_standard_library() -> None:
    found = [found for source in sources(INSTALLATION) for found in source.imports()]
    mine = INSTALLATION.strip("/").replace("/", ".")
    wrong = [one for one in found if one.name.partition(".")[0] not in sys.stdlib_module_names and f"{one.name}.".partition(f"{mine}.")[0]]
    assert not wrong, shown(wrong)


def test_the_appliance_writes_through_the_durable_module_alone() -> None:
    found = [found for source in daemon() if source.path != WRITES_DURABLY for found in writes(source)]
    wrong = [one for one in found if (one.path, one.name) not in WRITES_ALLOWED]
    assert not wrong, shown(wrong)
    unused = WRITES_ALLOWED.keys() - {(one.path, one.name) for one in found}
    assert not unused, f"no longer there, take it off the list: {unused}"


def test_the_clock_alone_asks_for_the_time() -> None:
    wrong = [found for source in daemon() if source.path != ASKS_THE_TIME for found in source.uses(TIME)]
    assert not wrong, shown(wrong)


def test_the_appliance_never_sleeps_without_listening_for_its_end() -> None:
    wrong = [found for source in daemon() for found in source.uses({"time.sleep"})]
    assert not wrong, shown(wrong)


def files() -> Iterator[Path]:
    """All files of the clone but for what tools leave in it."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith(".egg-info")]
        yield from (Path(folder, name) for name in names)


def test_no_file_names_the_place_of_its_clone() -> None:
    if len(ROOT.parts) < 3:
        pytest.skip("a clone right below the root has the name of any folder")
    place = re.compile(re.escape(bytes(ROOT)) + rb"(?![\w.-])")
    wrong = [str(path.relative_to(ROOT)) for path in files() if path.is_file() and place.search(path.read_bytes())]
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("mqtt/a.py", "import appliance.clock", "appliance.clock"),
        ("mqtt/a.py", "from tests.waiting import wait_for", "tests.waiting"),
        ("ui/a.py", "def f():\n    from appliance import errors", "appliance"),
        ("appliance/a.py", "import importlib\nimportlib.import_module('ui.cli')", "ui.cli"),
        ("firmware_scripts/a.py", "import importlib as i\ni.import_module(f'appliance.{1}')", "appliance."),
        ("ui/a.py", "name = 'x'\n__import__(name)", "a name made while running"),
    ],
)
def test_a_wrong_arrow_is_found_however_it_is_drawn(path: str, text: str, name: str) -> None:
    assert [found.name for found in wrong_arrows(Source(path, text))] == [name]


def test_right_arrows_are_let_through() -> None:
    text = "import mqtt.topics\nfrom mqtt import verbs\nfrom . import b\nimport importlib\nimportlib.import_module(f'ui.commands.{b}')"
    assert wrong_arrows(Source("ui/a.py", text)) == []


def test_a_library_used_beside_its_door_is_found() -> None:
    assert wrong_doors(Source("ui/a.py", "import paho.mqtt.client as paho"))
    assert wrong_doors(Source("appliance/library.py", "from tinydb.table import Table"))
    assert not wrong_doors(Source("mqtt/client.py", "import paho.mqtt.client as paho"))
    assert not wrong_doors(Source("appliance/catalog/tables.py", "import tinydb"))


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.replace(a, b)",
        "import os as o\no.fsync(1)",
        "from os import rename as r\nr(a, b)",
        "import os\nFLAGS = os.O_RDWR | os.O_CLOEXEC",
        "import os\ncalls = [os.pwrite]",
        "import shutil\nshutil.move(a, b)",
        "from shutil import rmtree\nrmtree(a)",
        "import fcntl\nfcntl.ioctl(1, 2, 3)",
        "open('a', 'w')",
        "open('a', mode='ab')",
        "open('a', mode)",
        "path.open('r+b')",
        "path.open(mode='x')",
        "path.write_text('a')",
        "path.with_name('b').write_bytes(b'')",
        "path.unlink(missing_ok=True)",
        "path.mkdir()",
        "path.rename(other)",
        "path.replace(path.with_name('b'))",
        "list(map(Path.unlink, paths))",
    ],
)
def test_a_write_past_the_durable_module_is_found(text: str) -> None:
    assert writes(Source("appliance/a.py", text)), text


@pytest.mark.parametrize(
    "text",
    [
        "from appliance import durable\ndurable.unlink(a)\ndurable.replace(a, b)\ndurable.rename(a, b)\ndurable.DurableFile.open(a)",
        "from appliance.durable import unlink, DurableFile\nunlink(a)\nDurableFile.create(a)",
        "open('a')\nopen('a', 'rb')\npath.open('rb')\npath.open()\nlibrary.open(identity)",
        "'a'.replace('b', 'c')\nat.replace(second=0)\nlibrary.rename(archive_id, title)",
        "import os\nimport shutil\nos.open(a, os.O_RDONLY)\nos.pread(1, 2, 3)\nshutil.disk_usage(a)",
        "from dataclasses import replace\nreplace(a, b=1)",
    ],
)
def test_reading_and_the_durable_module_are_let_through(text: str) -> None:
    assert writes(Source("appliance/a.py", text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()",
        "from time import monotonic\nmonotonic()",
        "from datetime import UTC, datetime\ndatetime.now(UTC)",
        "import datetime as d\nd.datetime.now()",
        "import time\nask = time.monotonic",
    ],
)
def test_asking_for_the_time_is_found(text: str) -> None:
    assert list(Source("appliance/a.py", text).uses(TIME))
