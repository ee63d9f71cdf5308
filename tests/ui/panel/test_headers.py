"""What the answers tell the browser."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.ui.panel.conftest import Lived
from ui.panel.headers import SecureHeaders


async def _plain(_request: Request) -> Response:
    return PlainTextResponse("ok", headers={"Cache-Control": "private", "Content-Security-Policy": "sandbox"})


def _headers(url: str) -> dict[str, str]:
    async def ask() -> dict[str, str]:
        app = SecureHeaders(Starlette(routes=[Route("/", _plain)]))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url) as client:
            return dict((await client.get("/")).headers)

    return asyncio.run(ask())


def test_what_an_answer_says_itself_stays() -> None:
    headers = _headers("http://pi")
    assert (headers["cache-control"], headers["content-security-policy"]) == ("private", "sandbox")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("url", "insists"),
    [("https://pi", True), ("https://[fd00::7]", True), ("https://pi:8443", False), ("http://pi", False), ("http://pi:443", False)],
)
def test_only_the_web_server_of_a_name_insists_on_tls_for_it(url: str, insists: bool) -> None:
    assert ("strict-transport-security" in _headers(url)) is insists


def test_every_script_in_a_page_carries_the_nonce_of_this_answer_alone(lived: Lived) -> None:
    nonces = set()
    for _ in range(2):
        answer = lived.ask("GET", "/", lived.ada)
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert nonce
        for tag in re.findall(r"<script[^>]*>", answer.content):
            assert f'nonce="{nonce[1]}"' in tag or 'src="/static/' in tag, tag
        nonces.add(nonce[1])
    assert len(nonces) == 2
