"""Claims about the contents of objects on their way to Drive and back."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from appliance.errors import LocalDamaged, RemoteAway, RemoteBusy, RemoteDamaged, RemoteFull, RemoteStalled, Stopped
from appliance.remotes.drive_bytes import Bytes, SessionLost
from appliance.remotes.drive_line import CHUNK_STEP_BYTES, Line
from appliance.remotes.drive_web import Endpoints, Web
from appliance.remotes.remote import PIECE_BYTES
from tests.appliance.remotes.rigs import CountingGate, Reader
from tests.appliance.remotes.web_server import Heard, Listener, WebServer, answer, read_head
from tests.fakes.drive import FakeDrive
from tests.waiting import wait_for

MIB = 1 << 20
STEP = CHUNK_STEP_BYTES
CONTENT = random.Random(3).randbytes(4 * MIB + 17)


class GivenTokens:
    """Tokens from the fake's token endpoint, without any care."""

    def __init__(self, web: Web, endpoints: Endpoints, account: dict[str, Any]) -> None:
        self._web, self._url, self._account = web, endpoints.token, account
        self._token: str | None = None
        self.refusals = 0

    def access_token(self) -> str:
        if self._token is None:
            names = ("client_id", "client_secret", "refresh_token")
            form = urlencode({"grant_type": "refresh_token"} | {name: self._account[name] for name in names})
            headers = {"content-type": "application/x-www-form-urlencoded"}
            _, content = self._web.http().request(self._url, "POST", form, headers)
            self._token = str(json.loads(content)["access_token"])
        return self._token

    def refused(self, token: str) -> None:
        assert token == self._token
        self._token = None
        self.refusals += 1


class SteadyLine(Line):
    """Whatever is measured, this much is a request."""

    def __init__(self, chunk_bytes: int) -> None:
        super().__init__()
        self._chunk_bytes = chunk_bytes

    def chunk_bytes(self, left_bytes: int) -> int:
        return min(left_bytes, self._chunk_bytes)


class Rig:
    """The transport against the fake Drive."""

    def __init__(self, fake: FakeDrive, timeout_s: float = 60) -> None:
        self.fake = fake
        self.web = Web(timeout_s)
        self.endpoints = Endpoints.of(fake.root)
        self.tokens = GivenTokens(self.web, self.endpoints, fake.account())
        self.bytes = Bytes(self.web, self.tokens)
        self.confirmed: list[int] = []

    def open(self, size_bytes: int) -> str:
        """The URI of a new session, as ``DriveApi`` gets it."""
        url = f"{self.endpoints.upload}/files?uploadType=resumable&fields=id,size,sha256Checksum"
        headers = {
            "authorization": f"Bearer {self.tokens.access_token()}", "content-type": "application/json",
            "x-upload-content-length": str(size_bytes),
        }  # fmt: skip
        response, _ = self.web.http().request(url, "POST", json.dumps({"name": "00000000"}), headers)
        return str(response["location"])

    def send(self, uri: str, reader: Reader, gate: CountingGate | None = None, *, begun: bool = False) -> dict[str, Any]:
        return self.bytes.send(uri, reader, self.confirmed.append, gate or CountingGate(), begun=begun)

    def store(self, content: bytes) -> str:
        resource = self.send(self.open(len(content)), Reader(content))
        return str(resource["id"])

    def fetch(self, file_id: str, offset: int, size: int, gate: CountingGate | None = None) -> Iterator[bytes]:
        return self.bytes.fetch(f"{self.endpoints.api}/files/{file_id}?alt=media", offset, size, gate or CountingGate(), "reading 00000000")

    def in_chunks_of(self, size_bytes: int) -> None:
        """As on a line that was found, again and again, to carry so much in ten seconds."""
        self.bytes._line = SteadyLine(size_bytes)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as fake:
        yield fake


