"""Each row of the lamp's table, on the mock pins of a whole appliance that has no broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance import clock
from appliance.front_panel import power
from appliance.front_panel.pins import Pins
from mqtt.messages import Lamp
from tests.appliance.front_panel.bench import contains, wait_for_s
from tests.brokers import start_broker
from tests.conftest import MakeBroker
from tests.inside import Inside
from tests.waiting import at_best, wait_for

_MIB = 1 << 20
_SLACK_S = 0.09
_NEEDS_YOU = [
    ("sign_in_needed", "7c41d09e"), ("disk_full", "disk"), ("remote_full", "7c41d09e"), ("store_unavailable", "store"),
]  # fmt: skip


def pins_of(inside: Inside) -> Pins:
    pins = wait_for(lambda: inside.app.front_panel.board.pins, what="pins")
    assert pins
    assert pins.simulated
    return pins


def wait_for_lamp(inside: Inside, lamp: Lamp) -> str:
    """Until it shows that row, and why, in words."""
    wait_for(lambda: inside.app.front_panel.state().lamp == lamp, what=f"the lamp to say {lamp}")
    return inside.app.front_panel.state().lamp_reason


def blinks_fast(pins: Pins) -> None:
    wait_for(lambda: contains(pins.lamp_states, [(1, 0.1), (0, 0.1)] * 2, _SLACK_S / 2), what="fast blinking")


def blinks_each_second(pins: Pins) -> None:
    wait_for(lambda: contains(pins.lamp_states, [(1, 0.5), (0, 0.5)], _SLACK_S), what="blinking at 1 Hz")


def breathes(pins: Pins) -> None:
    def rises() -> bool:
        levels = [level for _, level in pins.lamp_states][-8:]
        return levels == sorted(levels) and all(0 < level < 1 for level in levels) and len(levels) == 8

    wait_for(rises, what="breath")


def is_steady(pins: Pins) -> None:
    wait_for(lambda: pins.lamp_states[-1][1] == 1, what="light")
    before = len(pins.lamp_states)
    wait_for_s(0.7)
    assert len(pins.lamp_states) == before


@contextmanager
def sending(tmp_path: Path) -> Iterator[Inside]:
    """Two MiB on their way, at 300 kB/s."""
    with Inside(tmp_path / "data", upload_limit_kb_per_s=300) as inside:
        inside.connect(tmp_path / "remote")
        inside.put(b"a" * 2 * _MIB)
        yield inside


@pytest.mark.parametrize(("code", "about"), _NEEDS_YOU)
def test_it_blinks_fast_while_somebody_is_needed(tmp_path: Path, code: str, about: str) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.app.problems.raise_(code, about, "this is wrong", "do that", needs_you=True)
        assert wait_for_lamp(inside, "needs_you") == "this is wrong; do that"
        blinks_fast(pins_of(inside))
        inside.app.problems.clear(code, about)
        wait_for_lamp(inside, "waiting")


def test_it_blinks_fast_while_data_are_damaged_even_where_they_are_mended_by_themselves(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "remote")
        archive_id = inside.put(b"a" * 1000)
        inside.wait_remote(archive_id)
        inside.ask("transfer/pause")  # so that it is not mended at once
        Path(inside.ask("archive/locate", archive=archive_id)["path"]).write_bytes(b"b" * 1000)
        inside.job("integrity/verify", local=True)
        assert "damaged" in wait_for_lamp(inside, "needs_you")
        blinks_fast(pins_of(inside))
        inside.ask("transfer/resume")
        wait_for_lamp(inside, "idle")


def test_it_blinks_once_a_second_while_something_moves(tmp_path: Path) -> None:
    with sending(tmp_path) as inside:
        assert wait_for_lamp(inside, "transferring") == "files are on their way to the remote"
        blinks_each_second(pins_of(inside))


def test_it_is_steady_during_a_pause(tmp_path: Path) -> None:
    with sending(tmp_path) as inside:
        inside.ask("transfer/pause")
        wait_for(lambda: "paused" in wait_for_lamp(inside, "waiting"), what="the words of the pause")
        is_steady(pins_of(inside))


def test_it_is_steady_while_the_timetable_closes_the_line(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", timetable="daily 00:00-24:00 pause") as inside:
        inside.connect(tmp_path / "remote")
        inside.put(b"a")
        wait_for(lambda: "timetable" in wait_for_lamp(inside, "waiting"), what="the timetable's words")
        is_steady(pins_of(inside))


def test_it_is_steady_while_the_remote_is_away(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "remote")
        (tmp_path / "remote").rename(tmp_path / "unplugged")
        inside.put(b"a")
        wait_for(lambda: "remote_away" in inside.problems(), what="the line to be closed")
        wait_for_lamp(inside, "waiting")
        is_steady(pins_of(inside))


def test_it_breathes_while_everything_is_remote_and_is_dark_when_the_appliance_has_stopped(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "remote")
        inside.wait_remote(inside.put(b"a"))
        assert wait_for_lamp(inside, "idle") == "everything is remote"
        breathes(pins_of(inside))
        pin = pins_of(inside)._lamp.pin
    assert (pin.state, pin.function) == (0, "input")
    assert inside.app.front_panel.state().lamp == "off"
    last = inside.outbox.retained[next(topic for topic in inside.outbox.retained if topic.endswith("frontpanel/state"))]
    assert b'"lamp":"off"' in last


def test_the_first_row_that_is_true_is_shown(tmp_path: Path) -> None:
    with sending(tmp_path) as inside:
        wait_for_lamp(inside, "transferring")
        inside.app.problems.raise_("disk_full", "disk", "full", "free some", needs_you=True)
        wait_for_lamp(inside, "needs_you")
        inside.ask("transfer/pause")
        wait_for(lambda: not inside.app.engine.moving, what="the pause")
        assert inside.app.front_panel.state().lamp == "needs_you"
        inside.app.problems.clear("disk_full", "disk")
        wait_for_lamp(inside, "waiting")


def test_what_does_not_need_anybody_does_not_blink_fast(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.app.problems.raise_("disk_low", "disk", "low", "free some", needs_you=False)
        wait_for_s(0.7)
        assert inside.app.front_panel.state().lamp == "waiting"


def test_lamp_and_button_go_on_when_the_broker_has_died(tmp_path: Path, make_broker: MakeBroker) -> None:
    broker = start_broker("embedded")
    client = make_broker(broker.address)
    inside = Inside(tmp_path / "data", upload_limit_kb_per_s=300)
    inside.outbox.publish = client.publish  # type: ignore[method-assign]  # a real client in its place
    with inside:
        inside.connect(tmp_path / "remote")
        broker.stop()
        inside.put(b"a" * 2 * _MIB)
        wait_for_lamp(inside, "transferring")
        pins = pins_of(inside)
        blinks_each_second(pins)
        assert at_best(lambda: _answered_in_s(inside), 0.2) < 0.2
        pins.push(closed=True)
        wait_for_s(3.1)
        pins.push(closed=False)
        wait_for(lambda: inside.app.engine.paused, what="the pause")
        wait_for_lamp(inside, "waiting")
    with Inside(tmp_path / "data") as again:
        assert again.app.engine.paused


def test_the_button_is_answered_while_the_engine_is_busy(tmp_path: Path) -> None:
    """The engine's own lock is held meanwhile: whoever had to wait for it could not answer in time."""
    with sending(tmp_path) as inside:
        wait_for_lamp(inside, "transferring")
        free = threading.Event()

        def be_busy() -> None:
            with inside.app.engine._wake:
                free.wait(60)

        busy = threading.Thread(target=be_busy)
        busy.start()
        try:
            assert at_best(lambda: _answered_in_s(inside), 0.2) < 0.2
        finally:
            free.set()
            busy.join()
        wait_for(lambda: inside.ask("frontpanel/history")["presses"], what="what the presses asked for, as soon as it can be done")


