"""Ten thousand hostile messages on everything that the appliance subscribes to: it goes on, answers, and changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.catalog.journal import CatalogDB
from mqtt.text import harmless
from mqtt.topics import Topics
from tests.brokers import BrokerProcess, Embedded
from tests.contract.hostile import Generator, Hostile
from tests.contract.recorder import Recorder
from tests.processes import House
from tests.waiting import wait_for

MESSAGES = int(os.environ.get("PYARCHIVE_TEST_FUZZ_MESSAGES", "10000"))
BURST = 100
MOST_GROWTH_BYTES = 64 << 20
PROMPT_S = 5.0
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR) +[\w.-]+: ")


class Attacked:
    """An appliance, and what it must keep."""

    def __init__(self, house: House, recorder: Recorder, filters: Path, copies: Path) -> None:
        self.house = house
        self.recorder = recorder
        self.filters = filters.read_text().split()
        self._copies = copies

    def send(self, messages: list[Hostile]) -> None:
        """And wait until all that have to be answered are, with an error, and a good request is answered soon."""
        for message in messages:
            self.house.client.publish(message.topic, message.payload, retain=message.retain)
        due = {message.transaction for message in messages if message.transaction}
        asked_s = time.monotonic()
        self.house.requester.request("recovery/state", {}, PROMPT_S)
        assert time.monotonic() - asked_s < PROMPT_S
        wait_for(lambda: due <= self.answers.keys(), what=f"{due - self.answers.keys()} to be answered")

    @property
    def answers(self) -> dict[str, Any]:
        found = {}
        for topic, payload in self.recorder.heard():
            if "/response/" in topic:
                answer = json.loads(payload)
                found[answer["transaction"]] = answer
        return found

    def kept(self) -> Any:
        """What must be the same before and after: by asking, and on the disk."""
        asked = [self.house.ask(verb) for verb in ("archive/list", "connection/list", "settings/get", "transfer/list", "recovery/state")]
        return asked, self.house.ask("integrity/tombstones"), self._files(), self._catalog()

    def _files(self) -> dict[str, str]:
        data = self.house.data
        grow = {data / "catalog", data / "log"}
        found = [path for path in data.rglob("*") if path.is_file() and not grow.intersection(path.parents)]
        return {str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def _catalog(self) -> Any:
        """But for the clock, which goes on, and wrong tries, which are counted."""
        copy = self._copies / secrets.token_hex(4)
        shutil.copytree(self.house.data / "catalog", copy)
        db = CatalogDB.open(copy)
        tables = {name: dict(db.table(name).items()) for name in db.tables() - {"clock", "tries", "audit"}}
        db.close()
        return tables

    @property
    def rss_bytes(self) -> int:
        assert self.house.process is not None
        return int(psutil.Process(self.house.process.pid).memory_info().rss)

    def check_log(self) -> None:
        text = self.house.log.read_text()
        assert "Traceback" not in text, text[text.index("Traceback") :][:3000]
        wrong = [line for line in text.split("\n")[:-1] if not LINE.match(line) or harmless(line) != line or len(line) > 4200]
        assert wrong == []


@pytest.fixture
def attacked(mortal_broker: BrokerProcess, topics: Topics, tmp_path: Path) -> Iterator[Attacked]:
    filters = tmp_path / "filters"
    command = ["-m", "tests.contract.overheard_appliance", str(filters)]
    with (
        Recorder(mortal_broker.address, topics) as recorder,
        House(tmp_path, command, at=mortal_broker.address, topics=topics, log_level="warning") as house,
    ):
        wait_for(lambda: house.seen.get(topics.availability) == b"online")
        house.connect()
        house.wait_remote(house.put(b"x" * 1000))
        (tmp_path / "copies").mkdir()
        under_attack = Attacked(house, recorder, filters, tmp_path / "copies")
        wait_for(lambda: "last_sync_at" in str(under_attack.kept()), what="the last sync to be kept")
        wait_for(lambda: topics("frontpanel/state") in recorder.retained_now(), what="the lamp to be told")
        wait_for(lambda: not [topic for topic in recorder.retained_now() if "/transfer/" in topic], what="the slots to be cleared")
        yield under_attack


def test_ten_thousand_hostile_messages_change_nothing(attacked: Attacked, mortal_broker: BrokerProcess) -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}, filters {attacked.filters}")
    generator = Generator(seed, attacked.filters, control=isinstance(mortal_broker, Embedded))
    before, told = attacked.kept(), attacked.recorder.retained_now()
    attacked.send([generator.message() for _ in range(BURST)])
    rss_bytes = attacked.rss_bytes
    for _ in range(MESSAGES // BURST):
        attacked.send([generator.message() for _ in range(BURST)])
    assert attacked.rss_bytes - rss_bytes < MOST_GROWTH_BYTES
    assert attacked.kept() == before
    attacked.check_log()
    mortal_broker.stop()
    mortal_broker.start()
    wait_for(lambda: attacked.recorder.retained_now().keys() == told.keys(), 30)
    assert attacked.house.seen[attacked.house.topics.availability] == b"online"
    assert attacked.kept() == before


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
PAYLOADS = st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps({"transaction": "h", "unknown": value}).encode())


def test_what_hypothesis_makes_up_changes_nothing(attacked: Attacked) -> None:
    before = attacked.kept()
    generator = Generator(0, attacked.filters, control=False)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.sampled_from(attacked.filters), PAYLOADS, st.booleans()), max_size=20))
    def attack(made_up: list[tuple[str, bytes, bool]]) -> None:
        attacked.send([Hostile(generator.topic(topic_filter), payload, retain) for topic_filter, payload, retain in made_up])

    attack()
    assert attacked.kept() == before
    attacked.check_log()
