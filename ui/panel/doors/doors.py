"""The pages in front of the gate: sign in, claim a new appliance. Plain HTML that works without JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from nicegui import __version__ as nicegui_version
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ui.errors import Failed
from ui.panel.here import Panel
from ui.panel.person import Person
from ui.panel.sessions import COOKIE

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True)
_FONTS = f"/_nicegui/{nicegui_version}/static/fonts.css"
_MONTHS_S = 60 * 60 * 24 * 90


class Doors:
    """Each form is answered by a page with the appliance's words, or by a cookie and the way in."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    async def login_form(self, request: Request) -> Response:
        if not await self._claimed():
            return RedirectResponse("/claim", 303)
        return _shown("login.html", "Sign in", next=_inside(request.query_params.get("next")), name="")

    async def login(self, request: Request) -> Response:
        form = await request.form()
        name, way = str(form.get("name", "")), _inside(str(form.get("next", "")))
        try:
            signed_in = await self._panel.appliance.ask(
                "user/login", None, name=name, password=str(form.get("password", "")), **_from(request)
            )
        except Failed as error:
            return _shown("login.html", "Sign in", error=error, status=403, next=way, name=name)
        return _let_in(request, signed_in, way)

    async def claim_form(self, request: Request) -> Response:
        if await self._claimed():
            return RedirectResponse("/login", 303)
        return _shown("claim.html", "Welcome", code=request.query_params.get("code", ""), name="")

    async def claim(self, request: Request) -> Response:
        form = await request.form()
        given: dict[str, Any] = {key: str(form.get(key, "")) for key in ("code", "name", "password")}
        try:
            signed_in = await self._panel.appliance.ask("user/claim", None, **given, **_from(request))
        except Failed as error:
            return _shown("claim.html", "Welcome", error=error, status=403, code=given["code"], name=given["name"])
        return _let_in(request, signed_in, "/")

    async def logout(self, request: Request) -> Response:
        person = request.scope["state"]["person"]
        if isinstance(person, Person):
            self._panel.sessions.forget(person.session)
            try:
                await self._panel.appliance.ask("user/logout", person)
            except Failed as error:
                return _shown("login.html", "Sign out", error=error, status=503, next="/", name="")
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    async def _claimed(self) -> bool:
        try:
            return bool((await self._panel.appliance.ask("user/standing", None))["claimed"])
        except Failed:
            return True


def routes(panel: Panel) -> list[BaseRoute]:
    doors = Doors(panel)
    return [
        Route("/login", doors.login_form, methods=["GET"]),
        Route("/login", doors.login, methods=["POST"]),
        Route("/claim", doors.claim_form, methods=["GET"]),
        Route("/claim", doors.claim, methods=["POST"]),
        Route("/logout", doors.logout, methods=["POST"]),
    ]


def _shown(template: str, title: str, *, error: Failed | None = None, status: int = 200, **values: Any) -> Response:
    page = _TEMPLATES.get_template(template).render(title=title, error=str(error) if error else "", fonts=_FONTS, **values)
    return HTMLResponse(page, status)


def _inside(way: str | None) -> str:
    """A path of ours, never another site."""
    return way if way and way.startswith("/") and not way.startswith(("//", "/\\")) else "/"


def _from(request: Request) -> dict[str, Any]:
    return {"address": request.client.host if request.client else "", "agent": request.headers.get("user-agent", "")[:200]}


def _let_in(request: Request, signed_in: dict[str, Any], way: str) -> Response:
    answer = RedirectResponse(way, 303)
    answer.set_cookie(
        COOKIE, signed_in["session"], max_age=_MONTHS_S, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return answer