@pytest.fixture
def drive(fake: FakeDrive) -> Rig:
    return Rig(fake)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def is_stored(drive: Rig, resource: dict[str, Any], content: bytes = CONTENT) -> bool:
    return drive.fake.content(resource["id"]) == content and resource["sha256Checksum"] == Reader(content).sha256.hex()


# Up


@pytest.mark.parametrize("size", [0, 1, STEP - 1, STEP, STEP + 1, PIECE_BYTES * 3 + 5, 4 * MIB])
def test_a_content_of_any_size_arrives(drive: Rig, size: int) -> None:
    gate = CountingGate()
    resource = drive.send(drive.open(size), Reader(CONTENT[:size]), gate)
    assert is_stored(drive, resource, CONTENT[:size])
    assert sum(gate.passed) == drive.fake.received_bytes == size
    assert drive.fake.violations == []


def test_chunks_are_of_whole_steps_and_each_is_confirmed(drive: Rig) -> None:
    drive.in_chunks_of(MIB)
    assert is_stored(drive, drive.send(drive.open(len(CONTENT)), Reader(CONTENT)))
    assert drive.confirmed == sorted(drive.confirmed)
    assert len(drive.confirmed) == 4
    assert all(offset % STEP == 0 for offset in drive.confirmed)
    assert (drive.fake.violations, drive.fake.received_twice_bytes) == ([], 0)


def test_pieces_are_as_large_as_the_gate_lets_pass(drive: Rig) -> None:
    gate = CountingGate(piece_bytes=10_000)
    drive.send(drive.open(MIB), Reader(CONTENT[:MIB]), gate)
    assert max(gate.passed) == 10_000
    assert sum(gate.passed) == MIB


def test_what_drive_did_not_keep_of_a_chunk_is_sent_again_from_there(drive: Rig) -> None:
    drive.fake.fault("partial", match="chunk", keep_bytes=MIB)
    assert is_stored(drive, drive.send(drive.open(len(CONTENT)), Reader(CONTENT)))
    assert drive.confirmed == [MIB]
    assert drive.fake.received_bytes == len(CONTENT) + len(CONTENT) - MIB


def test_a_308_without_range_means_that_nothing_was_kept(drive: Rig) -> None:
    drive.in_chunks_of(MIB)
    drive.fake.fault("no_range", match="chunk", after=2)
    assert is_stored(drive, drive.send(drive.open(len(CONTENT)), Reader(CONTENT)))
    assert drive.confirmed[:3] == [MIB, 2 * MIB, 0]


def test_a_session_that_keeps_nothing_again_and_again_is_not_fed_for_ever(drive: Rig) -> None:
    drive.fake.fault("partial", match="chunk", times=None, keep_bytes=0)
    with pytest.raises(RemoteStalled, match="kept nothing"):
        drive.send(drive.open(MIB), Reader(CONTENT[:MIB]))
    assert drive.fake.requests["chunk"] < 10


@pytest.mark.parametrize("after_bytes", [1, STEP - 1, STEP + 1, 3 * MIB + 1])
def test_a_cut_connection_goes_on_where_drive_says_it_is(drive: Rig, after_bytes: int) -> None:
    drive.fake.fault("cut", match="chunk", after_bytes=after_bytes)
    assert is_stored(drive, drive.send(drive.open(len(CONTENT)), Reader(CONTENT)))
    assert drive.fake.received_twice_bytes < STEP
    assert (drive.fake.requests["status"], drive.fake.violations) == (1, [])


def test_after_a_cut_the_next_chunks_are_smaller(drive: Rig) -> None:
    drive.fake.fault("cut", match="chunk", after_bytes=10)
    drive.send(drive.open(len(CONTENT)), Reader(CONTENT))
    assert drive.fake.requests["chunk"] >= 3


