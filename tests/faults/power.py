"""Power cuts on paper: record every durable operation, then lay down what a disk may hold had the power gone at any of them.

    recorder = Recorder(root)              # what is below root now counts as safely on the disk
    with recorder:                         # durable.observer is ours meanwhile
        …use the program…; recorder.mark("put 7")     # acknowledged here
    for prefix in recorder.prefixes():                # the power goes after that many operations
        for variant in recorder.variants(prefix, seed):
            variant.materialise(fresh_folder)         # then start the program on fresh_folder
            …everything in recorder.marked(prefix) must be there…
    later = recorder.killed(prefix, other_root)       # or: the process is killed there, and another one goes on

The model, stricter than ext4 so that what passes here passes on other file systems too:

* fsync of a file makes its content so far durable, and not its name. A name (create, link, rename, unlink, mkdir, rmdir) is
  durable when its folder was synced; a rename between folders when both were, and it happens as a whole or not at all.
* Until then any subset of the operations may have reached the disk, in any combination: a name without its data, a later write
  without an earlier one, a size without the bytes (they are zeros then).
* A write may be torn: cut at any byte, or some of its 512-byte sectors missing.
* ``take`` brings in a file that another program wrote: its content of that moment, unsynced until the following ``sync``.

Variants of a prefix: ``applied`` (nothing was lost: SIGKILL), ``dropped`` (all that was not synced is gone), ``torn`` and
``sectors`` (all is there, but the last unsynced write is cut, or lacks sectors), ``reordered-n`` (a seeded subset is there).
A prefix with nothing unsynced has ``applied`` alone. Files made by other means than appliance.durable, and not taken, are unknown.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from appliance import durable
from appliance.durable import Operation

_SECTOR_BYTES = 512
_REORDERED_VARIANTS = 2


@dataclass(eq=False, slots=True)
class _Change:
    """One change of one file's content: a write, a truncation, or (content) all of it."""

    node: _Node
    number: int
    offset_bytes: int = 0
    data: bytes = b""
    size_bytes: int | None = None
    is_content: bool = False
    holes: Sequence[tuple[int, int]] = ()
    """Ranges of data that did not reach the disk; the size of the file did."""

    def apply(self, content: bytearray) -> None:
        if self.is_content:
            content.clear()
        if self.size_bytes is not None:
            del content[self.size_bytes :]
        wanted_bytes = self.offset_bytes + len(self.data) if self.size_bytes is None else self.size_bytes
        content.extend(bytes(max(0, wanted_bytes - len(content))))
        done = 0
        for start, end in [*self.holes, (len(self.data), len(self.data))]:
            content[self.offset_bytes + done : self.offset_bytes + start] = self.data[done:start]
            done = end


@dataclass(eq=False, slots=True)
class _Node:
    """A file or a folder, whatever its names are."""

    is_folder: bool = False
    content: bytearray = field(default_factory=bytearray)
    names: dict[str, _Node] = field(default_factory=dict)
    """Of a folder: those that are durable."""
    live: dict[str, _Node] = field(default_factory=dict)
    """Of a folder: those that the program sees."""
    unsynced: list[_Change] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Naming:
    """One change of names; it happens as a whole. ``awaits`` are the folders that have to be synced yet."""

    entries: list[tuple[_Node, str, _Node | None]]
    awaits: set[int]