def _answered_in_s(inside: Inside) -> float:
    pins = pins_of(inside)
    wait_for(lambda: pins.lamp_states[-1] and pins.lamp_states[-1][1] == 1, what="light")
    pressed_s = clock.monotonic_s()
    pins.push(closed=True)
    wait_for(lambda: inside.app.front_panel.board.is_down, what="the press")
    wait_for_s(0.3)
    pins.push(closed=False)
    wait_for(lambda: not inside.app.front_panel.board.is_down, what="the release")
    changes = [at_s for at_s, level in inside.app.front_panel._history._levels if at_s >= pressed_s and level == 1]
    return min(changes, default=float("inf")) - pressed_s


def test_a_short_press_ends_every_back_off_but_not_what_the_remote_has_asked_for(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "remote")
        lines = inside.app.engine.lines
        far_s = clock.monotonic_s() + 1000
        for way, is_told in ((None, False), ("told", True)):
            line = lines._lines["elsewhere", way]  # type: ignore[index]  # two lines of a connection that is not there
            line.attempts, line.closed_until_s, line.told_to_wait = 1, far_s, is_told
        inside.ask("frontpanel/press")
        wait_for(lambda: sorted(lines.openings_s()) == [0.0, far_s], what="the back-off to end")
        press = inside.ask("frontpanel/history")["presses"][0]
        assert (press["step"], press["done"], press["result"]) == ("sync", True, "everything that waited is tried again")


@pytest.mark.parametrize(("status", "words"), [(0, None), (1, "Interactive authentication required")])
def test_the_shutdown_asks_systemd_and_says_why_it_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, words: str | None
) -> None:
    said = tmp_path / "said"
    stand_in = tmp_path / "systemctl"
    stand_in.write_text(f'#!/bin/sh\necho "$@" > {said}\necho "{words or ""}" >&2\nexit {status}\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    if words:
        with pytest.raises(power.CannotShutDown, match=f"{words}; the user of the appliance needs the polkit rule"):
            power.shut_down()
    else:
        power.shut_down()
    assert said.read_text().split() == ["--no-ask-password", "--no-wall", "poweroff"]


def test_without_systemd_the_shutdown_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(power.CannotShutDown, match="systemctl"):
        power.shut_down()
