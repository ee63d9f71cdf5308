"""A place that outlives its appliance, of each kind; and appliances that come and go before it."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any, Protocol

from tests.fakes.drive import FakeDrive, Record, Seed
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
NAME = "disk"


class Place(Protocol):
    """Where the archives are."""

    kind: str

    def appliance(self, data: Path, **settings: object) -> Inside: ...
    def add(self, inside: Inside) -> str:
        """Add the connection and no more; its id."""
        ...

    def found(self, appliance_id: str) -> dict[tuple[str, str], object]:
        """All objects of the appliance's archives and catalogs that are not trashed, by archive and name: what changes with every write."""
        ...

    def trashed(self) -> int: ...
    def content(self, appliance_id: str, archive_id: str, name: str) -> bytes: ...

    def put_copy(self, appliance_id: str, name: str, content: bytes) -> None:
        """A copy of a catalog, behind everybody's back."""
        ...

    def harm(self, appliance_id: str, archive_id: str, name: str, content: bytes | None) -> None:
        """Other content for an object, or (None) none, behind everybody's back."""
        ...


class FolderPlace:
    kind = "folder"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def appliance(self, data: Path, **settings: object) -> Inside:
        return Inside(data, batch_bytes=BATCH, **settings)  # type: ignore[arg-type]  # settings are free words

    def add(self, inside: Inside) -> str:
        return str(inside.ask("connection/add", kind="folder", name=NAME, path=str(self.folder))["id"])

    def found(self, appliance_id: str) -> dict[tuple[str, str], object]:
        found = [path for path in (self.folder / appliance_id).glob("[a-z0-9]*/*") if path.is_file()]
        return {(path.parent.name, path.name): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}

    def trashed(self) -> int:
        return sum(1 for _ in self.folder.glob("*/.trash/*"))

    def content(self, appliance_id: str, archive_id: str, name: str) -> bytes:
        return (self.folder / appliance_id / archive_id / name).read_bytes()

    def put_copy(self, appliance_id: str, name: str, content: bytes) -> None:
        (self.folder / appliance_id / "catalog").mkdir(exist_ok=True)
        (self.folder / appliance_id / "catalog" / name).write_bytes(content)

    def harm(self, appliance_id: str, archive_id: str, name: str, content: bytes | None) -> None:
        path = self.folder / appliance_id / archive_id / name
        path.unlink()
        if content is not None:
            path.write_bytes(content)


class DrivePlace:
    kind = "drive"

    def __init__(self, fake: FakeDrive) -> None:
        self.fake = fake
        self._credentials = json.dumps(fake.account(client_id="household"))

    def appliance(self, data: Path, **settings: object) -> Inside:
        return Inside(data, batch_bytes=BATCH, drive_endpoint=self.fake.root, **settings)  # type: ignore[arg-type]  # settings are free words

    def add(self, inside: Inside) -> str:
        return str(inside.ask("connection/add", kind="drive", name=NAME, credentials=self._credentials)["id"])

    def found(self, appliance_id: str) -> dict[tuple[str, str], object]:
        return {
            (file.app_properties["pyarchive_archive"], file.name): (file.id, file.checksums["sha256"])
            for file in self.fake.files.values()
            if file.app_properties.get("pyarchive_appliance") == appliance_id
            and not (file.is_folder or file.trashed)
            and "pyarchive_archive" in file.app_properties
        }

    def trashed(self) -> int:
        return sum(file.trashed for file in self.fake.files.values())

    def content(self, appliance_id: str, archive_id: str, name: str) -> bytes:
        return self.fake.content(self._file(appliance_id, archive_id, name).id)

    def _file(self, appliance_id: str, archive_id: str, name: str) -> Record:
        wanted = (appliance_id, archive_id, name)
        (file,) = [
            f for f in self.fake.files.values()
            if (f.app_properties.get("pyarchive_appliance"), f.app_properties.get("pyarchive_archive"), f.name) == wanted
        ]  # fmt: skip
        return file

    def put_copy(self, appliance_id: str, name: str, content: bytes) -> None:
        marks = next(f.app_properties for f in self.fake.files.values() if f.app_properties.get("pyarchive_role") == "owner")
        properties = {**marks, "pyarchive_appliance": appliance_id, "pyarchive_archive": "catalog", "pyarchive_role": "catalog"}
        self._seed(name, content, properties)

    def harm(self, appliance_id: str, archive_id: str, name: str, content: bytes | None) -> None:
        file = self._file(appliance_id, archive_id, name)
        self.fake.delete(file.id)
        if content is not None:
            self._seed(name, content, file.app_properties)

    def _seed(self, name: str, content: bytes, properties: dict[str, str]) -> None:
        sums = {"sha256": hashlib.sha256(content).hexdigest(), "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
        self.fake.seed([Seed(name=name, content=content, checksums=sums, app_properties=properties, client_id="household")])


def content(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def connect(place: Place, inside: Inside) -> str:
    """Added, validated, active."""
    connection_id = place.add(inside)
    inside.ask("connection/validate", connection=connection_id)
    inside.ask("connection/activate", connection=connection_id)
    return connection_id


def keep(inside: Inside, *sizes: int) -> dict[str, bytes]:
    """Files of these sizes, all of them remote: archive id -> content."""
    contents = {}
    for number, size in enumerate(sizes):
        sent = content(size, size + number)
        contents[inside.put(sent, f"file-{number}.bin", title=f"File {number}")] = sent
    for archive_id in contents:
        inside.wait_remote(archive_id)
    return contents


def recover(inside: Inside, wanted: str | None = None) -> Any:
    """Begun and ended in this appliance: the state."""
    inside.ask("recovery/start", connection=NAME, **({"appliance_id": wanted} if wanted else {}))
    return ended(inside)


def ended(inside: Inside) -> Any:
    state = wait_for(lambda: (s := inside.ask("recovery/state"))["state"] != "running" and s, 30, "the recovery to end")
    assert state["state"] == "done", state
    return state


def restored(inside: Inside, contents: dict[str, bytes]) -> None:
    """All of it comes back, to the last byte."""
    for archive_id in contents:
        inside.ask("archive/restore", archive=archive_id)
    for archive_id, expected in contents.items():
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == expected
