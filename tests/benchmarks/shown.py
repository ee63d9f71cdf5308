"""How long what the appliance says takes until an open page shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import time
from typing import Any

from playwright.sync_api import Page

from mqtt.client import Broker
from mqtt.topics import Topics
from ui.words import size

# Each change of the line of what moves, with its time; the clock is the one of the messages. Not when it was drawn: twenty pages that
# are all in view, drawn without a graphics card on the same cores, are nobody's.
_WATCH = """() => { window.shown = []; const note = () => { const foot = document.querySelector('.pa-moving-foot');
  if (foot) window.shown.push([Date.now() / 1000, foot.textContent]); };
  new MutationObserver(note).observe(document.querySelector('.pa-moving'),
    {subtree: true, childList: true, characterData: true}); }"""


@dataclass
class Said:
    """What a slot said, and when it came to a subscriber (wall clock)."""

    heard: list[tuple[float, str]] = field(default_factory=list)

    def listen(self, client: Broker, topics: Topics) -> None:
        client.subscribe(topics("transfer/0/state"), self._take)

    def _take(self, _topic: str, payload: bytes, retained: bool) -> None:
        if payload and not retained:
            self.heard.append((time(), _words(json.loads(payload))))


def _words(transfer: dict[str, Any]) -> str:
    """As the page puts it: which part, then how much of it."""
    index, total = transfer["batch_index"], transfer["batches_total"]
    part = "Description" if index is None else f"Batch {index + 1:,} of {total:,}"
    return f"{part} to disk{size(transfer['done_bytes'])} of {size(transfer['size_bytes'])}"


def watch(pages: Sequence[Page]) -> None:
    for page in pages:
        page.evaluate(_WATCH)


def latencies_s(pages: Sequence[Page], said: Said) -> list[float]:
    """Of each message on each page: to when it, or what was said after it, first stood there. Without those of the last second."""
    heard = [one for one in said.heard if one[0] < said.heard[-1][0] - 1]
    places = {words: place for place, (_, words) in enumerate(said.heard)}
    found: list[float] = []
    for page in pages:
        drawn = [(at_s, places[words]) for at_s, words in page.evaluate("window.shown") if words in places]
        for place, (at_s, _) in enumerate(heard):
            found.append(next((shown_s - at_s for shown_s, shown in drawn if shown >= place), float("inf")))
    return [max(0.0, one) for one in found]
