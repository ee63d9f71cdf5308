"""Downloads of what a real appliance keeps, over real sockets."""

from __future__ import annotations

import http.client
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.ui.panel.files.conftest import MIB, STALL_S, Served
from tests.waiting import wait_for
from ui.panel.files.places import OF_ONE

_LARGE = 24 * MIB  # more than all buffers on the way


@pytest.fixture(scope="module")
def small(served: Served) -> tuple[str, bytes]:
    return served.put(3 * MIB + 17, "Überraschung für Zoë.bin")


@pytest.fixture
def large(served: Served) -> tuple[str, bytes]:
    return served.put(_LARGE)


def _open_files() -> list[str]:
    """Of the store, in this process: the server's."""
    names = [os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir()]
    return [name for name in names if "/store/" in name]


def test_a_file_comes_as_it_was_handed_in(served: Served, small: tuple[str, bytes]) -> None:
    archive_id, content = small
    got = served.browser.get(f"/files/{archive_id}")
    assert (got.status, got.content) == (200, content)
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["etag"] == f'"{served.house.show(archive_id)["sha256"]}"'
    assert got.headers["accept-ranges"] == "bytes"


def test_a_stored_file_is_saved_under_its_name_and_can_do_nothing_in_our_origin(served: Served, small: tuple[str, bytes]) -> None:
    headers = served.browser.get(f"/files/{small[0]}/any%20name%20at%20all").headers
    assert headers["content-disposition"].startswith('attachment; filename="Uberraschung fur Zoe.bin"; ')
    assert unquote(headers["content-disposition"]).endswith("UTF-8''Überraschung für Zoë.bin")
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox;")
    assert headers["cache-control"] == "private, no-cache, no-transform"


def test_head_says_exactly_what_get_says(served: Served, small: tuple[str, bytes]) -> None:
    path = f"/files/{small[0]}"
    got, head = served.browser.get(path), served.browser.get(path, "HEAD", Range="bytes=0-9")
    assert (head.status, head.content) == (200, b"")
    assert [one for one in head.headers.items() if one[0] != "date"] == [one for one in got.headers.items() if one[0] != "date"]


def test_a_part_is_that_part(served: Served, small: tuple[str, bytes]) -> None:
    archive_id, content = small
    got = served.browser.get(f"/files/{archive_id}", Range=f"bytes={2 * MIB - 5}-{2 * MIB + 4}")
    assert (got.status, got.content) == (206, content[2 * MIB - 5 : 2 * MIB + 5])
    assert got.headers["content-range"] == f"bytes {2 * MIB - 5}-{2 * MIB + 4}/{len(content)}"
    assert got.headers["content-length"] == "10"


def test_a_download_goes_on_where_it_was_only_with_the_same_content(served: Served, small: tuple[str, bytes]) -> None:
    archive_id, content = small
    path, etag = f"/files/{archive_id}", served.browser.get(f"/files/{small[0]}", "HEAD").headers["etag"]
    assert served.browser.get(path, Range="bytes=1000-", If_Range=etag).content == content[1000:]
    assert served.browser.get(path, Range="bytes=1000-", If_Range='"another"').content == content


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Range": "bytes=999999999-"}, 416), ({"If_None_Match": "*"}, 304), ({"If_Match": '"another"'}, 412)],
)
def test_what_is_not_to_be_sent_has_no_content(served: Served, small: tuple[str, bytes], headers: dict[str, str], status: int) -> None:
    got = served.browser.get(f"/files/{small[0]}", **headers)
    assert (got.status, got.content) == (status, b"")
    if status == 416:
        assert got.headers["content-range"] == f"bytes */{len(small[1])}"


def test_an_empty_file_is_an_empty_file(served: Served) -> None:
    archive_id, _ = served.put(0)
    got = served.browser.get(f"/files/{archive_id}")
    assert (got.status, got.content, got.headers["content-length"]) == (200, b"", "0")
    assert served.browser.get(f"/files/{archive_id}", Range="bytes=0-").status == 416


@pytest.mark.parametrize(
    "path", ["/files/0000000000000000", "/files/x", "/files/..%2f..%2fetc%2fpasswd", "/files/%00%00%00%00%00%00%00%00", "/files/file.bin"]
)
def test_what_is_no_archive_is_not_found(served: Served, path: str) -> None:
    assert served.browser.get(path).status == 404


def test_the_beginning_of_an_id_is_not_an_id(served: Served, small: tuple[str, bytes]) -> None:
    assert served.browser.get(f"/files/{small[0][:8]}").status == 404


def test_nothing_but_get_and_head_is_known(served: Served, small: tuple[str, bytes]) -> None:
    assert {served.browser.get(f"/files/{small[0]}", method).status for method in ("POST", "PUT", "DELETE", "OPTIONS")} == {405}


