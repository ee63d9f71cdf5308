# ruff: noqa: INP001 - a script beside the lists that it reads, no part of a package
"""Puts single files of npm packages where they belong: ``python requirements/web.py PACKAGE…``, as requirements/web.txt says.

The registry is PYARCHIVE_NPM_REGISTRY, else the one that npm on this computer uses; without either the exit status is 3. What comes is
checked before it is used.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("web.txt")
NO_NPM = 3
_MOST_BYTES = 32 << 20
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of the list."""

    package: str
    version: str
    archive_sha512: str
    member: str
    target: str
    file_sha512: str

    @property
    def place(self) -> Path:
        return ROOT / self.target

    @property
    def is_there(self) -> bool:
        return self.place.exists() and sha512(self.place.read_bytes()) == self.file_sha512


def sha512(content: bytes) -> str:
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


def wanted(packages: list[str]) -> list[Wanted]:
    """Raises SystemExit for a package that is not in the list."""
    lines = [line.split() for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    known = {each.package: each for each in (Wanted(*line) for line in lines)}
    if unknown := [name for name in packages if name not in known]:
        sys.exit(f"requirements/web.txt knows no {', '.join(unknown)}")
    return [known[name] for name in packages]


def registry() -> str:
    chosen = os.environ.get("PYARCHIVE_NPM_REGISTRY") or _of_npm()
    if not chosen:
        print("there is no npm that knows a registry, and PYARCHIVE_NPM_REGISTRY names none", file=sys.stderr)  # noqa: T201 - a command prints
        sys.exit(NO_NPM)
    if not chosen.startswith(("https://", "http://")):
        sys.exit(f"the npm registry {chosen!r} is no address; correct PYARCHIVE_NPM_REGISTRY, or `npm config get registry`")
    return chosen.rstrip("/")


def _of_npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return ""
    asked = subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True, check=False)  # noqa: S603 - what which found
    return asked.stdout.strip() if asked.returncode == 0 else ""


def get(each: Wanted) -> None:
    """Raises OSError where it does not come, ValueError where it is not what it should be."""
    name = each.package.rsplit("/", maxsplit=1)[-1]
    address = f"{registry()}/{each.package}/-/{name}-{each.version}.tgz"
    with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - registry() saw to the scheme
        archive = answer.read(_MOST_BYTES)
    if sha512(archive) != each.archive_sha512:
        raise ValueError(f"what came as {each.package} {each.version} is not what requirements/web.txt expects")
    content = _member(archive, f"package/{each.member}")
    if sha512(content) != each.file_sha512:
        raise ValueError(f"{each.member} of {each.package} {each.version} is not what requirements/web.txt expects")
    each.place.parent.mkdir(parents=True, exist_ok=True)
    fresh = each.place.with_name(f"{each.place.name}.{os.getpid()}.new")
    fresh.write_bytes(content)
    fresh.replace(each.place)


def _member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as packed:
        file = packed.extractfile(name)
        if file is None:
            raise ValueError(f"{name} is not a file")
        return file.read()


def main(packages: list[str]) -> int:
    """Exit status 1 where one did not come; why is on standard error."""
    for each in wanted(packages):
        if each.is_there:
            continue
        print(f"Getting {each.package} {each.version} …", file=sys.stderr)  # noqa: T201 - a command prints
        try:
            get(each)
        except (OSError, ValueError, KeyError, tarfile.TarError) as error:
            print(f"{each.package} did not come: {error}", file=sys.stderr)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
