"""What lies on a remote: the names of its objects, README.txt and manifest.json. Pure; reads and writes nothing.

::

    README.txt
    <appliance id>/owner.json
    <appliance id>/<archive id>/00000000, 00000001, …    the batches, byte for byte
    <appliance id>/<archive id>/manifest.json
    <appliance id>/catalog/catalog-20261124T035507Z.json  copies of the catalog, by the UTC time at which they were made
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Annotated, Any, Literal, NoReturn, Protocol, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from appliance import clock
from appliance.errors import ApplianceError, Damaged, NewerFormat
from appliance.names import ARCHIVE_ID, MAX_TITLE_CHARACTERS, checked_owner, clean_title, safe_file_name

MANIFEST_NAME = "manifest.json"
README_NAME = "README.txt"
OWNER_NAME = "owner.json"
CATALOG = "catalog"
"""Stands where an archive id does (which has at least eight characters) for the folder of the catalog's copies."""
MAX_BATCHES = 10**8
MAX_MANIFEST_BYTES = 512 * 1024 * 1024
"""Of a manifest that is read: room for two million batches."""

_FORMAT, _VERSION = "pyarchive-manifest", 1
_BATCH_NAME = re.compile(r"[0-9]{8}")
_COPY_NAME = re.compile(r"catalog-[0-9]{8}T[0-9]{6}Z\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REMOTE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}(?:/[A-Za-z0-9][A-Za-z0-9._ ()-]{0,127})?")
_SHA256_BYTES = 32
_APART = ((b"[", 1 << 40), (b"{", 100), (b",", 25))
"""In a table each of these has so many bytes to itself; titles and names hold a few more."""
_MOST_IN_TEXTS = 10_000


def batch_name(index: int) -> str:
    """Eight digits, so that the order of the names is the order of the batches. Raises ValueError outside 0 to 99,999,999."""
    if not 0 <= index < MAX_BATCHES:
        raise ValueError(f"there is no batch {index}: a name has eight digits")
    return f"{index:08d}"


def is_object_name(name: str) -> bool:
    return name == MANIFEST_NAME or _BATCH_NAME.fullmatch(name) is not None


def is_copy_name(name: str) -> bool:
    """``catalog-20261124T035507Z.json``: a copy of the catalog, by the UTC time at which it was made."""
    return _COPY_NAME.fullmatch(name) is not None


def index_of(name: str) -> int | None:
    """The batch that an object holds; None for the manifest and for what is not ours."""
    return int(name) if _BATCH_NAME.fullmatch(name) else None


@dataclass(frozen=True, slots=True)
class ManifestBatch:
    """One row of the table."""

    index: int
    name: str
    size_bytes: int
    sha256: bytes
    remote_id: str


