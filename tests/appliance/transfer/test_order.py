"""The order made by hand: kept over restarts, whatever is put where, and cheap to write."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import durable
from appliance.catalog.journal import CatalogDB
from appliance.errors import Conflict, DiskFull
from appliance.transfer.order import Order


@pytest.fixture
def db(tmp_path: Path) -> Iterator[CatalogDB]:
    catalog = CatalogDB.open(tmp_path)
    yield catalog
    catalog.close()


steps = st.lists(st.tuples(st.sampled_from(["put", "drop", "forget"]), st.sampled_from("abcdef"), st.integers(0, 7)), max_size=30)


@given(steps)
def test_any_changes_by_hand_give_the_order_of_a_plain_list_also_after_a_restart(steps: list[tuple[str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        catalog = CatalogDB.open(Path(folder))
        order, expected = Order(catalog), list[str]()
        for what, archive_id, position in steps:
            expected = [each for each in expected if each != archive_id]
            if what == "put":
                order.put(archive_id, position)
                expected.insert(position, archive_id)
            else:
                (order.drop if what == "drop" else order.forget)(archive_id)
            assert list(order.ids()) == expected
        order.keep()
        catalog.close()
        catalog = CatalogDB.open(Path(folder))
        assert list(Order(catalog).ids()) == expected
        assert [Order(catalog).position(each) for each in expected] == list(range(len(expected)))
        catalog.close()


def test_putting_one_between_the_same_two_again_and_again_never_mixes_them_up(db: CatalogDB) -> None:
    order = Order(db)
    order.put("first", 0)
    order.put("last", 9)
    for number in range(98):
        order.put(f"{number:02}", 1)
    assert order.ids() == ("first", *(f"{number:02}" for number in reversed(range(98))), "last")


def test_more_than_a_hundred_are_refused_and_nothing_changes(db: CatalogDB) -> None:
    order = Order(db)
    for number in range(100):
        order.put(str(number), number)
    before = order.ids()
    with pytest.raises(Conflict, match="holds 100 archives at the most; `pyarchive usual`"):
        order.put("one more", 0)
    assert order.ids() == before
    order.put("50", 0)
    assert order.position("50") == 0


def test_a_change_that_cannot_be_kept_changes_nothing(db: CatalogDB, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(db)
    order.put("a", 0)
    told: list[tuple[str, ...]] = []
    order.on_change(told.append)

    def full(_: object) -> None:
        raise DiskFull("no room")

    monkeypatch.setattr(db, "apply", full)
    with pytest.raises(DiskFull):
        order.put("b", 0)
    with pytest.raises(DiskFull):
        order.drop("a")
    assert (order.ids(), told) == (("a",), [])
    order.forget("a")
    with pytest.raises(DiskFull):
        order.keep()
    monkeypatch.undo()
    order.keep()
    assert Order(db).ids() == ()


def test_what_is_done_writes_one_short_row_however_long_the_order_is(db: CatalogDB) -> None:
    order = Order(db)
    for number in range(100):
        order.put(f"{number:016x}", number)
    written: list[bytes] = []
    durable.observer = lambda operation: written.append(operation.data)
    try:
        order.forget(f"{0:016x}")
        order.keep()
        order.keep()
    finally:
        durable.observer = None
    assert 0 < len(b"".join(written)) < 200


def test_a_catalog_of_an_older_version_has_no_order(db: CatalogDB) -> None:
    db.apply({"settings": {"state": {"paused": False}}})
    assert json.dumps(Order(db).ids()) == "[]"
