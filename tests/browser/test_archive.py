"""The page of one archive: live until it is safe, freed, brought back, downloaded, renamed, removed and taken back."""

from __future__ import annotations

import hashlib
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.filling import content_of, put
from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.waiting import wait_for

SIZE_BYTES = 5_500_000  # six batches
HOSTILE = "<img src=x onerror='window.hurt=1'> ${window.hurt=1} {{7*7}} \u202eآ 🎉"


def legend(page: Page) -> dict[str, str]:
    """The counts of the map, by their words."""
    items = page.locator(".pa-map-legend-item").all_inner_texts()
    return {words: number for number, words in (item.split(None, 1) for item in items)}


def test_an_archive_becomes_safe_before_ones_eyes_and_each_batch_can_be_seen(visit: Visit, house: House, admin: str) -> None:
    house.ask("settings/set", name="upload_limit_kb_per_s", value=700)
    archive_id = put(house, "The wedding", SIZE_BYTES)
    visitor = visit(admin)
    page = visitor.open(f"/archives/{archive_id}")
    page.evaluate("window.stays = true")
    expect(page.get_by_role("heading", name="The wedding", exact=True)).to_be_visible()
    expect(page.locator(".pa-standing .pa-pill").first).to_have_text("On its way")
    expect(page.locator("[aria-current=step]")).to_contain_text("of 6 batches stored on disk")
    assert not page.get_by_role("button", name="Free the space here").count()
    house.ask("settings/set", name="upload_limit_kb_per_s", value=0)
    expect(page.locator(".pa-standing .pa-pill").first).to_have_text("Safe")
    expect(page.locator(".pa-map-legend")).to_contain_text("6 here and on disk", use_inner_text=True)
    assert legend(page) == {"here and on disk": "6"}
    drawn = page.get_by_role("img", name="Map of 6 batches: 6 here and on disk")
    drawn.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pa-map-says")).to_have_text("Batch 1: here and on disk")
    page.get_by_text("All 6 batches one by one").click()
    expect(page.locator(".pa-batches tbody tr")).to_have_count(6)
    batch = content_of("The wedding", SIZE_BYTES)[:1048576]
    expect(page.locator(".pa-batches tbody tr").first).to_contain_text(hashlib.sha256(batch).hexdigest()[:12])
    page.get_by_role("button", name="Check by reading back").click()
    expect(page.locator(".pa-outcome")).to_contain_text("and all is well")
    expect(page.locator(".pa-standing .pa-pill").first).to_have_text("Safe, proven")
    expect(page.locator(".pa-recent")).to_contain_text("Is safe on disk.")
    assert page.evaluate("window.stays")
    assert not visitor.complaints


def test_freed_brought_back_and_downloaded_it_is_the_same_file(visit: Visit, house: House, admin: str) -> None:
    archive_id = put(house, "Films", SIZE_BYTES)
    house.wait_remote(archive_id)
    visitor = visit(admin, width="phone")
    page = visitor.open(f"/archives/{archive_id}")
    page.get_by_role("button", name="Free the space here").click()
    page.get_by_role("button", name="Free 5.50 MB").click()
    expect(page.locator(".pa-outcome")).to_contain_text("5.50 MB are free here again. The file is safe on disk.")
    expect(page.locator(".pa-places")).to_contain_text("Not here")
    assert not page.get_by_role("link", name="Download").count()
    page.get_by_role("button", name="Bring back").click()
    expect(page.locator(".pa-standing")).to_contain_text("Here and on disk")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download").click()
    file = Path(coming.value.path())
    assert hashlib.sha256(file.read_bytes()).hexdigest() == hashlib.sha256(content_of("Films", SIZE_BYTES)).hexdigest()
    assert not visitor.complaints


def test_renamed_to_whatever_removed_with_a_warning_and_taken_back(visit: Visit, house: House, panel: PanelProcess, admin: str) -> None:
    house.ask("transfer/pause")
    archive_id = put(house, "Letters", 1000)
    visitor = visit(admin)
    page = visitor.open(f"/archives/{archive_id}")
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Title").fill(HOSTILE)
    page.get_by_label("Title").press("Enter")
    expect(page.locator("h1")).to_have_text(house.show(archive_id)["title"])
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Title").fill(" ")
    page.get_by_role("button", name="Save").click()
    page.locator(".q-notification").wait_for()  # refused, and said why
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Remove").click()
    dialog = page.locator(".pa-dialog")
    expect(dialog).to_contain_text("This is the only copy: no remote has all of it.")
    expect(dialog).to_contain_text("1.00 kB, freed when the time to take it back is over")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.locator(".pa-main")).to_contain_text("This archive is in the trash. It can be taken back until")
    wait_for(lambda: house.show(archive_id)["removed_at"], what="the archive to be removed")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    assert not house.show(archive_id)["removed_at"]
    house.ask("transfer/resume")
    assert page.evaluate("window.hurt") is None
    assert not visitor.complaints
    house.ask("user/add", name="ben", role="member", password=PASSWORD)
    stranger = visit(panel.sign_in("ben"))
    for guessed in (archive_id, archive_id[:8], "Films", "no-such-archive"):
        answer = stranger.page.goto(f"/archives/{guessed}")
        assert answer is not None
        assert answer.status == 404
        stranger.page.get_by_role("heading", name="There is no such archive").wait_for()