def test_a_line_that_cuts_everything_is_left_to_a_later_try(drive: Rig) -> None:
    drive.fake.fault("cut", match="chunk", times=None, after_bytes=10)
    with pytest.raises(RemoteStalled):
        drive.send(drive.open(len(CONTENT)), Reader(CONTENT))


def test_when_the_last_answer_is_lost_drive_is_asked_and_nothing_sent_again(drive: Rig) -> None:
    drive.fake.fault("lost_answer", match="chunk")
    assert is_stored(drive, drive.send(drive.open(len(CONTENT)), Reader(CONTENT)))
    assert drive.fake.received_bytes == len(CONTENT)


@pytest.mark.parametrize("until_bytes", [0, 1, STEP, 2 * MIB + 100_000, len(CONTENT) - 1])
def test_an_upload_that_was_stopped_goes_on_from_the_byte_that_drive_has(drive: Rig, until_bytes: int) -> None:
    uri = drive.open(len(CONTENT))
    with pytest.raises(Stopped):
        drive.send(uri, Reader(CONTENT), CountingGate(until_bytes, piece_bytes=100_000))
    gate = CountingGate()
    assert is_stored(drive, drive.send(uri, Reader(CONTENT), gate, begun=True))
    assert drive.fake.received_twice_bytes < STEP
    assert sum(gate.passed) <= len(CONTENT) - until_bytes + STEP + 100_000
    assert drive.fake.violations == []


def test_a_session_that_is_complete_already_is_only_asked(drive: Rig) -> None:
    uri = drive.open(len(CONTENT))
    first = drive.send(uri, Reader(CONTENT))
    gate = CountingGate()
    assert drive.send(uri, Reader(CONTENT), gate, begun=True) == first
    assert sum(gate.passed) == 0
    assert drive.fake.received_bytes == len(CONTENT)


def test_an_empty_content_whose_session_was_opened_before_is_completed(drive: Rig) -> None:
    assert is_stored(drive, drive.send(drive.open(0), Reader(b""), begun=True), b"")


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("begun", [True, False])
def test_only_404_and_410_mean_that_the_session_is_lost(drive: Rig, status: int, begun: bool) -> None:
    drive.fake.fault("expired", match=["chunk", "status"], status=status)
    with pytest.raises(SessionLost):
        drive.send(drive.open(MIB), Reader(CONTENT[:MIB]), begun=begun)


@pytest.mark.parametrize(
    ("kind", "how", "error", "retry_after_s"),
    [
        ("503", {"retry_after_s": 7}, RemoteBusy, 7), ("429", {}, RemoteBusy, None), ("500", {}, RemoteBusy, None),
        ("userRateLimitExceeded", {}, RemoteBusy, None), ("storageQuotaExceeded", {}, RemoteFull, None),
    ],
)  # fmt: skip
def test_an_error_while_sending_is_told_in_our_words_and_the_session_goes_on(
    drive: Rig, kind: Any, how: dict[str, Any], error: type[Exception], retry_after_s: float | None
) -> None:
    drive.in_chunks_of(MIB)
    drive.fake.fault(kind, match="chunk", after=2, **how)
    uri = drive.open(len(CONTENT))
    with pytest.raises(error) as raised:
        drive.send(uri, Reader(CONTENT))
    assert getattr(raised.value, "retry_after_s", None) == retry_after_s
    assert uri.partition("upload_id=")[2] not in str(raised.value)
    gate = CountingGate()
    assert is_stored(drive, drive.send(uri, Reader(CONTENT), gate, begun=True))
    assert sum(gate.passed) == len(CONTENT) - 2 * MIB


def test_a_token_that_is_refused_is_renewed_once(drive: Rig) -> None:
    drive.in_chunks_of(MIB)
    drive.fake.fault("401", match="chunk", after=1)
    drive.fake.fault("401", match="chunk", after=1)
    assert is_stored(drive, drive.send(drive.open(len(CONTENT)), Reader(CONTENT)))
    assert drive.tokens.refusals == 2


