"""Wrong passwords: on a house of their own, where the wait that they cost keeps nobody else out."""

from __future__ import annotations

from tests.browser.conftest import Visit
from tests.panels import PASSWORD
from tests.processes import House


def test_wrong_passwords_are_answered_alike_and_cost_a_wait(visit: Visit, house: House, admin: str) -> None:
    assert admin
    house.ask("user/add", name="gus", role="member", password=PASSWORD)
    page = visit().page

    def attempt(name: str, password: str) -> str:
        page.goto("/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        return page.get_by_role("alert").inner_text()

    assert attempt("nobody-here", "wrong wrong") == attempt("gus", "wrong wrong")
    said = [attempt("gus", f"wrong {number}") for number in range(5)]
    assert any("too many wrong tries; try again in" in words.lower() for words in said), said
    assert PASSWORD not in page.content()
