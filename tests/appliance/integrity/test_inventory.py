"""A sweep's objects, packed."""

from __future__ import annotations

import tracemalloc

from appliance.integrity.inventory import Inventory
from appliance.remotes.remote import Object


def test_what_was_listed_comes_out_as_it_went_in_archive_by_archive() -> None:
    found = [
        Object("id-1", "archive-0001", "00000000", 7, b"s" * 32),
        Object("id-2", "archive-0002", "manifest.json", 2**40, b"t" * 32, trashed=True),
        Object("id-3", "archive-0001", "00000000", 0, None, md5=b"m" * 16),
        Object("ünïcode", "archive-0001", "00000001", 1, None),
    ]
    inventory = Inventory()
    for each in found:
        inventory.add(each)
    assert list(inventory.of("archive-0001")) == [found[0], found[2], found[3]]
    assert list(inventory.of("archive-0002")) == [found[1]]
    assert list(inventory.of("archive-0003")) == []
    assert (inventory.objects, inventory.size_bytes) == (4, 2**40 + 8)
    assert inventory.archives() == ["archive-0001", "archive-0002"]


def test_an_object_takes_no_more_than_120_bytes() -> None:
    digest = b"x" * 32
    count = 20_000
    tracemalloc.start()
    try:
        inventory = Inventory()
        for number in range(count):
            inventory.add(Object(f"{number:033d}", f"archive-{number % 4:04d}", f"{number // 4:08d}", 16 << 20, digest))
        taken_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken_bytes <= 120 * count
    assert inventory.objects == count