def test_a_fresh_token_that_is_refused_too_may_pass_and_is_counted(drive: Rig) -> None:
    drive.fake.fault("401", match=["chunk", "status"], times=None)
    with pytest.raises(RemoteBusy, match="just given"):
        drive.send(drive.open(MIB), Reader(CONTENT[:MIB]))
    assert drive.tokens.refusals == 2


def wrong(at: int) -> Reader:
    """What is read now differs in one byte from what was ingested."""
    damaged = bytearray(CONTENT)
    damaged[at] ^= 1
    return Reader(bytes(damaged), claimed=CONTENT)


@pytest.mark.parametrize("at", [0, MIB, len(CONTENT) - 1])
def test_what_is_not_what_was_taken_in_is_never_completed(drive: Rig, at: int) -> None:
    uri = drive.open(len(CONTENT))
    with pytest.raises(LocalDamaged):
        drive.send(uri, wrong(at))
    assert drive.fake.received_bytes < len(CONTENT)
    assert is_stored(drive, drive.send(uri, Reader(CONTENT), begun=True)) or at < MIB + 1


def test_damage_in_what_was_sent_before_is_found_on_going_on(drive: Rig) -> None:
    uri = drive.open(len(CONTENT))
    with pytest.raises(Stopped):
        drive.send(uri, Reader(CONTENT), CountingGate(2 * MIB))
    with pytest.raises(LocalDamaged):
        drive.send(uri, wrong(5), begun=True)
    assert drive.fake.received_bytes < len(CONTENT)


def test_a_content_that_ends_early_is_damaged(drive: Rig) -> None:
    reader = Reader(CONTENT)
    reader.size_bytes += 5
    with pytest.raises(LocalDamaged):
        drive.send(drive.open(reader.size_bytes), reader)


def test_what_the_ledger_says_while_it_notes_an_offset_is_not_blamed_on_drive(drive: Rig) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    drive.in_chunks_of(MIB)
    with pytest.raises(OSError, match="No space"):
        drive.bytes.send(drive.open(len(CONTENT)), Reader(CONTENT), full, CountingGate(), begun=False)


def test_a_server_that_stands_still_is_away_after_the_timeout(fake: FakeDrive) -> None:
    drive = Rig(fake, timeout_s=0.3)
    uri = drive.open(len(CONTENT))
    fake.fault("freeze", match="chunk")
    with pytest.raises(RemoteAway, match="in time"):
        drive.send(uri, Reader(CONTENT))
    fake.thaw()
    assert is_stored(drive, drive.send(uri, Reader(CONTENT), begun=True))


def test_a_login_page_of_the_network_is_not_taken_for_a_stored_file(drive: Rig) -> None:
    drive.fake.fault("html", match="chunk")
    with pytest.raises(RemoteAway, match="captive portal"):
        drive.send(drive.open(MIB), Reader(CONTENT[:MIB]))


def test_threads_send_at_the_same_time_each_on_its_own_connection(drive: Rig) -> None:
    uris = [drive.open(len(CONTENT)) for _ in range(4)]
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda uri=uri: found.append(drive.send(uri, Reader(CONTENT)))) for uri in uris]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each["id"] for each in found}) == 4
    assert all(is_stored(drive, each) for each in found)


def test_no_thread_is_left_of_an_upload(drive: Rig) -> None:
    with pytest.raises(Stopped):
        drive.send(drive.open(len(CONTENT)), Reader(CONTENT), CountingGate(MIB))
    assert not [each for each in threading.enumerate() if each.name == "checksum"]


class Interrupting(Listener):
    """Answers in mid chunk, and closes."""

    def serve(self, accepted: socket.socket) -> None:
        with accepted.makefile("rb") as stream:
            read_head(stream)
            stream.read(1000)
            accepted.sendall(answer(503, b"{}", Retry_After="3", Connection="close"))
            accepted.shutdown(socket.SHUT_WR)
            stream.read(1000)


