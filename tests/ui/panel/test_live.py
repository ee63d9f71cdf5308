"""What the panel knows of the appliance: bursts are one update, topics are followed as long as somebody shows them, and away is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from tests.brokers import BrokerProcess
from tests.conftest import MakeBroker
from ui.panel.live import Live


@asynccontextmanager
async def living(broker: Broker, topics: Topics) -> AsyncIterator[Live]:
    live = Live(broker, topics)
    live.start()
    broker.start()
    try:
        yield live
    finally:
        live.stop()


def on_a_loop(run: Coroutine[Any, Any, None]) -> None:
    """On a thread of its own: a browser of another test may keep a loop on this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run).result()


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(750):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited 15 s for {what}")


class Speaker:
    """The appliance's side."""

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker = broker
        self._topics = topics

    def say(self, name: str, content: Any, *, retain: bool = True) -> None:
        self._broker.publish(
            self._topics(name), content.encode() if isinstance(content, str) else json.dumps(content).encode(), retain=retain
        )

    def forget(self, name: str) -> None:
        self._broker.clear(self._topics(name))


def test_a_burst_is_one_update_of_a_page_and_its_end_is_never_lost(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    async def run() -> None:
        speaker = Speaker(make_broker(broker_address), topics)
        async with living(make_broker(broker_address, start=False), topics) as live:
            told: list[Any] = []
            following = live.follow(["transfer/+/state"], lambda: told.append(live.get("transfer/1/state")))
            for done in range(300):
                speaker.say("transfer/1/state", {"done": done})
            await until(lambda: told and told[-1] == {"done": 299}, "the last of the burst to be told")
            assert len(told) < 40
            following.end()
            speaker.say("transfer/1/state", {"done": 300})
            await until(lambda: live.get("transfer/1/state") == {"done": 300}, "the message to come")
            await asyncio.sleep(0.3)
            assert told[-1] == {"done": 299}

    on_a_loop(run())


def test_a_stream_hands_over_all_that_came_in_its_order_and_a_failing_page_disturbs_no_other(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    async def run() -> None:
        speaker = Speaker(make_broker(broker_address), topics)
        async with living(make_broker(broker_address, start=False), topics) as live:
            heard: list[Any] = []
            live.stream("event", lambda _: 1 / 0)  # type: ignore[arg-type]  # it is to fail
            live.stream("event", heard.extend)
            await until(lambda: live.away == "appliance", "the broker to be there")
            for number in range(200):
                speaker.say("event", {"number": number}, retain=False)
            await until(lambda: len(heard) >= 200, "the events to come")
            assert [one["number"] for one in heard] == list(range(200))
            assert live.get("event") is None

    on_a_loop(run())


def test_safe_mode_is_known_by_its_problem(broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker) -> None:
    async def run() -> None:
        speaker = Speaker(make_broker(broker_address), topics)
        async with living(make_broker(broker_address, start=False), topics) as live:
            for problems in ([{"code": "disk_full"}, {"code": "safe_mode"}], []):
                speaker.say("appliance/state", {"problems": problems})
                await until(lambda: live.get("appliance/state") == {"problems": problems}, "the state to come")  # noqa: B023 - waited for within the turn
                assert live.in_safe_mode == bool(problems)

    on_a_loop(run())


def test_an_archive_is_known_as_long_as_a_page_shows_it_and_shown_anew_to_the_next(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    async def run() -> None:
        speaker = Speaker(make_broker(broker_address), topics)
        name = "archive/abcd1234/state"
        speaker.say(name, {"title": "first"})
        async with living(make_broker(broker_address, start=False), topics) as live:
            first, second = live.follow([name], lambda: None), live.follow([name], lambda: None)
            await until(lambda: live.get(name) == {"title": "first"}, "the retained message to come")
            first.end()
            first.end()
            speaker.say(name, {"title": "second"})
            await until(lambda: live.get(name) == {"title": "second"}, "the one that still looks to be told")
            second.end()
            assert live.get(name) is None
            speaker.say(name, {"title": "third"})
            speaker.say("appliance/state", {"mark": 1})
            await until(lambda: live.get("appliance/state"), "what came after it")
            assert live.get(name) is None
            assert live.below("archive/") == {}
            live.follow([name], lambda: None)
            await until(lambda: live.get(name) == {"title": "third"}, "the newest, to who looks again")
            speaker.forget(name)
            await until(lambda: live.get(name) is None, "its removal")

    on_a_loop(run())


def test_what_was_on_its_way_when_the_last_page_closed_does_not_stay(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    async def run() -> None:
        async with living(make_broker(broker_address, start=False), topics) as live:
            name = "archive/abcd1234/state"
            following = live.follow([name], lambda: None)
            live._take(topics(name), b'{"title": "late"}', False)  # handed over on the next turn of the loop
            following.end()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert live.below("archive/") == {}

    on_a_loop(run())


def test_a_broker_or_an_appliance_that_is_away_is_said_and_all_comes_back(
    mortal_broker: BrokerProcess, topics: Topics, make_broker: MakeBroker
) -> None:
    async def run() -> None:
        speaker = Speaker(make_broker(mortal_broker.address), topics)
        async with living(make_broker(mortal_broker.address, start=False), topics) as live:
            said: list[str | None] = []
            live.follow(["away"], lambda: said.append(live.away))
            speaker.say("availability", "online")
            await until(lambda: live.online, "the appliance to be there")
            mortal_broker.stop()
            await until(lambda: live.away == "broker", "the broker to be missed")
            mortal_broker.start()
            speaker.say("availability", "online")
            await until(lambda: live.online, "all to be well again")
            speaker.say("availability", "offline")
            await until(lambda: live.away == "appliance", "the appliance to be missed")
            await until(lambda: said and said[-1] == "appliance", "pages to be told")
            assert "broker" in said

    on_a_loop(run())


def test_what_nobody_follows_any_more_is_forgotten_and_what_others_follow_stays(
    broker_address: BrokerAddress, topics: Topics, make_broker: MakeBroker
) -> None:
    async def run() -> None:
        speaker = Speaker(make_broker(broker_address), topics)
        async with living(make_broker(broker_address, start=False), topics) as live:
            everything = live.follow(["script/+/state"], lambda: None)
            one = live.follow(["script/a/state"], lambda: None)
            await until(lambda: live.away != "broker", "the broker")
            for name in ("script/a/state", "script/b/state", "availability"):
                speaker.say(name, {"of": name})
            await until(lambda: len(live.below("script/")) == 2 and live.get("availability"), "what was said")
            everything.end()
            assert list(live.below("script/")) == ["script/a/state"]
            one.end()
            assert live.below("script/") == {}
            assert live.get("availability")

    on_a_loop(run())
