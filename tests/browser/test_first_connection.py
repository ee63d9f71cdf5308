"""The first place for copies, on a house that has none yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Visit
from tests.browser.test_connections import is_said
from tests.processes import House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Without a connection."""
    with House(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def test_a_folder_that_is_not_there_is_said_in_place_and_a_good_one_is_added_checked_and_used(
    visit: Visit, house: House, admin: str
) -> None:
    visitor = visit(admin)
    page = visitor.open("/connections")
    page.get_by_text("Nothing is copied anywhere yet").wait_for()
    page.get_by_role("link", name="Add a folder").click()
    page.get_by_label("Folder on the appliance").fill("/not/there")
    page.get_by_role("button", name="Add this folder").click()
    is_said(page, "There is no folder /not/there; create it, or mount its disk.")
    page.get_by_label("Folder on the appliance").fill(str(house.remote))
    page.get_by_label("Name").fill("<b>Disk</b>")
    page.get_by_role("button", name="Add this folder").click()
    page.get_by_role("button", name="Send copies here").click()  # the check went by itself
    page.get_by_text("New files are copied here.").wait_for()
    page.get_by_role("heading", name="<b>Disk</b>").wait_for()
    page.get_by_label("Name").fill("Disk")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("heading", name="Disk", exact=True).wait_for()
    page.get_by_role("button", name="Look into the trash").click()
    page.get_by_text("Trash: 0 objects of ours").wait_for()
    assert house.wait_remote(house.put(b"a film", "film.mkv"))["placements"][0]["connection_name"] == "Disk"
    assert visitor.complaints == []