class AnyToken:
    def access_token(self) -> str:
        return "any"

    def refused(self, token: str) -> None: ...


def test_a_server_that_says_no_in_mid_chunk_is_heard(stack: ExitStack) -> None:
    server = stack.enter_context(Interrupting())
    with pytest.raises(RemoteBusy) as raised:
        Bytes(Web(), AnyToken()).send(f"http://127.0.0.1:{server.port}/", Reader(bytes(16 * MIB)), print, CountingGate(), begun=False)
    assert raised.value.retry_after_s == 3


def said_after(first: bytes, then: bytes) -> Callable[[Heard], bytes]:
    answers = [first]
    return lambda _: answers.pop() if answers else then


@pytest.mark.parametrize("said", ["bytes=5-10", "bytes=0-", "bytes=0-99999999", "nonsense"])
def test_an_offset_that_makes_no_sense_is_not_believed(stack: ExitStack, said: str) -> None:
    server = stack.enter_context(WebServer(lambda _: answer(308, Range=said)))
    with pytest.raises(RemoteAway, match="how much"):
        Bytes(Web(), AnyToken()).send(server.url, Reader(bytes(MIB)), print, CountingGate(), begun=True)


def test_drive_that_has_all_and_does_not_say_done_is_asked_again(stack: ExitStack) -> None:
    server = stack.enter_context(WebServer(said_after(answer(308, Range=f"bytes=0-{MIB - 1}"), answer(200, b'{"id": "x"}'))))
    assert Bytes(Web(), AnyToken()).send(server.url, Reader(bytes(MIB)), print, CountingGate(), begun=True) == {"id": "x"}
    assert [(each.headers["content-range"], each.body) for each in server.heard] == [(f"bytes */{MIB}", b"")] * 2


# The size of chunks


def test_on_an_unknown_line_the_first_chunk_is_a_batch() -> None:
    assert Line().chunk_bytes(16 * MIB) == 16 * MIB
    assert Line().chunk_bytes(17 * MIB + 1) == 34 * STEP + STEP


def test_a_chunk_takes_about_ten_seconds_and_the_rest_is_shared_out_evenly() -> None:
    line = Line()
    line.took(16 * MIB, 16.0)
    assert line.chunk_bytes(64 * MIB) == 37 * STEP  # 10 MiB at 1 MiB/s; seven of about one size
    assert line.chunk_bytes(16 * MIB) == 8 * MIB
    assert line.chunk_bytes(3 * MIB + 1) == 3 * MIB + 1


def test_a_fast_line_takes_a_large_batch_in_few_chunks() -> None:
    line = Line()
    sizes = []
    for _ in range(3):
        sizes.append(line.chunk_bytes(128 * MIB))
        line.took(sizes[-1], 0.1)
    assert sizes == [16 * MIB, 32 * MIB, 64 * MIB]


def test_a_line_of_modem_speed_gets_the_smallest_chunk() -> None:
    line = Line()
    line.took(MIB, 2000.0)
    assert line.chunk_bytes(16 * MIB) == STEP


def test_small_contents_say_nothing_of_the_line() -> None:
    line = Line()
    line.took(1000, 5.0)
    assert line.chunk_bytes(16 * MIB) == 16 * MIB


def test_the_line_is_known_by_its_last_chunks() -> None:
    line = Line()
    for _ in range(8):
        line.took(16 * MIB, 160.0)
    assert line.chunk_bytes(16 * MIB) == MIB
    for _ in range(8):
        line.took(MIB, 0.1)
    assert line.chunk_bytes(16 * MIB) == 16 * MIB


def test_chunks_that_fail_are_halved_down_to_a_step_and_grow_again() -> None:
    line, sizes = Line(), []
    for _ in range(8):
        sizes.append(line.chunk_bytes(16 * MIB))
        line.failed(sizes[-1])
    assert sizes == [16 * MIB, 8 * MIB, 4 * MIB, 2 * MIB, MIB, 2 * STEP, STEP, STEP]
    line.took(STEP, 0.1)
    assert line.chunk_bytes(16 * MIB) == 2 * STEP