class Recorder:
    """Sees the durable operations below root while it is entered; may be entered again. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.operations: list[Operation] = []
        self._taken: dict[int, bytes] = {}
        self._marks: list[tuple[int, str]] = []
        self._lock = threading.Lock()
        self._before: Callable[[Operation], None] | None = None
        self._first = _scanned(self.root)
        self._world: _World | None = None

    def killed(self, prefix: int, root: Path) -> Recorder:
        """SIGKILL after that many operations: lays the files down in ``root`` (made, must not exist), and goes on from there.

        What had not been synced is there for the next process, and still not safe. Use it as any other recorder.
        """
        next(variant for variant in self.variants(prefix, 0) if variant.name == "applied").materialise(root)
        later = Recorder(root)
        later._first = self._first
        later.operations = [_moved(operation, self.root, later.root) for operation in self.operations[:prefix]]
        later._taken = {position: content for position, content in self._taken.items() if position < prefix}
        later._marks = [(position, label) for position, label in self._marks if position <= prefix]
        return later

    def __enter__(self) -> Self:
        self._before, durable.observer = durable.observer, self._observe
        return self

    def __exit__(self, *_: object) -> None:
        durable.observer = self._before

    def _observe(self, operation: Operation) -> None:
        if not operation.path.absolute().is_relative_to(self.root):
            return
        with self._lock:
            if operation.kind == "take":
                self._taken[len(self.operations)] = operation.path.read_bytes()
            self.operations.append(operation)

    def mark(self, label: str) -> None:
        """From here on ``label`` is acknowledged."""
        with self._lock:
            self._marks.append((len(self.operations), label))

    def prefixes(self) -> range:
        """Numbers of operations done when the power goes, from none to all."""
        return range(len(self.operations) + 1)

    def marked(self, prefix: int) -> list[str]:
        """What had been acknowledged by then, in order."""
        return [label for position, label in self._marks if position <= prefix]

    def variants(self, prefix: int, seed: int) -> list[Variant]:
        """What the disk may hold; the same seed gives the same. Walking the prefixes upwards is fast.

        The variants are good until the next call.
        """
        if self._world is None or self._world.done > prefix:
            self._world = _World(self.root, self._first, self._taken)
        for operation in self.operations[self._world.done : prefix]:
            self._world.do(operation)
        return list(_variants(self._world, random.Random(f"{seed} {prefix}")))


def _moved(operation: Operation, old: Path, new: Path) -> Operation:
    target = None if operation.target is None else new / operation.target.absolute().relative_to(old)
    return replace(operation, path=new / operation.path.absolute().relative_to(old), target=target)


@dataclass(frozen=True)
class Variant:
    """One disk after one power cut."""

    name: str
    prefix: int
    _world: _World
    _namings: frozenset[int]
    _changes: Sequence[_Change]
    """The unsynced changes that reached the disk, in order."""

    def materialise(self, target: Path) -> None:
        """Write it into this folder, which is made and must not exist."""
        assert self._world.done == self.prefix, "materialise a variant before asking for another prefix"
        names = _names_on_disk(self._world, self._namings)
        target.mkdir()
        self._lay_down(self._world.top, target, names, {})

    def _lay_down(self, folder: _Node, target: Path, names: dict[int, dict[str, _Node]], written: dict[int, Path]) -> None:
        for name, node in names.get(id(folder), folder.names).items():
            path = target / name
            if id(node) in written and not node.is_folder:
                os.link(written[id(node)], path)
            elif node.is_folder and id(node) not in written:
                written[id(node)] = path
                path.mkdir()
                self._lay_down(node, path, names, written)
            elif not node.is_folder:
                written[id(node)] = path
                path.write_bytes(self._content(node))

    def _content(self, node: _Node) -> bytes:
        content = bytearray(node.content)
        for change in self._changes:
            if change.node is node:
                change.apply(content)
        return bytes(content)


def _names_on_disk(world: _World, chosen: frozenset[int]) -> dict[int, dict[str, _Node]]:
    names: dict[int, dict[str, _Node]] = {}
    for naming in world.namings:
        if id(naming) in chosen or not naming.awaits:
            for folder, name, node in naming.entries:
                _set(names.setdefault(id(folder), dict(folder.names)), name, node)
    return names


def _set(names: dict[str, _Node], name: str, node: _Node | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _variants(world: _World, random_: random.Random) -> Iterator[Variant]:
    changes = world.unsynced_changes()
    namings = [naming for naming in world.namings if naming.awaits]
    everything = frozenset(id(naming) for naming in namings)
    yield Variant("applied", world.done, world, everything, changes)
    if not changes and not namings:
        return
    yield Variant("dropped", world.done, world, frozenset(), [])
    last = next((change for change in reversed(changes) if change.data), None)
    if last is not None:
        for name, damaged in (("torn", _cut(last, random_)), ("sectors", _without_sectors(last, random_))):
            yield Variant(name, world.done, world, everything, [damaged if change is last else change for change in changes])
    for number in range(_REORDERED_VARIANTS):
        names_there = frozenset(id(naming) for naming in namings if random_.random() < 0.5)
        yield Variant(f"reordered-{number}", world.done, world, names_there, [each for each in changes if random_.random() < 0.5])


def _cut(change: _Change, random_: random.Random) -> _Change:
    return replace(change, data=change.data[: random_.randrange(len(change.data))])


def _without_sectors(change: _Change, random_: random.Random) -> _Change:
    """Some of the sectors of the file that the write touches keep what was there before, zeros in a fresh block."""
    size_bytes = len(change.data)
    edges = [0, *range(_SECTOR_BYTES - change.offset_bytes % _SECTOR_BYTES, size_bytes, _SECTOR_BYTES), size_bytes]
    pieces = list(itertools.pairwise(edges))
    return replace(change, holes=sorted(random_.sample(pieces, random_.randint(1, len(pieces)))))


def _scanned(folder: Path) -> dict[str, bytes | None]:
    """Files below the folder with their content, and folders (None); parents first."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


