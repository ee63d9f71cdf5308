"""The pages in front of the gate: sign in, claim a new appliance, register. Plain HTML that works without JavaScript."""

from __future__ import annotations

import contextlib
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ui.errors import Failed, Silent
from ui.panel.doors.entering import from_browser, inside, let_in
from ui.panel.doors.rendering import shown
from ui.panel.here import Panel
from ui.panel.person import Person
from ui.panel.sessions import COOKIE

_STATUS = {"too_many_tries": 429, "away": 503}
_NOBODY_KNOWN = {"claimed": True, "registration": "invitation"}


class Doors:
    """Each form is answered by its page with the appliance's words, or by a cookie and the way in."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    async def login_form(self, request: Request) -> Response:
        standing, away = await self._standing()
        if not standing["claimed"]:
            return RedirectResponse("/claim", 303)
        way = inside(request.query_params.get("next"))
        return shown("login.html", "Sign in", next=way, name="", registration=standing["registration"], away=away)

    async def login(self, request: Request) -> Response:
        form = await _form(request, "name", "password", "next")
        way = inside(form.pop("next"))
        try:
            signed_in = await self._ask("user/login", request, form)
        except Failed as error:
            return shown("login.html", "Sign in", error=error, status=_status(error), next=way, name=form["name"])
        return let_in(request, signed_in, way)

    async def claim_form(self, request: Request) -> Response:
        standing, _ = await self._standing()
        if standing["claimed"]:
            return RedirectResponse("/login", 303)
        return shown("claim.html", "Welcome", code=request.query_params.get("code", ""))

    async def claim(self, request: Request) -> Response:
        form = await _form(request, "code", "name", "display_name", "password")
        try:
            signed_in = await self._ask("user/claim", request, form)
        except Failed as error:
            return shown("claim.html", "Welcome", error=error, status=_status(error), **_without_password(form))
        return let_in(request, signed_in, "/welcome")

    async def register_form(self, request: Request) -> Response:
        standing, _ = await self._standing()
        if not standing["claimed"]:
            return RedirectResponse("/claim", 303)
        code = request.query_params.get("code", "")
        return shown("register.html", "Make an account", code=code, by_invitation=standing["registration"] != "open")

    async def register(self, request: Request) -> Response:
        form = await _form(request, "code", "name", "display_name", "password")
        try:
            signed_in = await self._ask("user/register", request, {**form, "code": form["code"] or None})
        except Failed as error:
            standing, _ = await self._standing()
            return shown(
                "register.html", "Make an account", error=error, status=_status(error),
                by_invitation=standing["registration"] != "open", **_without_password(form),
            )  # fmt: skip
        return let_in(request, signed_in, "/")

    async def logout(self, request: Request) -> Response:
        """The cookie goes in any case; an appliance that is away ends the session by its age."""
        person = request.scope["state"]["person"]
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, path="/")
        if isinstance(person, Person):
            self._panel.sessions.forget(person.session)
            with contextlib.suppress(Failed):
                await self._panel.appliance.ask("user/logout", person)
        return answer

    async def _ask(self, verb: str, request: Request, form: dict[str, Any]) -> Any:
        return await self._panel.appliance.ask(verb, None, **{**form, **from_browser(request)})

    async def _standing(self) -> tuple[dict[str, Any], str]:
        """And why it is not known, in words."""
        try:
            return await self._panel.appliance.ask("user/standing", None), ""
        except Silent:
            return _NOBODY_KNOWN, "The appliance is not there at the moment. Signing in works again when it is back."


def routes(panel: Panel) -> list[BaseRoute]:
    doors = Doors(panel)
    return [
        Route("/login", doors.login_form, methods=["GET"]),
        Route("/login", doors.login, methods=["POST"]),
        Route("/claim", doors.claim_form, methods=["GET"]),
        Route("/claim", doors.claim, methods=["POST"]),
        Route("/register", doors.register_form, methods=["GET"]),
        Route("/register", doors.register, methods=["POST"]),
        Route("/logout", doors.logout, methods=["POST"]),
    ]


async def _form(request: Request, *names: str) -> dict[str, Any]:
    """Fields that were not sent are empty; files are no text and count as not sent."""
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value if isinstance(value := form.get(name, ""), str) else "" for name in names}


def _without_password(form: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in form.items() if name != "password"}


def _status(error: Failed) -> int:
    return _STATUS.get(error.code, 403)
