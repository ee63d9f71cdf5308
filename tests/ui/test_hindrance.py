"""Which problems end a waiting."""

from __future__ import annotations

from typing import Any

import pytest

from ui import hindrance
from ui.errors import Failed
from ui.hindrance import Hindrance


class Known:
    """A mirror with what is put into it."""

    def __init__(self, problems: list[dict[str, Any]], active: str | None = "c1") -> None:
        self.online = True
        self.state = {"problems": problems, "active_connection": {"id": active} if active else None}

    def follow(self, *_names: str) -> None: ...

    def get(self, _name: str) -> Any:
        return self.state


def problem(about: str, *, needs_you: bool = True) -> dict[str, Any]:
    return {"code": "x", "about": about, "message": f"trouble with {about}", "next_step": "mend it", "needs_you": needs_you}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hindrance, "_STANDS_AFTER_S", 0.0)


@pytest.mark.parametrize("about", ["a1", "c1", "store", "transfer-store"])
def test_an_upload_ends_on_a_problem_of_its_archive_its_connection_or_the_store(about: str) -> None:
    with pytest.raises(Failed, match=f"it waits: trouble with {about}; mend it"):
        Hindrance(Known([problem(about)])).check_upload("it waits", "a1")  # type: ignore[arg-type]  # as much of a mirror as is asked


@pytest.mark.parametrize("other", [problem("a2"), problem("c2"), problem("disk"), problem("a1", needs_you=False)])
def test_other_problems_and_those_that_pass_do_not_end_it(other: dict[str, Any]) -> None:
    Hindrance(Known([other])).check_upload("it waits", "a1")  # type: ignore[arg-type]  # as above


def test_without_an_active_connection_nothing_can_be_waited_for() -> None:
    with pytest.raises(Failed, match="connection add"):
        Hindrance(Known([], active=None)).check_upload("it waits", "a1")  # type: ignore[arg-type]  # as above


def test_a_restore_goes_on_while_one_of_its_connections_works() -> None:
    Hindrance(Known([problem("c1")])).check("it waits", {"a1"}, {"c1", "c2"})  # type: ignore[arg-type]  # as above
    with pytest.raises(Failed):
        Hindrance(Known([problem("c1"), problem("c2")])).check("it waits", {"a1"}, {"c1", "c2"})  # type: ignore[arg-type]  # as above


def test_what_an_appliance_said_that_is_not_online_does_not_count() -> None:
    mirror = Known([problem("a1")])
    mirror.online = False
    Hindrance(mirror).check_upload("it waits", "a1")  # type: ignore[arg-type]  # as above


def test_only_what_goes_on_standing_ends_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hindrance, "_STANDS_AFTER_S", 3600.0)
    Hindrance(Known([problem("a1")])).check_upload("it waits", "a1")  # type: ignore[arg-type]  # as above
