"""What the appliance says while it transfers: how soon, and how much."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any

from tests.benchmarks.figures import Figure, Order
from tests.benchmarks.running import Hearing, Message, Running
from tests.waiting import wait_for

_MIB = 1 << 20
_LINE_KB_PER_S = 4000
_NOW = threading.Event()
_RANDOM = random.Random(4)
_HEARD_S = 10.0


# Latency


def latency(order: Order) -> list[Figure]:
    """While three slots share 4 MB/s, small archives become remote, and a person changes the limit, a title, and pauses."""
    times = 12 if order.small else 50
    with Running(order.folder, batch_size_mib=1) as appliance, transferring(appliance, order) as large:
        hearing = appliance.listen()
        rungs = [_until_remote_is_heard(appliance, hearing, number) for number in range(times)]
        asked = [_until_heard(appliance, hearing, large, number) for number in range(times)]
    return [
        *_figures("an archive becomes remote: event in the engine to its state at a subscriber", rungs, 250),
        *_figures("pause, limit, title: from asking to the state at a subscriber", asked, 250),
    ]


def _figures(name: str, found_ms: list[float], at_most_ms: float | None) -> list[Figure]:
    return [
        Figure(name=f"{name}, p50", value=median(found_ms), unit="ms"),
        Figure(name="the same, p99", value=percentile(found_ms, 0.99), unit="ms", at_most=at_most_ms, note=f"of {len(found_ms)}"),
    ]


def percentile(values: list[float], share: float) -> float:
    """Of the ordered values the one below which that share lies; the largest where they are few."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@contextmanager
def transferring(appliance: Running, order: Order) -> Iterator[str]:
    """A large archive on its way in three slots; its id."""
    archive_id = appliance.hand_in((1 if order.small else 2) << 30)
    appliance.wait_received(archive_id)
    _set(appliance, "upload_limit_kb_per_s", _LINE_KB_PER_S)  # asked for, because what the environment says cannot be changed
    appliance.connect(order.folder / "remote")
    hearing = appliance.listen(("transfer/#",))
    wait_for(lambda: len({message.name for message in hearing.messages if message.payload}) == 3, what="three slots to transfer")
    yield archive_id
    assert appliance.ask("archive/show", archive=archive_id)["rung"] not in {"remote", "proven"}, "nothing moved any more at the end"


def _until_remote_is_heard(appliance: Running, hearing: Hearing, number: int) -> float:
    """By the appliance's wall clock, which is ours too."""
    small = appliance.hand_in(_MIB, f"small-{number}.jpg")
    told = _first(hearing, "event", lambda said: said["event"] == "archive_remote" and said["archive_id"] == small)
    state = _first(hearing, f"archive/{small}/state", lambda said: said["rung"] == "remote")
    return 1000 * (state.at - datetime.fromisoformat(json.loads(told.payload)["at"]).timestamp())


def _until_heard(appliance: Running, hearing: Hearing, large: str, number: int) -> float:
    """At an instant of its own each time, so that it meets the reporter anywhere."""
    _NOW.wait(1 + _RANDOM.random())
    topic, is_told, ask = _changes(appliance, large, number)[number % 3]
    hearing.messages.clear()
    start_s = perf_counter()
    ask()
    took_ms = 1000 * (_first(hearing, topic, is_told).at_s - start_s)
    if number % 3 == 2:
        _NOW.wait(1)
        appliance.ask("transfer/resume")
    return took_ms


def _changes(appliance: Running, large: str, number: int) -> list[tuple[str, Callable[[Any], bool], Callable[[], Any]]]:
    limit, title = _LINE_KB_PER_S + 1 + number, f"film {number}"
    return [
        ("appliance/state", lambda said: said["upload_limit_kb_per_s"] == limit, lambda: _set(appliance, "upload_limit_kb_per_s", limit)),
        (f"archive/{large}/state", lambda said: said["title"] == title, lambda: _rename(appliance, large, title)),
        ("appliance/state", lambda said: said["paused"], lambda: appliance.ask("transfer/pause")),
    ]


def _set(appliance: Running, name: str, value: object) -> None:
    appliance.ask("settings/set", name=name, value=value)


def _rename(appliance: Running, archive_id: str, title: str) -> None:
    appliance.ask("archive/rename", archive=archive_id, title=title)


def _first(hearing: Hearing, name: str, is_told: Callable[[Any], bool]) -> Message:
    def found() -> Message | None:
        of_topic = (message for message in list(hearing.messages) if message.name == name and message.payload)
        return next((message for message in of_topic if is_told(json.loads(message.payload))), None)

    message = wait_for(found, _HEARD_S, f"{name} to tell it")
    assert message is not None
    return message


# Chatter