class _World:
    """Everything after some number of operations: what is durable, and what was done since."""

    def __init__(self, root: Path, first: dict[str, bytes | None], taken: dict[int, bytes]) -> None:
        self.root = root
        self.top = _Node(is_folder=True)
        self.namings: list[_Naming] = []
        self.done = 0
        self._taken = taken
        self._opened: dict[Path, _Node] = {}
        self._dirty: dict[int, _Node] = {}
        for path, content in first.items():
            self._add_durable(Path(path), content)

    def _add_durable(self, path: Path, content: bytes | None) -> None:
        folder = self._find(self.root / path.parent)
        assert folder is not None
        node = _Node(is_folder=content is None, content=bytearray(content or b""))
        folder.names[path.name] = folder.live[path.name] = node

    def do(self, operation: Operation) -> None:
        getattr(self, f"_{operation.kind}")(operation)
        self.done += 1

    def unsynced_changes(self) -> list[_Change]:
        """In the order in which they were made."""
        return sorted((change for node in self._dirty.values() for change in node.unsynced), key=lambda change: change.number)

    # Looking up

    def _find(self, path: Path) -> _Node | None:
        node = self.top
        for part in path.absolute().relative_to(self.root).parts:
            if part not in node.live:
                return None
            node = node.live[part]
        return node

    def _folder(self, path: Path) -> _Node:
        node = self._find(path)
        assert node is not None, f"{path} is no folder that was recorded"
        assert node.is_folder, f"{path} is a file"
        return node

    def _file(self, path: Path) -> _Node:
        """By its name now, or, where it was renamed or removed while open, by the name under which it was opened."""
        node = self._find(path) or self._opened.get(path.absolute())
        assert node is not None, f"{path} is no file that was recorded"
        return node

    # Content

    def _write(self, operation: Operation) -> None:
        self._change(_Change(self._file(operation.path), self.done, operation.offset_bytes, operation.data))

    def _truncate(self, operation: Operation) -> None:
        self._change(_Change(self._file(operation.path), self.done, size_bytes=operation.size_bytes))

    def _take(self, operation: Operation) -> None:
        if self._find(operation.path) is None:
            self._create(operation)
        self._change(_Change(self._file(operation.path), self.done, data=self._taken[self.done], is_content=True))

    def _change(self, change: _Change) -> None:
        change.node.unsynced.append(change)
        self._dirty[id(change.node)] = change.node

    def _sync(self, operation: Operation) -> None:
        node = self._file(operation.path)
        for change in node.unsynced:
            change.apply(node.content)
        node.unsynced.clear()
        self._dirty.pop(id(node), None)

    # Names

    def _create(self, operation: Operation) -> None:
        self._name(operation.path, _Node())

    def _mkdir(self, operation: Operation) -> None:
        self._name(operation.path, _Node(is_folder=True))

    def _link(self, operation: Operation) -> None:
        assert operation.target is not None
        self._name(operation.target, self._file(operation.path))

    def _unlink(self, operation: Operation) -> None:
        self._name(operation.path, None)

    _rmdir = _unlink

    def _name(self, path: Path, node: _Node | None) -> None:
        self._rename_all([(self._folder(path.parent), path.name, node)])
        if node is not None:
            self._opened[path.absolute()] = node

    def _rename(self, operation: Operation) -> None:
        assert operation.target is not None
        source, target = operation.path, operation.target
        node = self._find(source)
        assert node is not None, f"{source} is nothing that was recorded"
        self._rename_all([(self._folder(source.parent), source.name, None), (self._folder(target.parent), target.name, node)])
        self._opened[target.absolute()] = self._opened[source.absolute()] = node

    def _rename_all(self, entries: list[tuple[_Node, str, _Node | None]]) -> None:
        for folder, name, node in entries:
            _set(folder.live, name, node)
        self.namings.append(_Naming(entries, {id(folder) for folder, _, _ in entries}))

    def _sync_dir(self, operation: Operation) -> None:
        synced = id(self._folder(operation.path))
        for naming in self.namings:
            naming.awaits.discard(synced)
        # In order: a name that is durable stays behind one before it that is not.
        while self.namings and not self.namings[0].awaits:
            for folder, name, node in self.namings.pop(0).entries:
                _set(folder.names, name, node)
