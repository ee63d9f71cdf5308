"""What is said before `online`, and what may come after it."""

from __future__ import annotations

from pathlib import Path

from tests.inside import Inside, Outbox
from tests.waiting import wait_for


class Ordered(Outbox):
    """Keeps the order of retained messages, too."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        super().publish(topic, payload, retain=retain)
        if retain:
            self.order.append(topic.split("/", 2)[2])


def reconnected(inside: Inside) -> Ordered:
    """What is published after the broker came back, until the whole of it is."""
    assert inside.app.reporter is not None
    outbox = inside.app.reporter._broker = Ordered()
    inside.app.reporter.publish_all_again()
    return outbox


def test_what_is_at_risk_is_said_before_online_and_safe_archives_follow(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "remote")
        safe = inside.put(b"safe")
        inside.wait_remote(safe)
        inside.ask("transfer/pause")
        at_risk = inside.put(b"at risk")
        assert inside.app.reporter is not None
        inside.app.reporter.stop(5)  # its rounds are made here, so that no change of before is told in between
        inside.app.reporter._round()
        outbox = reconnected(inside)
        for _ in range(2):
            inside.app.reporter._round()
        online = outbox.order.index("availability")
        assert outbox.order.index("appliance/state") < online
        assert outbox.order.index(f"archive/{at_risk}/state") < online < outbox.order.index(f"archive/{safe}/state")


def test_a_report_that_fails_once_does_not_keep_online_from_being_said(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        assert inside.app.reporter is not None
        failed: list[int] = []

        def fail_once() -> None:
            if not failed:
                failed.append(1)
                raise RuntimeError("as a bug would")

        inside.app.reporter.on_tick(fail_once)
        outbox = reconnected(inside)
        wait_for(lambda: "availability" in outbox.order, what="online to be said")
        assert failed