class Facts(Protocol):
    """What was fixed when the archive was taken in, as the ledger has it."""

    @property
    def archive_id(self) -> str: ...
    @property
    def file_name(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def sha256(self) -> bytes: ...
    @property
    def batch_bytes(self) -> int: ...
    @property
    def created_at(self) -> datetime: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """All that is needed to understand an archive on a remote. The table is kept packed: 32 bytes of SHA-256 a batch."""

    archive_id: str
    title: str
    file_name: str
    owner: str
    size_bytes: int
    sha256: bytes
    batch_bytes: int
    created_at: datetime
    batch_sha256: bytes
    remote_ids: Sequence[str]

    @classmethod
    def of(cls, facts: Facts, title: str, owner: str, batch_sha256: bytes, remote_ids: Sequence[str]) -> Self:
        """``batch_sha256``: 32 bytes a batch, in order; ``remote_ids``: one a batch."""
        return cls(
            archive_id=facts.archive_id,
            title=title,
            file_name=facts.file_name,
            owner=owner,
            size_bytes=facts.size_bytes,
            sha256=facts.sha256,
            batch_bytes=facts.batch_bytes,
            created_at=facts.created_at,
            batch_sha256=batch_sha256,
            remote_ids=remote_ids,
        )

    @property
    def batch_count(self) -> int:
        return len(self.batch_sha256) // _SHA256_BYTES

    def batch(self, index: int) -> ManifestBatch:
        sha256 = self.batch_sha256[index * _SHA256_BYTES : (index + 1) * _SHA256_BYTES]
        return ManifestBatch(index, batch_name(index), self._batch_size_bytes(index), sha256, self.remote_ids[index])

    def batches(self) -> Iterator[ManifestBatch]:
        return map(self.batch, range(self.batch_count))

    def _batch_size_bytes(self, index: int) -> int:
        return min(self.batch_bytes, self.size_bytes - index * self.batch_bytes)

    def to_bytes(self) -> bytes:
        """UTF-8 JSON, a line a key and a line a batch. The same manifest is always the same bytes."""
        header = json.dumps(self._header(), ensure_ascii=False, indent=1)
        text = BytesIO()  # row after row: a list of a million rows would take twice the memory
        text.write(f'{header[:-2]},\n "batches": ['.encode())
        for index, row in enumerate(self._rows()):
            text.write((",\n" if index else "\n").encode() + row.encode())
        text.write(b"\n ]\n}\n")
        return text.getvalue()

    def _header(self) -> dict[str, Any]:
        return {
            "format": _FORMAT, "version": _VERSION, "archive_id": self.archive_id, "title": self.title, "file_name": self.file_name,
            "owner": self.owner, "size_bytes": self.size_bytes, "sha256": self.sha256.hex(), "created_at": clock.iso(self.created_at),
            "encryption": "none", "parts": None, "batch_bytes": self.batch_bytes,
        }  # fmt: skip

    def _rows(self) -> Iterator[str]:
        for index, remote_id in enumerate(self.remote_ids):
            sha256 = self.batch_sha256[index * _SHA256_BYTES : (index + 1) * _SHA256_BYTES].hex()
            yield (
                f'  {{"index": {index}, "name": "{index:08d}", "size_bytes": {self._batch_size_bytes(index)}, "sha256": "{sha256}", '
                f'"remote_id": {json.dumps(remote_id)}}}'
            )

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """A manifest as found on a remote, believed in nothing. Raises Damaged with the cause, NewerFormat."""
        document = _parsed(content)
        header = _checked_header(document)
        batch_sha256, remote_ids = _checked_table(document.get("batches"), header)
        names = header.model_dump(include={"archive_id", "title", "file_name", "owner", "size_bytes", "batch_bytes", "created_at"})
        return cls(**names, sha256=bytes.fromhex(header.sha256), batch_sha256=batch_sha256, remote_ids=remote_ids)


class _Header(BaseModel):
    """The manifest without its table."""

    model_config = ConfigDict(strict=True, frozen=True)

    format: Literal["pyarchive-manifest"]
    version: Annotated[int, Field(ge=_VERSION, le=_VERSION)]  # not Literal[1], which is true of True
    archive_id: Annotated[str, Field(pattern=rf"^{ARCHIVE_ID.pattern}\z")]
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)]
    file_name: str
    owner: str
    size_bytes: Annotated[int, Field(ge=0, lt=2**63)]
    batch_bytes: Annotated[int, Field(ge=1, lt=2**63)]
    sha256: Annotated[str, Field(pattern=rf"^{_SHA256.pattern}\z")]
    created_at: Annotated[AwareDatetime, Field(strict=False)]
    encryption: Literal["none"]
    parts: None

    @property
    def batch_count(self) -> int:
        return max(1, -(-self.size_bytes // self.batch_bytes))


def _bad(cause: str) -> NoReturn:
    raise Damaged(f"the manifest cannot be used: {cause}")


def _packed(row: dict[str, Any]) -> Any:
    # A million dicts would take a gigabyte: rows of the table become tuples while they are parsed.
    if row.keys() == {"index", "name", "size_bytes", "sha256", "remote_id"}:
        return row["index"], row["name"], row["size_bytes"], row["sha256"], row["remote_id"]
    return row


def _parsed(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_MANIFEST_BYTES:
        _bad(f"it has {len(content):,} bytes, more than {MAX_MANIFEST_BYTES:,}")
    _refuse_bloated(content)
    try:
        document = json.loads(content.decode("utf-8"), object_hook=_packed)
    except (ValueError, RecursionError) as error:
        _bad(f"it is not JSON ({error})")
    if not isinstance(document, dict):
        _bad("it is not a JSON object")
    return document


def _refuse_bloated(content: bytes) -> None:
    """Before it is parsed: 45 MB of empty lists would take 1.2 GB, and an appliance that is killed for it begins again and again."""
    for mark, least_bytes in _APART:
        if content.count(mark) > _MOST_IN_TEXTS + len(content) // least_bytes:
            _bad(f"it has more of {mark.decode()!r} than a table of batches has")


def _checked_header(document: dict[str, Any]) -> _Header:
    _refuse_newer(document)
    try:
        header = _Header.model_validate({key: value for key, value in document.items() if key != "batches"})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        _bad(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    _check_names(header)
    return header


def _refuse_newer(document: dict[str, Any]) -> None:
    version = document.get("version")
    is_newer = type(version) is int and version > _VERSION
    is_later = version == _VERSION and (document.get("encryption") != "none" or document.get("parts") is not None)
    if document.get("format") == _FORMAT and (is_newer or (is_later and {"encryption", "parts"} <= document.keys())):
        raise NewerFormat("the manifest was written by a newer version of the appliance; upgrade this one first")


def _check_names(header: _Header) -> None:
    if header.file_name in {"", ".", ".."} or safe_file_name(header.file_name) != header.file_name:
        _bad(f"{header.file_name[:64]!r} is no safe file name")
    try:
        checked_owner(header.owner)
        if clean_title(header.title) != header.title:
            _bad("its title holds control characters or stray blanks")
    except ApplianceError as error:
        _bad(str(error))


def _checked_table(rows: Any, header: _Header) -> tuple[bytes, list[str]]:
    if not isinstance(rows, list) or len(rows) != header.batch_count:
        found = len(rows) if isinstance(rows, list) else "no list of"
        _bad(f"it names {found} batches; {header.size_bytes:,} bytes in batches of {header.batch_bytes:,} are {header.batch_count:,}")
    digests, remote_ids = bytearray(), list[str]()
    for index, row in enumerate(rows):
        if cause := _wrong_with(row, index, header):
            _bad(f"batch {index}: {cause}")
        digests += bytes.fromhex(row[3])
        remote_ids.append(row[4])
    _check_whole(header, bytes(digests))
    return bytes(digests), remote_ids


def _wrong_with(row: Any, index: int, header: _Header) -> str | None:
    if type(row) is not tuple:
        return "its row does not have just index, name, size_bytes, sha256 and remote_id"
    size_bytes = min(header.batch_bytes, header.size_bytes - index * header.batch_bytes)
    if row[:3] != (index, f"{index:08d}", size_bytes) or type(row[0]) is not int or type(row[2]) is not int:
        return f"index, name or size is not {index}, {index:08d}, {size_bytes:,}"
    if type(row[3]) is not str or not _SHA256.fullmatch(row[3]):
        return "its sha256 is not 64 hexadecimal digits"
    if type(row[4]) is not str or not _REMOTE_ID.fullmatch(row[4]):
        return "its remote_id is not one"
    return None


def _check_whole(header: _Header, digests: bytes) -> None:
    """One batch is the whole file: then the two checksums are the same."""
    if header.size_bytes == 0 and header.sha256 != hashlib.sha256().hexdigest():
        _bad("an empty file does not have that sha256")
    if header.batch_count == 1 and digests.hex() != header.sha256:
        _bad("its only batch has another sha256 than the file")


def readme() -> bytes:
    """README.txt, for a person who has this folder, but not our program."""
    return _README.encode()


README_TITLE = "PYARCHIVE: HOW TO GET YOUR FILES BACK BY HAND"

_README = f"""{README_TITLE}

This folder was written by a PyArchive appliance. Nothing in it is encrypted or
compressed. Each of your files was cut into pieces, called batches; put together
again in order, they are the file. You need no special program for that.

Please change, rename and delete nothing here: copy what you need elsewhere.


What is where

    <appliance>/<archive>/00000000, 00000001, ...    the batches of one file, in order
    <appliance>/<archive>/manifest.json              its name, size and SHA-256 checksum

Open manifest.json with any text editor. It tells the file's name ("file_name"),
its title ("title"), and in the line "sha256" near the top the checksum by which
you can tell that the restored file is right. This shows the titles of all files
of an appliance (Linux, macOS; start it in the folder <appliance>):

    grep '"title"' */manifest.json


Linux

Open a terminal in the folder <appliance>/<archive> and type

    cat [0-9]* > "$HOME/restored-file"
    sha256sum "$HOME/restored-file"

The second line prints the checksum. It must be the one in manifest.json. Then
give the file its name. If the first line fails with "Argument list too long":

    ls | grep -E '^[0-9]+$' | sort | xargs cat > "$HOME/restored-file"


macOS

As on Linux, but the checksum is printed by

    shasum -a 256 "$HOME/restored-file"


Windows

Open PowerShell in the folder <appliance>\\<archive> and paste

    $out = [IO.File]::Create("$HOME\\restored-file")
    Get-ChildItem -File | Where-Object Name -match '^[0-9]+$' | Sort-Object Name |
      ForEach-Object {{ $in = [IO.File]::OpenRead($_.FullName); $in.CopyTo($out); $in.Close() }}
    $out.Close()
    Get-FileHash "$HOME\\restored-file" -Algorithm SHA256

The last line prints the checksum (capital or small letters do not matter).


If a checksum is wrong

manifest.json has the checksum and the size of each batch too ("batches"), so that
the bad one can be found. Look whether another copy of this folder has it right.
What the appliance replaced is kept in <appliance>/.trash, if this is a disk.
"""
