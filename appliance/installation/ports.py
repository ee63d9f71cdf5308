"""Who listens on a port of this computer, as the kernel tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.installation.errors import CannotGoOn

_LISTENS = "0A"


def check_free(port: int, what: str, ours: tuple[str, ...], option: str, proc: Path = Path("/proc")) -> None:
    """Raises CannotGoOn where another program has it. ``ours``: units whose programs may. ``option``: by which another is chosen."""
    for holder in _holders(port, proc):
        if holder is None or not any(unit in _read(holder / "cgroup") for unit in ours):
            name = _read(holder / "comm").strip() if holder else "another program"
            raise CannotGoOn(f"port {port}, which {what} needs, is taken by {name}.", f"Stop that program, or {option}.")


def _holders(port: int, proc: Path) -> Iterator[Path | None]:
    """The processes that listen there, by their folder in /proc; None for one that does not show."""
    wanted = set(_sockets(port, proc))
    if not wanted:
        return
    found = [folder for folder in proc.iterdir() if folder.name.isdigit() and wanted & set(_links(folder / "fd"))]
    if found:
        yield from found
    else:
        yield None


def _sockets(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        for line in _read(proc / "net" / table).splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS and int(words[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{words[9]}]"


def _links(folder: Path) -> Iterator[str]:
    try:
        for each in folder.iterdir():
            yield str(each.readlink())
    except OSError:
        return


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
