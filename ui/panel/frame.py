"""What every page has around it: navigation, banners, who is signed in, the theme."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nicegui import Client, ui
from starlette.requests import Request
from starlette.responses import Response

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.navigation import Place, places_for
from ui.panel.person import Person

Build = Callable[..., Awaitable[None] | None]
_SAFE_MODE = "After repeated crashes nothing is taken in or moved. An admin ends that on the Overview; the log may say why it crashed."
_AWAY = {
    "broker": "The message broker is not there. What you see may be old; this page goes on by itself when it is back.",
    "appliance": "The appliance is not there. What you see may be old; this page goes on by itself when it is back.",
    "starting": "The panel is just starting.",
}
_BUILD_TIMEOUT_S = 15.0
_THEMES = {"light": False, "dark": True}


def page(path: str, *, title: str, admin: bool = False, heading: bool = True) -> Callable[[Build], Build]:
    """A page in the frame. The function builds the content; its parameters are those of the path.

    ``admin``: for admins only. ``heading``: False where the page makes its own, of what it shows.
    """

    def decorate(build: Build) -> Build:
        @functools.wraps(build)
        async def shown(*args: Any, **kwargs: Any) -> None:
            person = here.person()
            with _frame(title if heading else None, path, person):
                if admin and not person.admin:
                    ui.context.client.status_code = 403
                    parts.empty("lock", "This page is for admins", "Ask an admin of this appliance if you need something here.")
                else:
                    await _built(build, *args, **kwargs)

        shown.__signature__ = inspect.signature(build)  # type: ignore[attr-defined]  # FastAPI reads the path's parameters from it
        ui.page(path, title=f"{title} · PyArchive", response_timeout=_BUILD_TIMEOUT_S)(shown)
        return shown

    return decorate


async def _built(build: Build, *args: Any, **kwargs: Any) -> None:
    """An appliance that is away when the page is asked for is said on the page, which is built again when it is back."""
    try:
        result = build(*args, **kwargs)
        if inspect.isawaitable(result):
            await result
    except Failed as error:
        parts.empty("cloud_off", "This could not be loaded", parts.sentence(error))
        if error.code == "away":
            here.follow(["away"], lambda: ui.navigate.reload() if here.live().online else None)


def failed_page() -> None:
    """Instead of a page that could not be built; the panel's log has the cause."""
    with _frame("Something went wrong", "", here.person()):
        parts.empty("error_outline", "This page could not be shown", "The panel's log says why. Go back, or load the page again.")


async def no_such_page(request: Request, _error: Exception) -> Response:
    """In the frame, with status 404."""
    with Client(ui.page(""), request=request) as client, _frame("Not found", "", here.person()):
        parts.empty(
            "search_off", "There is no such page", "The address may be old, or mistyped. Everything there is stands in the navigation."
        )
    return client.build_response(request, 404)


@contextmanager
def _frame(title: str | None, path: str, person: Person) -> Iterator[None]:
    theme = ui.context.client.request.cookies.get("pyarchive_theme", "")
    ui.dark_mode(_THEMES.get(theme))
    ui.add_head_html(HEAD)
    _one_main()
    with ui.element("div").classes("pa-shell"):
        _skip_link()
        _side_bar(path, person)
        with ui.element("main").classes("pa-main").props('id="content" tabindex="-1"'):
            _banners()
            if title:
                with ui.element("header").classes("pa-head"):
                    parts.text(title, "h1").classes("pa-title")
            yield
        _bottom_bar(path, person)


HEAD = (
    '<link rel="stylesheet" href="/static/panel.css"><link rel="stylesheet" href="/static/overview.css">'
    '<link rel="stylesheet" href="/static/front-panel.css">'
    '<script src="/static/panel.js"></script><script src="/static/front-panel.js"></script>'
    '<link rel="manifest" href="/manifest.webmanifest"><link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
    '<link rel="apple-touch-icon" href="/static/icon-192.png">'
    '<meta name="theme-color" content="#f5f7f7" media="(prefers-color-scheme: light)">'
    '<meta name="theme-color" content="#0f1415" media="(prefers-color-scheme: dark)">'
)


def _one_main() -> None:
    """Quasar's page says of itself that it is the main part; ours is, without the navigation."""
    slot = ui.context.client.content.parent_slot
    if slot:
        slot.parent.props('role="presentation"')


def _skip_link() -> None:
    parts.link("Skip to the content", "#content").classes("pa-skip")


def _side_bar(path: str, person: Person) -> None:
    with ui.element("nav").classes("pa-side").props('aria-label="Main"'):
        with ui.element("a").classes("pa-brand").props('href="/"'):
            ui.element("img").props('src="/static/icon.svg" alt="" width="28" height="28"')
            parts.text("PyArchive", "span")
        _place_list(path, [one for one in places_for(admin=person.admin) if not one.admin])
        if person.admin:
            parts.text("Administration", "div").classes("pa-side-group")
            _place_list(path, [one for one in places_for(admin=True) if one.admin])
        ui.element("div").classes("pa-grow")
        _account(path, person)


def _place_list(path: str, places: list[Place]) -> None:
    with ui.element("ul").classes("pa-side-list"):
        for place in places:
            with ui.element("li"):
                _place(place, path)


def _place(place: Place, path: str) -> None:
    current = path == place.path or (place.path != "/" and path.startswith(place.path + "/"))
    with ui.element("a").classes("pa-place").props(f'href="{place.path}"') as link:
        if place.own_tab:
            link.props('target="pyarchive-upload"')
        if current:
            link.props('aria-current="page"')
        parts.icon(place.icon)
        parts.text(place.label, "span")


def _account(path: str, person: Person) -> None:
    with ui.element("a").classes("pa-place").props('href="/profile"') as link:
        if path == "/profile":
            link.props('aria-current="page"')
        parts.icon("account_circle")
        parts.text(person.display_name, "span").classes("pa-ellipsis")
    with ui.element("form").props('method="post" action="/logout"'), ui.element("button").classes("pa-place").props('type="submit"'):
        parts.icon("logout")
        parts.text("Sign out", "span")


def _bottom_bar(path: str, person: Person) -> None:
    everyday = [one for one in places_for(admin=person.admin) if one.everyday]
    others = [one for one in places_for(admin=person.admin) if not one.everyday]
    with ui.element("nav").classes("pa-bottom").props('aria-label="Main, short"'):
        for place in everyday:
            _place(place, path)
        with ui.element("details").classes("pa-more"):
            with ui.element("summary").classes("pa-place"):
                parts.icon("menu")
                parts.text("More", "span")
            with ui.element("div").classes("pa-more-sheet"):
                for place in others:
                    _place(place, path)
                _account(path, person)


def _said() -> list[tuple[str, str]]:
    """Icons and words: what holds for everybody and every page, the most general alone."""
    live = here.live()
    if live.away:
        return [("cloud_off", _AWAY[live.away])]
    if live.upgrading:
        return [("upgrade", f"{live.upgrading[:1].upper()}{live.upgrading[1:]}.")]
    return [("health_and_safety", _SAFE_MODE)] if live.in_safe_mode else []


def _banners() -> None:
    with ui.element("div").classes("pa-banners").props('role="status" aria-live="polite"') as area:
        pass

    shown: list[tuple[str, str]] = []

    def show() -> None:
        now = _said()
        if now != shown:
            shown[:] = now
            area.clear()
            with area:
                for icon, words in now:
                    parts.banner("warn", icon, words)

    show()
    here.follow(["away", "appliance/state"], show)