def chatter(order: Order) -> list[Figure]:
    """Three archives at once on a line of 600 kB/s, then on the disk without a limit; then archives of 1 MiB one after the other."""
    slow_s, gib = (20, 2) if order.small else (60, 6)
    (order.folder / "slow").mkdir()
    (order.folder / "fast").mkdir()
    with Running(order.folder / "slow", upload_limit_kb_per_s=600) as appliance:
        slow = _while_three_move(appliance, order.folder / "slow" / "remote", 64 * _MIB, lambda _: bool(_NOW.wait(slow_s)))
    with Running(order.folder / "fast", batch_size_mib=1) as appliance:
        fast = _while_three_move(appliance, order.folder / "fast" / "remote", gib * 1024 // 3 * _MIB, _all_remote(appliance))
        burst, archives_per_s = _burst(appliance, 60 if order.small else 300)
    return [*_of("line of 600 kB/s", slow), *_of("fast disk, batches of 1 MiB", fast), *_of_burst(burst, archives_per_s)]


def _while_three_move(appliance: Running, remote: Any, size_bytes: int, wait: Callable[[list[str]], Any]) -> list[Message]:
    """What is said from the moment when all three move until ``wait`` is over."""
    appliance.ask("transfer/pause")
    ids = [appliance.hand_in(size_bytes, f"film-{number}.mkv") for number in range(3)]
    for archive_id in ids:
        appliance.wait_received(archive_id)
    appliance.connect(remote)
    _NOW.wait(2)
    hearing = appliance.listen()
    _NOW.wait(2)
    hearing.messages.clear()
    appliance.ask("transfer/resume")
    wait(ids)
    return [message for message in hearing.messages if not message.retained]


def _all_remote(appliance: Running) -> Callable[[list[str]], None]:
    def wait(ids: list[str]) -> None:
        for archive_id in ids:
            wait_for(lambda each=archive_id: appliance.ask("archive/show", archive=each)["rung"] == "remote", 600.0, "it to be remote")  # type: ignore[misc]  # mypy does not see that the default fits

    return wait


def _of(where: str, messages: list[Message]) -> list[Figure]:
    times = [message.at_s for message in messages]
    topics: dict[str, list[float]] = defaultdict(list)
    for message in messages:
        topics[message.name].append(message.at_s)
    busiest = max(topics, key=lambda name: fullest_second(topics[name]))
    rest = ", ".join(f"{name.partition('/')[0]} {count}" for name, count in _by_kind(messages).most_common())
    return [
        Figure(name=f"{where}: fullest second", value=fullest_second(times), unit="messages", at_most=10),
        Figure(name="fullest second of a topic", value=fullest_second(topics[busiest]), unit="messages", at_most=2, note=_kind(busiest)),
        Figure(name="on average", value=len(times) / (times[-1] - times[0]), unit="messages/s", note=rest),
    ]


def _by_kind(messages: list[Message]) -> Counter[str]:
    return Counter(_kind(message.name) for message in messages)


def _kind(name: str) -> str:
    return name if name.startswith("appliance") else name.partition("/")[0]


def fullest_second(times_s: list[float]) -> int:
    """The most that lie within one second, wherever it begins; what is a second apart is not within one."""
    most = first = 0
    for last, at_s in enumerate(times_s):
        while at_s - times_s[first] >= 0.995:  # what was sent a second apart may arrive a little closer
            first += 1
        most = max(most, last - first + 1)
    return most


def _burst(appliance: Running, archives: int) -> tuple[list[Message], float]:
    appliance.ask("transfer/pause")
    ids = [appliance.hand_in(_MIB, f"picture-{number}.jpg") for number in range(archives)]
    appliance.wait_received(ids[-1])
    _NOW.wait(2)
    hearing = appliance.listen()
    _NOW.wait(2)
    hearing.messages.clear()
    start_s = perf_counter()
    appliance.ask("transfer/resume")
    _all_remote(appliance)(ids)
    took_s = perf_counter() - start_s
    _NOW.wait(2)
    messages = [message for message in hearing.messages if not message.retained]
    last = {message.name: json.loads(message.payload)["rung"] for message in messages if message.name.startswith("archive/")}
    assert all(last[f"archive/{archive_id}/state"] == "remote" for archive_id in ids), "the last value did not arrive"
    return messages, archives / took_s


def _of_burst(messages: list[Message], archives_per_s: float) -> list[Figure]:
    ids = {message.name for message in messages if message.name.startswith("archive/")}
    per = {kind: count / len(ids) for kind, count in _by_kind(messages).items()}
    note = f"{len(ids)} archives of 1 MiB, {archives_per_s:.0f} a second; " + ", ".join(f"{kind} {each:.2f}" for kind, each in per.items())
    return [Figure(name="a burst of small archives: messages an archive", value=sum(per.values()), unit="messages", note=note)]