# Down


def test_any_range_comes_in_pieces_that_the_gate_let_pass_before(drive: Rig) -> None:
    file_id = drive.store(CONTENT)
    for offset, size in [(0, len(CONTENT)), (5, 1), (MIB, PIECE_BYTES + 1), (len(CONTENT) - 1, 1), (7, 0)]:
        gate = CountingGate()
        pieces = list(drive.fetch(file_id, offset, size, gate))
        assert b"".join(pieces) == CONTENT[offset : offset + size]
        assert [len(each) for each in pieces] == gate.passed
        assert max(gate.passed, default=0) <= PIECE_BYTES


def test_pieces_on_the_way_down_are_as_small_as_the_gate_says(drive: Rig) -> None:
    gate = CountingGate(piece_bytes=5000)
    assert b"".join(drive.fetch(drive.store(CONTENT), 0, MIB, gate)) == CONTENT[:MIB]
    assert max(gate.passed) == 5000


@pytest.mark.parametrize("after_bytes", [0, 1, 3 * MIB + 1])
def test_a_download_that_was_cut_goes_on_at_the_byte_reached(drive: Rig, after_bytes: int) -> None:
    file_id = drive.store(CONTENT)
    drive.fake.fault("cut", match="download", of="response", after_bytes=after_bytes)
    gate = CountingGate()
    assert b"".join(drive.fetch(file_id, 0, len(CONTENT), gate)) == CONTENT
    assert drive.fake.requests["download"] == 2
    assert sum(gate.passed) < len(CONTENT) + 2 * PIECE_BYTES


def test_a_download_that_is_cut_always_goes_on_as_long_as_it_moves(drive: Rig) -> None:
    file_id = drive.store(CONTENT)
    drive.fake.fault("cut", match="download", of="response", after_bytes=PIECE_BYTES + 5, times=None)
    assert b"".join(drive.fetch(file_id, 0, len(CONTENT))) == CONTENT


def test_a_download_that_does_not_move_is_left_to_a_later_try(drive: Rig) -> None:
    file_id = drive.store(CONTENT)
    drive.fake.fault("cut", match="download", of="response", after_bytes=0, times=None)
    with pytest.raises(RemoteAway):
        list(drive.fetch(file_id, 0, len(CONTENT)))
    assert drive.fake.requests["download"] == 3


def test_a_download_that_stands_still_is_away_after_the_timeout(fake: FakeDrive) -> None:
    drive = Rig(fake, timeout_s=0.3)
    file_id = drive.store(CONTENT)
    fake.fault("freeze", match="download")
    with pytest.raises(RemoteAway, match="in time"):
        list(drive.fetch(file_id, 0, len(CONTENT)))
    fake.thaw()
    assert fake.requests["download"] == 1


@pytest.mark.parametrize(("offset", "size"), [(0, len(CONTENT) + 1), (len(CONTENT), 1), (len(CONTENT) + MIB, 5)])
def test_an_object_that_is_shorter_is_damaged(drive: Rig, offset: int, size: int) -> None:
    with pytest.raises(RemoteDamaged, match="shorter"):
        list(drive.fetch(drive.store(CONTENT), offset, size))


def test_an_object_that_is_gone_is_damaged(drive: Rig) -> None:
    with pytest.raises(RemoteDamaged, match="gone"):
        list(drive.fetch("1" * 33, 0, 5))


def test_a_token_refused_on_the_way_down_is_renewed_once(drive: Rig) -> None:
    file_id = drive.store(CONTENT)
    drive.fake.fault("401", match="download")
    assert b"".join(drive.fetch(file_id, 0, MIB)) == CONTENT[:MIB]
    drive.fake.fault("401", match="download", times=2)
    with pytest.raises(RemoteBusy, match="just given"):
        list(drive.fetch(file_id, 0, MIB))
    assert drive.tokens.refusals == 3