def test_a_released_file_names_the_way_back_and_comes_again_after_it(served: Served) -> None:
    archive_id, content = served.put(MIB + 1)
    served.house.wait_remote(archive_id)
    served.house.ask("archive/release", archive=archive_id)
    wait_for(lambda: not served.house.show(archive_id)["local"], what="the release")
    refused = served.browser.get(f"/files/{archive_id}", Accept="text/html")
    assert refused.status == 409
    assert "Bring back" in refused.content.decode()
    assert f'href="/archives/{archive_id}"' in refused.content.decode()
    served.house.ask("archive/restore", archive=archive_id)
    served.house.wait_local(archive_id)
    assert served.browser.get(f"/files/{archive_id}").content == content


def test_a_file_that_is_released_meanwhile_still_comes_whole(served: Served, large: tuple[str, bytes]) -> None:
    archive_id, content = large
    served.house.wait_remote(archive_id)
    with served.browser.begun(f"/files/{archive_id}") as answer:
        served.house.ask("archive/release", archive=archive_id)
        wait_for(lambda: not served.house.show(archive_id)["local"], what="the release")
        assert content[:1] + answer.read() == content


def test_a_file_that_gets_short_ends_the_connection(served: Served, large: tuple[str, bytes]) -> None:
    with served.browser.begun(f"/files/{large[0]}") as answer:
        os.truncate(served.file(large[0]), _LARGE - MIB)
        with pytest.raises(http.client.IncompleteRead):
            answer.read()


def test_of_a_damaged_file_the_end_is_kept_back(served: Served, large: tuple[str, bytes]) -> None:
    _spoil(served.file(large[0]))
    with served.browser.begun(f"/files/{large[0]}") as answer, pytest.raises(http.client.IncompleteRead):
        answer.read()


def test_a_damaged_file_of_one_piece_is_refused_with_what_to_do(served: Served) -> None:
    archive_id, _ = served.put(1000)
    _spoil(served.file(archive_id))
    refused = served.browser.get(f"/files/{archive_id}")
    assert (refused.status, b"damaged" in refused.content) == (409, True)


def _spoil(path: Path) -> None:
    with path.open("r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("kind", ["link", "fifo", "nothing", "other size"])
def test_what_is_not_the_file_that_was_taken_in_is_not_sent(served: Served, kind: str) -> None:
    archive_id, content = served.put(2000)
    path = served.file(archive_id)
    path.rename(path.with_name("aside"))
    if kind == "link":
        path.symlink_to(path.with_name("aside"))
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "other size":
        path.write_bytes(content + b"x")
    assert served.browser.get(f"/files/{archive_id}").status == 503


def test_a_folder_that_is_a_link_is_not_followed(served: Served) -> None:
    archive_id, _ = served.put(2001)
    folder = served.file(archive_id).parent
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    assert served.browser.get(f"/files/{archive_id}").status == 503


def test_whoever_leaves_leaves_nothing_open_and_no_thread(served: Served, large: tuple[str, bytes]) -> None:
    for _ in range(10):
        with served.browser.begun(f"/files/{large[0]}"):
            assert _open_files()
    wait_for(lambda: not _open_files(), what="the files to be closed")
    assert sum(thread.name.startswith("download") for thread in threading.enumerate()) <= 4


def test_whoever_takes_nothing_is_cut_off(served: Served, large: tuple[str, bytes]) -> None:
    with served.browser.begun(f"/files/{large[0]}") as answer:
        wait_for(lambda: not _open_files(), STALL_S + 5, "the stalled download to end")
        with pytest.raises(http.client.IncompleteRead):
            answer.read()


def test_one_person_cannot_take_all_places(served: Served, large: tuple[str, bytes]) -> None:
    path = f"/files/{large[0]}"
    held = [served.browser.begun(path) for _ in range(OF_ONE)]
    for one in held:
        one.__enter__()
    refused = served.browser.get(path)
    assert (refused.status, refused.headers["retry-after"]) == (503, "10")
    for one in held:
        one.__exit__(None, None, None)
    wait_for(lambda: served.browser.get(path, Range="bytes=0-0").status == 206, what="a place to be free again")


def test_pages_come_soon_while_many_download(served: Served, large: tuple[str, bytes]) -> None:
    ending = threading.Event()

    def download() -> None:
        while not ending.is_set():
            got = served.browser.get(f"/files/{large[0]}")
            assert got.status == 503 or len(got.content) == _LARGE  # the place of the one before may not be free yet

    with ThreadPoolExecutor(OF_ONE - 1) as pool:
        running = [pool.submit(download) for _ in range(OF_ONE - 1)]
        took_s = []
        for _ in range(30):
            start_s = time.perf_counter()
            assert served.browser.get("/small").status == 200
            took_s.append(time.perf_counter() - start_s)
        ending.set()
        for one in running:
            one.result(30)
    assert sorted(took_s)[15] < 0.5  # all of it in one process, on a machine that has other things to do
