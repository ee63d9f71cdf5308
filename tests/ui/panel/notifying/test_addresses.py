"""Addresses of services, from what people know."""

from __future__ import annotations

import apprise
import pytest

from ui.panel.notifying import addresses


def test_a_mail_account_becomes_an_address_that_apprise_reads_as_it_was_meant() -> None:
    url = addresses.mail(server="smtp.example.org", user="ada@example.org", password="p@ss:/?#word", to="ben@example.org, eve@example.org")
    read = apprise.Apprise.instantiate(url)
    assert read is not None
    assert (read.host, read.user, read.password) == ("smtp.example.org", "ada@example.org", "p@ss:/?#word")
    assert sorted(mail for _, mail in read.targets) == ["ben@example.org", "eve@example.org"]  # type: ignore[attr-defined]  # of its mail plugin


def test_ntfy_goes_to_the_public_server_where_none_is_named_and_in_the_clear_only_where_that_was_asked_for() -> None:
    assert addresses.ntfy(server="", topic="our archive") == "ntfys://ntfy.sh/our%20archive"
    assert addresses.ntfy(server="http://pi.local:8000/", topic="t", token="tk_1") == "ntfy://tk_1@pi.local:8000/t"


def test_a_webhook_keeps_its_path_and_its_query() -> None:
    assert addresses.webhook("https://example.org/a/b?key=1") == "jsons://example.org/a/b?key=1"
    assert addresses.webhook("http://10.0.0.2:8123") == "json://10.0.0.2:8123/"


@pytest.mark.parametrize(
    "made",
    [
        lambda: addresses.mail(server="", user="", password="", to="x@example.org"),
        lambda: addresses.mail(server="smtp.example.org", user="", password="", to=""),
        lambda: addresses.mail(server="smtp.example.org/?to=other", user="", password="", to="x@example.org"),
        lambda: addresses.ntfy(server="", topic=""),
        lambda: addresses.webhook("file:///etc/passwd"),
        lambda: addresses.webhook("example.org/hook"),
    ],
)
def test_what_is_no_address_is_refused_in_words(made: object) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        made()  # type: ignore[operator]  # a lambda