def test_an_error_on_the_way_down_is_told_in_our_words(drive: Rig) -> None:
    file_id = drive.store(CONTENT)
    drive.fake.fault("429", match="download", retry_after_s=9)
    with pytest.raises(RemoteBusy) as raised:
        list(drive.fetch(file_id, 0, MIB))
    assert raised.value.retry_after_s == 9


def test_a_login_page_is_not_taken_for_content(drive: Rig) -> None:
    file_id = drive.store(CONTENT)
    drive.fake.fault("html", match="download")
    with pytest.raises(RemoteAway, match="captive portal"):
        list(drive.fetch(file_id, 0, MIB))


def test_a_download_that_is_stopped_leaves_no_bytes_for_the_next_request(drive: Rig) -> None:
    file_id = drive.store(CONTENT)
    with pytest.raises(Stopped):
        list(drive.fetch(file_id, 0, len(CONTENT), CountingGate(MIB)))
    with closing(drive.fetch(file_id, 0, len(CONTENT))) as pieces:  # type: ignore[type-var]  # an iterator of a generator has close
        next(pieces)
    assert b"".join(drive.fetch(file_id, 1, MIB)) == CONTENT[1 : MIB + 1]


def parts(content: bytes, most: int) -> Callable[[Heard], bytes]:
    """A server that gives no more than so many bytes at once."""

    def said(request: Heard) -> bytes:
        first, last = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        part = content[first : min(last + 1, first + most)]
        return answer(206, part, Content_Range=f"bytes {first}-{first + len(part) - 1}/{len(content)}")

    return said


def fetched(server: WebServer, offset: int, size: int) -> bytes:
    return b"".join(Bytes(Web(), AnyToken()).fetch(server.url, offset, size, CountingGate(), "reading 00000000"))


def test_a_server_that_gives_less_at_once_is_asked_for_the_rest(stack: ExitStack) -> None:
    server = stack.enter_context(WebServer(parts(CONTENT, 100_000)))
    assert fetched(server, 5, 250_000) == CONTENT[5:250_005]
    assert (len(server.heard), server.opened) == (3, 1)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (answer(206, b"xyz", Content_Range="bytes 0-2/100"), RemoteAway),
        (answer(206, b"xyz"), RemoteAway),
        (answer(206, b"xyz", Content_Range="bytes 5-7/8"), RemoteDamaged),
        (answer(200, b"x" * 100, Content_Type="application/octet-stream"), RemoteAway),
        (answer(200, b"x" * 8, Content_Type="application/octet-stream"), RemoteDamaged),
        (answer(302, b"", Location="http://login.test"), RemoteAway),
    ],
)
def test_bytes_that_were_not_asked_for_are_not_taken(stack: ExitStack, said: bytes, error: type[Exception]) -> None:
    server = stack.enter_context(WebServer(lambda _: said))
    with pytest.raises(error):
        fetched(server, 5, 10)


def test_a_whole_object_in_answer_to_a_range_is_taken_where_all_was_wanted(stack: ExitStack) -> None:
    server = stack.enter_context(WebServer(lambda _: answer(200, CONTENT[:1000])))
    assert fetched(server, 0, 1000) == CONTENT[:1000]


def test_the_connection_is_kept_from_one_content_to_the_next(stack: ExitStack) -> None:
    server, web = stack.enter_context(WebServer(parts(CONTENT, MIB))), Web()
    for offset in range(3):
        assert b"".join(Bytes(web, AnyToken()).fetch(server.url, offset, 9, CountingGate(), "reading x")) == CONTENT[offset : offset + 9]
    wait_for(lambda: len(server.heard) == 3)
    assert server.opened == 1
