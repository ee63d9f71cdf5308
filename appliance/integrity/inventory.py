"""All objects of a connection, as one sweep found them: packed, because a terabyte is 65,536 of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Self

from appliance.remotes.remote import Gate, Object, Remote

_HEAD = struct.Struct("<BHHQ")  # flags, bytes of the id, bytes of the name, size
_TRASHED, _SHA256, _MD5 = 1, 2, 4
_SHA256_BYTES, _MD5_BYTES = 32, 16


class Inventory:
    """Objects by archive, in the order in which they were listed. About 100 bytes an object."""

    def __init__(self) -> None:
        self._packed: dict[str, bytearray] = {}
        self.objects = 0
        self.size_bytes = 0

    @classmethod
    def taken(cls, remote: Remote, gate: Gate) -> Self:
        """By ``list_all``. Raises what that raises: then nothing is known, whatever came before."""
        inventory = cls()
        for one in remote.list_all(gate):
            inventory.add(one)
        return inventory

    def add(self, one: Object) -> None:
        remote_id, name, flags = one.remote_id.encode(), one.name.encode(), _TRASHED if one.trashed else 0
        checksum = one.sha256 or one.md5 or b""
        flags |= _SHA256 if one.sha256 else (_MD5 if one.md5 else 0)
        packed = self._packed.setdefault(one.archive_id, bytearray())
        packed += _HEAD.pack(flags, len(remote_id), len(name), one.size_bytes) + remote_id + name + checksum
        self.objects += 1
        self.size_bytes += one.size_bytes

    def archives(self) -> list[str]:
        return list(self._packed)

    def of(self, archive_id: str) -> Iterator[Object]:
        packed = self._packed.get(archive_id, b"")
        at = 0
        while at < len(packed):
            one, at = _unpacked(packed, at, archive_id)
            yield one


def _unpacked(packed: bytes | bytearray, at: int, archive_id: str) -> tuple[Object, int]:
    flags, id_bytes, name_bytes, size_bytes = _HEAD.unpack_from(packed, at)
    name_at = at + _HEAD.size + id_bytes
    checksum_at = name_at + name_bytes
    end = checksum_at + (_SHA256_BYTES if flags & _SHA256 else 0) + (_MD5_BYTES if flags & _MD5 else 0)
    checksum = bytes(packed[checksum_at:end])
    one = Object(
        remote_id=packed[at + _HEAD.size : name_at].decode(), archive_id=archive_id, name=packed[name_at:checksum_at].decode(),
        size_bytes=size_bytes, sha256=checksum if flags & _SHA256 else None, trashed=bool(flags & _TRASHED),
        md5=checksum if flags & _MD5 else None,
    )  # fmt: skip
    return one, end
